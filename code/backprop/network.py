"""The network: layers in order and a loss, run forward and backward.

Chapters "Forward propagation" and "Training on MNIST" use it as it is. The file format
of saved weights stands in `backprop.saving`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.arrays import NamedArrays
from backprop.checks import check_finite, check_whole
from backprop.dataset import Dataset
from backprop.errors import InputError, SavedFileError
from backprop.identity import identity_of, told
from backprop.layers import Dense, Layer
from backprop.losses import Loss
from backprop.saving import (
    check_savable,
    check_saved,
    read_arrays,
    read_json,
    write_arrays,
)

Array = NDArray[np.floating]
ROWS_AT_A_TIME = 1000  # bounds the memory of predict and evaluate
FORMAT = "backprop network 2"


@dataclass(frozen=True)
class Evaluation:
    """How well a network does on a data set.

    Attributes
    ----------
    loss : float
        Mean loss over the examples.
    accuracy : float
        Share of examples whose answer is right, from 0 to 1; NaN where the targets
        are no answers, but numbers to come near to.
    """

    loss: float
    accuracy: float


class Network:
    """A feed-forward network.

    It works in arrays that its layers own, so it is not for several threads at
    once; give each thread a network of its own.

    Parameters
    ----------
    layers : sequence of Layer
        In the order in which an example passes through them; new ones for each
        network.
    loss : Loss
        Such as `SoftmaxCrossEntropy` or `MeanSquaredError`: how wrong outputs are,
        and which answers they mean.
    seed : int
        Seed of the generator that draws the initial weights, at least 0.
    dtype : float32 (default) or float64
        Type of all numbers in the network; float64 is for gradient checks.

    Attributes
    ----------
    key : str
        Tells this network from all others; a copy has the same. An optimizer with a
        memory keeps it.
    rng : numpy.random.Generator
        Made from the seed; it has drawn the weights and goes on to draw the masks of
        `Dropout`, so that all randomness of a network hangs on its seed.

    Raises
    ------
    InputError
        If there are no layers, a layer stands in it twice or belongs to another
        network, neighboring widths do not fit, the seed is not a whole number of at
        least 0, or the type is neither float32 nor float64.

    Examples
    --------
    >>> from backprop.layers import Dense, ReLU
    >>> from backprop.losses import SoftmaxCrossEntropy
    >>> network = Network([Dense(4, 3), ReLU(), Dense(3, 2)],
    ...                   loss=SoftmaxCrossEntropy(), seed=0)
    >>> network.forward(np.zeros((5, 4))).shape
    (5, 2)
    >>> network.predict(np.zeros((5, 4)))
    array([0, 0, 0, 0, 0])
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: Loss,
        seed: int,
        dtype: DTypeLike = np.float32,
    ) -> None:
        check_loss(loss)
        check_whole("Network", seed=(seed, 0))
        self.layers, self.loss = checked_layers(layers), loss
        self.dtype = checked_type(dtype)
        self._outputs_shape: tuple[int, ...] | None = None  # of the last forward
        self.key = os.urandom(8).hex()
        self.rng = np.random.default_rng(int(seed))
        for layer in self.layers:
            layer.initialize(self.rng, self.dtype)
        self._first_trained = next(
            (place for place, layer in enumerate(self.layers) if layer.parameters), 0
        )
        for layer in self.layers:
            layer.taken = True

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_outputs_shape": None}  # a copy has no batch in work

    def __repr__(self) -> str:
        return f"Network({self.layers}, loss={self.loss}, dtype={self.dtype})"

    @property
    def parameters(self) -> NamedArrays:
        """All arrays that training moves, as ``"layer.name"``: ``"0.W"``, ``"0.b"``.

        What is assigned is copied: ``network.parameters["0.W"] = W``.
        """
        return self._gathered("parameters")

    @property
    def gradients(self) -> NamedArrays:
        """The gradient of the loss by each parameter, under the same keys."""
        return self._gathered("gradients")

    @property
    def state(self) -> NamedArrays:
        """All that was learned: the parameters, and what else layers keep of it."""
        return self._gathered("state")

    @property
    def weight_names(self) -> frozenset[str]:
        """The keys of the parameters that are weights, and no biases."""
        return frozenset(
            f"{place}.{name}"
            for place, layer in enumerate(self.layers)
            for name in layer.weight_names
        )

    def _gathered(self, kind: str) -> NamedArrays:
        return NamedArrays(
            {
                f"{place}.{name}": array
                for place, layer in enumerate(self.layers)
                for name, array in getattr(layer, kind).items()
            }
        )

    def forward(self, X: Array, training: bool = False) -> Array:
        """Pass a batch through all layers.

        Parameters
        ----------
        X : floating-point array (batch, features)
            One example a row. It must not change before `backward`, which uses it.
        training : bool, optional
            Whether this is a step of training: then `Dropout` silences inputs.

        Returns
        -------
        array (batch, outputs)
            Outputs of the last layer (logits, for a classifier), a new array.

        Raises
        ------
        InputError
            If X is not a batch of floating-point numbers of the right width.
        """
        A = self._as_batch(X)
        for layer in self.layers:
            A = layer.forward(A, training)
        self._outputs_shape = A.shape
        return A.copy()

    def backward(self, d_outputs: Array) -> None:
        """Pass the gradient back through all layers, filling their gradients.

        It stops at the first layer with parameters: nobody needs the gradient by the
        network's own input. What the last `forward` computed is used; `predict` and
        `evaluate` overwrite it.

        Parameters
        ----------
        d_outputs : array (batch, outputs)
            Gradient of the loss by the outputs: ``network.loss.backward()``.

        Raises
        ------
        InputError
            If nothing went forward before, or the gradient has another shape than
            the last outputs.
        """
        self._check_gradient(d_outputs)
        for layer in reversed(self.layers[self._first_trained + 1 :]):
            d_outputs = layer.backward(d_outputs)  # type: ignore[assignment]
        self.layers[self._first_trained].backward(d_outputs, input_gradient=False)

    def predict(self, X: Array) -> NDArray[np.integer]:
        """Return the answer to each row of X, as the loss reads it from the outputs.

        It overwrites what `backward` needs: call `forward` again before `backward`.

        Parameters
        ----------
        X : floating-point array (n, features)
            One example a row; n may be large, the work is done in chunks.

        Returns
        -------
        integer array (n,), or (n, outputs) where each output is a question
            With `SoftmaxCrossEntropy` the class with the largest output, from 0 to
            outputs - 1.

        Raises
        ------
        InputError
            If X has the wrong shape or type, or holds NaN or infinity.
        """
        X = self._as_batch(X)
        check_finite(X)
        decide = self.loss.decide
        guesses = [decide(self.forward(X[chunk])) for chunk in chunks(len(X))]
        return np.concatenate(guesses)

    def evaluate(self, data: Dataset) -> Evaluation:
        """Measure loss and accuracy on a data set; no weight moves.

        It overwrites what `backward` needs: call `forward` again before `backward`.

        Parameters
        ----------
        data : Dataset
            Inputs (n, features) and their targets, n at least 1.

        Returns
        -------
        Evaluation
            Mean loss and share of correct answers; the share is NaN where the
            targets are not labels.

        Raises
        ------
        InputError
            If the data set is no `Dataset`, is empty, does not fit, or holds NaN or
            infinity.
        """
        if not isinstance(data, Dataset):
            raise InputError(
                f"evaluate: the data set must be a Dataset, but is a "
                f"{type(data).__name__}. Write Dataset(inputs, targets)."
            )
        if len(data) == 0:
            raise InputError("evaluate: the data set is empty; nothing to measure.")
        X = self._as_batch(data.inputs)
        check_finite(X)
        answers = self.loss.answers(data.targets)
        loss = correct = 0.0
        for chunk in chunks(len(data)):
            outputs, y = self.forward(X[chunk]), data.targets[chunk]
            loss += self.loss.forward(outputs, y) * len(y)
            if answers is not None:
                right = self.loss.decide(outputs) == answers[chunk]
                correct += np.count_nonzero(right.reshape(len(y), -1).all(axis=1))
        accuracy = float("nan") if answers is None else float(correct / len(data))
        return Evaluation(loss / len(data), accuracy)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all that was learned to a file, whole or not at all.

        Parameters
        ----------
        path : path
            Where to; an existing file is replaced. The format is ``.npz``
            without pickles.

        Raises
        ------
        InputError
            If a layer of your own does not say how it was made; see
            `backprop.identity`.
        SavedFileError
            If the folder does not exist, the file cannot be written, or an array is
            not finite.
        """
        check_savable(Path(path), self.state)
        write_arrays(
            Path(path),
            {
                "format": np.array(FORMAT),
                "layers": np.array(json.dumps(identity_of(self.layers))),
                **self.state,
            },
        )

    def load(self, path: str | os.PathLike[str]) -> None:
        """Read what `save` wrote into this network.

        Parameters
        ----------
        path : path
            A file saved from a network with the same layers.

        Raises
        ------
        SavedFileError
            If the file is missing, damaged, not saved by `save`, or from a
            network with other layers. The network is then unchanged.
        """
        arrays = read_arrays(Path(path))
        if str(arrays.get("format")) != FORMAT:
            raise SavedFileError(
                f"{path} was not written by Network.save (format "
                f"{str(arrays.get('format'))!r}, expected {FORMAT!r})."
            )
        theirs, ours = read_json(arrays.get("layers")), identity_of(self.layers)
        if theirs != ours:
            raise SavedFileError(
                f"{path} holds a network with the layers {told(theirs)}, but this one "
                f"has {told(ours)}. Build the same layers, then load."
            )
        state = self.state
        for name, W in state.items():
            check_saved(Path(path), f"parameter {name}", arrays.get(name), W)
        state.update({name: arrays[name] for name in state})

    def _as_batch(self, X: Array) -> Array:
        try:
            X = np.asarray(X)
        except ValueError as why:  # rows of several lengths
            raise InputError(f"The network takes an array, but got: {why}") from None
        if X.dtype.kind != "f":
            raise InputError(
                f"The network takes floating-point numbers, but X is {X.dtype}. "
                f"Pixels from 0 to 255 become X / 255."
            )
        if X.ndim < 2:
            raise InputError(
                f"The network takes a batch of shape (batch, features), but X has "
                f"shape {X.shape}. A single example x is the batch x[np.newaxis]."
            )
        if X.dtype == self.dtype:
            return X
        try:
            with np.errstate(over="raise"):
                return X.astype(self.dtype)
        except FloatingPointError:
            raise InputError(
                f"X holds a number too large for {self.dtype}, whose largest is "
                f"{np.finfo(self.dtype).max:.1e}. Scale the inputs, best to [0, 1]."
            ) from None

    def _check_gradient(self, d_outputs: Array) -> None:
        if self._outputs_shape is None:
            raise InputError("backward: call forward first; it uses its results.")
        if not isinstance(d_outputs, np.ndarray) or d_outputs.dtype.kind != "f":
            raise InputError(
                "backward: the gradient by the outputs must be an array of "
                "floating-point numbers, such as network.loss.backward() returns."
            )
        if np.shape(d_outputs) != self._outputs_shape:
            raise InputError(
                f"backward: the gradient by the outputs must have the shape of the "
                f"last outputs, {self._outputs_shape}, but has shape "
                f"{np.shape(d_outputs)}. Call forward and the loss's forward for the "
                f"same batch, then backward."
            )


def checked_layers(given: Sequence[Layer]) -> list[Layer]:
    """Return a list of the layers, or raise `InputError` if no network is made so."""
    if not isinstance(given, Iterable):
        raise InputError(
            f"Network: the layers must be a list, but are {given}; put them into "
            f"brackets: Network([Dense(784, 10)], loss=..., seed=...)."
        )
    layers = list(given)
    if not layers:
        raise InputError("A network needs at least one layer.")
    for place, layer in enumerate(layers):
        check_made(f"layer {place}", layer)
        if not isinstance(layer, Layer):
            raise InputError(
                f"Network: layer {place} must be a layer such as Dense(784, 10), but "
                f"is {layer!r}."
            )
        if layer.taken:
            raise InputError(
                f"Layer {place}, {layer}, already belongs to another network; build "
                f"new layers for each network, because a layer holds its weights."
            )
    if len({id(layer) for layer in layers}) < len(layers):
        raise InputError(
            "The same layer object stands in the network twice; each place "
            "needs a layer of its own, because a layer remembers its input."
        )
    check_widths(layers)
    return layers


def check_widths(layers: Sequence[Layer]) -> None:
    """Raise `InputError` if a dense layer cannot take what the one before it gives."""
    before: Dense | None = None
    for layer in layers:
        if isinstance(layer, Dense):
            if before is not None and before.outputs != layer.inputs:
                raise InputError(
                    f"{before} gives {before.outputs} outputs, but the next, {layer}, "
                    f"takes {layer.inputs} inputs; the two numbers must be equal."
                )
            before = layer
        elif not layer.elementwise:
            before = None  # its width becomes known when a batch goes through


def check_made(what: str, thing: object) -> None:
    """Raise `InputError` if a class stands where one of its objects belongs."""
    if isinstance(thing, type):
        raise InputError(
            f"Network: {what} is the class {thing.__name__}, not an object made from "
            f"it. Did you forget the parentheses? Write {thing.__name__}(...)."
        )


def check_loss(loss: object) -> None:
    """Raise `InputError` unless a network can learn by this loss."""
    check_made("the loss", loss)
    if not isinstance(loss, Loss):
        raise InputError(
            f"Network: the loss must be a Loss such as SoftmaxCrossEntropy(), but is "
            f"{loss!r}. A loss of your own is a class that derives from "
            f"backprop.losses.Loss."
        )


def checked_type(dtype: DTypeLike) -> np.dtype[Any]:
    """Return float32 or float64 as NumPy's type, or raise `InputError`."""
    try:
        found = np.dtype(dtype)
    except (TypeError, ValueError):
        found = np.dtype(object)
    if dtype is None or found not in (np.float32, np.float64):  # None means float64
        raise InputError(f"dtype must be np.float32 or np.float64, but is {dtype!r}.")
    return found


def chunks(length: int) -> Iterator[slice]:
    """Yield slices that cover ``range(length)``, `ROWS_AT_A_TIME` rows each."""
    for start in range(0, max(length, 1), ROWS_AT_A_TIME):  # no rows: one empty chunk
        yield slice(start, min(start + ROWS_AT_A_TIME, length))
