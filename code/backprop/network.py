"""The network: layers in order and a loss, run forward and backward.

Chapters "Forward propagation" and "Training on MNIST" use it as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.data import Split
from backprop.errors import InputError, SavedFileError
from backprop.layers import Dense, Layer

Array = NDArray[np.floating]
ROWS_AT_A_TIME = 1000  # bounds the memory of predict and evaluate
FORMAT = "backprop network 1"


class Loss(Protocol):
    """What a network asks of its loss."""

    def forward(self, outputs: Array, targets: NDArray[Any]) -> float:
        """Return the mean loss of a batch."""

    def backward(self) -> Array:
        """Return the gradient of that loss by the outputs."""


@dataclass(frozen=True)
class Evaluation:
    """How well a network does on a data set.

    Attributes
    ----------
    loss : float
        Mean loss over the examples.
    accuracy : float
        Share of examples whose largest output is at the label, from 0 to 1.
    """

    loss: float
    accuracy: float


class Network:
    """A feed-forward network.

    Parameters
    ----------
    layers : sequence of Layer
        In the order in which an example passes through them.
    loss : SoftmaxCrossEntropy or MeanSquaredError
        Has ``forward(outputs, targets)`` and ``backward()``.
    seed : int
        Seed of the generator that draws the initial weights.
    dtype : float32 (default) or float64
        Type of all numbers in the network; float64 is for gradient checks.

    Raises
    ------
    InputError
        If there are no layers, a layer stands in it twice, neighboring widths do
        not fit, or the type is not a floating-point type.

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
        self.layers, self.loss, self.dtype = list(layers), loss, np.dtype(dtype)
        self._check_architecture()
        rng = np.random.default_rng(seed)
        for layer in self.layers:
            layer.initialize(rng, self.dtype)

    def __repr__(self) -> str:
        return f"Network({self.layers}, loss={self.loss}, dtype={self.dtype})"

    @property
    def parameters(self) -> dict[str, Array]:
        """All arrays that training moves, as ``"layer.name"``: ``"0.W"``, ``"0.b"``."""
        return {
            f"{place}.{name}": array
            for place, layer in enumerate(self.layers)
            for name, array in layer.parameters.items()
        }

    @property
    def gradients(self) -> dict[str, Array]:
        """The gradient of the loss by each parameter, under the same keys."""
        return {
            f"{place}.{name}": array
            for place, layer in enumerate(self.layers)
            for name, array in layer.gradients.items()
        }

    def forward(self, X: Array) -> Array:
        """Pass a batch through all layers.

        Parameters
        ----------
        X : floating-point array (batch, features)
            One example a row.

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
            A = layer.forward(A)
        return A.copy()

    def backward(self, d_outputs: Array) -> None:
        """Pass the gradient back through all layers, filling their gradients.

        The gradient by the network's own input is not computed.

        Parameters
        ----------
        d_outputs : array (batch, outputs)
            Gradient of the loss by the outputs: ``network.loss.backward()``.
        """
        for layer in reversed(self.layers[1:]):
            d_outputs = layer.backward(d_outputs)  # type: ignore[assignment]
        self.layers[0].backward(d_outputs, input_gradient=False)

    def predict(self, X: Array) -> NDArray[np.integer]:
        """Return the class with the largest output for each row of X.

        Parameters
        ----------
        X : floating-point array (n, features)
            One example a row; n may be large, the work is done in pieces.

        Returns
        -------
        integer array (n,)
            From 0 to outputs - 1.

        Raises
        ------
        InputError
            If X has the wrong shape or type, or holds NaN or infinity.
        """
        X = self._as_batch(X)
        check_finite(X)
        guesses = [self.forward(X[piece]).argmax(axis=1) for piece in pieces(len(X))]
        return np.concatenate(guesses)

    def evaluate(self, data: Split) -> Evaluation:
        """Measure loss and accuracy on a data set, without changing anything.

        Parameters
        ----------
        data : Split
            Images (n, features) and labels (n,), n at least 1.

        Returns
        -------
        Evaluation
            Mean loss and share of correct answers.

        Raises
        ------
        InputError
            If the data set is empty, does not fit, or holds NaN or infinity.
        """
        if len(data) == 0:
            raise InputError("evaluate: the data set is empty; nothing to measure.")
        images = self._as_batch(data.images)
        check_finite(images)
        loss = correct = 0.0
        for piece in pieces(len(data)):
            outputs, y = self.forward(images[piece]), data.labels[piece]
            loss += self.loss.forward(outputs, y) * len(y)
            correct += int(np.count_nonzero(outputs.argmax(axis=1) == y))
        return Evaluation(loss / len(data), correct / len(data))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all parameters to a file, whole or not at all.

        Parameters
        ----------
        path : path
            Where to; an existing file is replaced. The format is ``.npz``
            without pickles.

        Raises
        ------
        SavedFileError
            If the folder does not exist.
        """
        path = Path(path)
        if not path.parent.is_dir():
            raise SavedFileError(f"{path}: there is no folder {path.parent}; make it.")
        unfinished = path.with_name(path.name + ".part")
        try:
            with open(unfinished, "wb") as file:
                np.savez(
                    file,
                    format=np.array(FORMAT),
                    layers=np.array(repr(self.layers)),
                    **self.parameters,  # type: ignore[arg-type]
                )
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Read the parameters that `save` wrote into this network.

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
        layers = str(arrays.get("layers"))
        if layers != repr(self.layers):
            raise SavedFileError(
                f"{path} holds a network with the layers {layers}, but "
                f"this one has {self.layers}. Build the same layers, then load."
            )
        for name, W in self.parameters.items():
            if name not in arrays or arrays[name].shape != W.shape:
                raise SavedFileError(
                    f"{path}: parameter {name} is missing or misshapen."
                )
        for name, W in self.parameters.items():
            W[:] = arrays[name]

    def _as_batch(self, X: Array) -> Array:
        X = np.asarray(X)
        if not np.issubdtype(X.dtype, np.floating):
            raise InputError(
                f"The network takes floating-point numbers, but X is {X.dtype}. "
                f"Pixels from 0 to 255 become X / 255."
            )
        if X.ndim < 2:
            raise InputError(
                f"The network takes a batch of shape (batch, features), but X has "
                f"shape {X.shape}. A single example x is the batch x[np.newaxis]."
            )
        return X.astype(self.dtype, copy=False)

    def _check_architecture(self) -> None:
        if not self.layers:
            raise InputError("A network needs at least one layer.")
        if len({id(layer) for layer in self.layers}) < len(self.layers):
            raise InputError(
                "The same layer object stands in the network twice; each place "
                "needs a layer of its own, because a layer remembers its input."
            )
        if not np.issubdtype(self.dtype, np.floating):
            raise InputError(
                f"dtype must be np.float32 or np.float64, but is {self.dtype}."
            )
        dense = [layer for layer in self.layers if isinstance(layer, Dense)]
        for left, right in pairwise(dense):
            if left.outputs != right.inputs:
                raise InputError(
                    f"{left} gives {left.outputs} outputs, but the next, {right}, "
                    f"takes {right.inputs} inputs; the two numbers must be equal."
                )


def pieces(length: int) -> Iterator[slice]:
    """Yield slices that cover ``range(length)``, `ROWS_AT_A_TIME` rows each."""
    for start in range(0, max(length, 1), ROWS_AT_A_TIME):  # no rows: one empty piece
        yield slice(start, min(start + ROWS_AT_A_TIME, length))


def check_finite(X: Array) -> None:
    """Raise `InputError` naming the first row of X that is not finite."""
    if not np.isfinite(X).all():
        row = int(np.argmin(np.isfinite(X).all(axis=tuple(range(1, X.ndim)))))
        raise InputError(
            f"X holds NaN or infinity, first in row {row}. Look at how that example "
            f"was made; a division by zero in the scaling is the usual cause."
        )


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read all arrays of an ``.npz`` file, or raise `SavedFileError`."""
    try:
        # Opened here, because np.load leaves a damaged file open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise SavedFileError(
            f"{path} does not exist; save the network first."
        ) from None
    except Exception as why:  # a damaged file can make np.load raise about anything
        raise SavedFileError(
            f"{path} is damaged or not a saved network ({why}). Save the network again."
        ) from None
