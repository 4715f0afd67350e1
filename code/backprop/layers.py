"""The layers of a network, each forward rule beside its backward rule.

Chapter "Forward propagation" teaches the forward rules. Every ``backward``
takes ∂L/∂(output) and returns ∂L/∂(input): one application of the chain rule.
Layers for images stand in `backprop.convolution`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.arrays import NamedArrays
from backprop.checks import check_share, check_whole, kind_of
from backprop.errors import InputError
from backprop.identity import printed, settings_of
from backprop.initialization import Initialization, he

Array = NDArray[np.floating]


class Layer:
    """What every layer has: a forward rule and a backward rule, side by side.

    A layer of your own is a class with these two methods. If training shall move some
    of its arrays, it also says their names, makes them in `initialize`, and fills
    their gradients in `backward`: that of ``self.W`` is ``self.dW``.

    Attributes
    ----------
    parameter_names : tuple of str
        Attributes that training moves, such as ``("W", "b")``.
    weight_names : tuple of str
        Those of them that are factors of the input: weight decay shrinks them and
        pruning may remove them.
    state_names : tuple of str
        Further arrays that belong to what was learned, though no gradient moves them:
        a running mean. They are saved and restored with the parameters.
    memory_names : tuple of str
        What `forward` keeps for `backward`. A copy (`copy.deepcopy`, `pickle`) of a
        layer has everything else, but nothing of the batch in work.
    elementwise : bool
        Whether each output depends on the input at the same place alone.
    taken : bool
        Whether a network has taken this layer; each layer serves only one.

    Examples
    --------
    >>> class Scale(Layer):
    ...     parameter_names = weight_names = ("w",)
    ...     def __init__(self, width):
    ...         self.width = width
    ...     def initialize(self, rng, dtype=np.float32):
    ...         self.w = np.ones(self.width, dtype)
    ...     def forward(self, X, training=False):
    ...         self.X = X
    ...         return X * self.w
    ...     def backward(self, dZ, input_gradient=True):
    ...         self.dw = (dZ * self.X).sum(axis=0)
    ...         return dZ * self.w
    >>> Scale(3)
    Scale(3)
    """

    parameter_names: tuple[str, ...] = ()
    weight_names: tuple[str, ...] = ()
    state_names: tuple[str, ...] = ()
    memory_names: tuple[str, ...] = ()
    elementwise = False
    taken = False

    def __repr__(self) -> str:
        return printed(self)

    def __getstate__(self) -> dict[str, Any]:
        return {n: v for n, v in vars(self).items() if n not in self.memory_names}

    @property
    def parameters(self) -> NamedArrays:
        """The arrays that training moves, by name."""
        return NamedArrays({name: getattr(self, name) for name in self.parameter_names})

    @property
    def gradients(self) -> NamedArrays:
        """The gradient of the loss by each parameter, under the parameter's name.

        Before the first `backward` they are 0.
        """
        for name in self.parameter_names:
            if not hasattr(self, f"d{name}"):
                setattr(self, f"d{name}", np.zeros_like(getattr(self, name)))
        return NamedArrays(
            {name: getattr(self, f"d{name}") for name in self.parameter_names}
        )

    @property
    def state(self) -> NamedArrays:
        """All arrays that make up what the layer has learned, by name."""
        names = self.parameter_names + self.state_names
        return NamedArrays({name: getattr(self, name) for name in names})

    @property
    def settings(self) -> dict[str, Any]:
        """What the layer was made with, but for what only its first weights asked for.

        A file of weights fits a layer with the same settings.
        """
        made_with = settings_of(self)
        made_with.pop("initialization", None)
        return made_with

    def initialize(
        self, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> None:
        """Draw fresh parameters; layers without parameters do nothing."""

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return the layer's output for a batch; remember what backward needs.

        ``training`` is True only in a step of training; `Dropout` asks for it.
        """
        raise NotImplementedError

    def backward(self, d_output: Array, input_gradient: bool = True) -> Array | None:
        """Fill the gradients of the parameters; return ∂L/∂(input) if asked."""
        raise NotImplementedError


class Dense(Layer):
    """A fully connected layer: every output is a weighted sum of all inputs.

    Forward, equation (eq-dense)::

        Z = X W + b

    Backward, from dZ = ∂L/∂Z::

        dW = Xᵀ dZ      db = sum of dZ over the batch      dX = dZ Wᵀ

    Parameters
    ----------
    inputs, outputs : int
        Width of what comes in and of what goes out, both at least 1.
    initialization : function (rng, inputs, outputs) -> array, optional
        Draws the weights: `he` (default), `glorot` or `zeros`. Biases start at 0.
        A network draws them from its own seed; a layer by itself has those of seed 0.

    Attributes
    ----------
    W, dW : array (inputs, outputs)
        Weights and the gradient of the loss by them.
    b, db : array (outputs,)
        Biases and the gradient of the loss by them.

    Raises
    ------
    InputError
        If a width is not a positive whole number or the initialization returns
        another shape, or, from ``forward``, if the batch has the wrong shape or
        another floating-point type than the weights.

    Examples
    --------
    >>> layer = Dense(2, 1)
    >>> layer.initialize(np.random.default_rng(0), np.float64)
    >>> layer.W[:] = [[2.0], [-1.0]]
    >>> layer.b[:] = 0.5
    >>> layer.forward(np.array([[0.5, 1.0]]))
    array([[0.5]])
    >>> layer.backward(np.array([[1.0]]))
    array([[ 2., -1.]])
    >>> layer.dW
    array([[0.5],
           [1. ]])
    """

    parameter_names = ("W", "b")
    weight_names = ("W",)
    memory_names = ("X", "Z")

    def __init__(
        self, inputs: int, outputs: int, initialization: Initialization = he
    ) -> None:
        check_whole("Dense", inputs=(inputs, 1), outputs=(outputs, 1))
        self.inputs, self.outputs = int(inputs), int(outputs)
        self.initialization = initialization
        self.initialize(np.random.default_rng(0))

    def initialize(
        self, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> None:
        """Draw the weights anew and set the biases to zero."""
        W = drawn_weights(self, self.initialization, rng, self.inputs, self.outputs)
        self.W = W.astype(dtype)
        self.b = np.zeros(self.outputs, dtype)
        self.dW = np.zeros_like(self.W)
        self.db = np.zeros_like(self.b)

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return Z = X W + b, shape (batch, outputs), for X (batch, inputs)."""
        self._check(X)
        self.X = X
        self.Z: Array = X @ self.W  # (batch, outputs)
        self.Z += self.b
        return self.Z

    def backward(self, dZ: Array, input_gradient: bool = True) -> Array | None:
        """Fill dW and db from dZ (batch, outputs); return dX (batch, inputs).

        The first layer of a network is called with ``input_gradient=False``:
        nobody moves the pixels, and dX costs as much as dW.
        """
        check_gradient(self, dZ, "Z")
        self.dW = self.X.T @ dZ  # (inputs, outputs)
        self.db = dZ.sum(axis=0)  # (outputs,)
        return dZ @ self.W.T if input_gradient else None  # (batch, inputs)

    def _check(self, X: Array) -> None:
        if not isinstance(X, np.ndarray):
            raise InputError(
                f"{self}: X must be a NumPy array of shape (batch, {self.inputs}), "
                f"but is {kind_of(X)}."
            )
        if X.ndim != 2 or X.shape[1] != self.inputs:
            hint = (
                "images in rows and columns become rows with X.reshape(len(X), -1), "
                "in a network with the layer Flatten()"
                if X.ndim > 2
                else "a single example x is the batch x[np.newaxis]"
            )
            raise InputError(
                f"{self}: X must have shape (batch, {self.inputs}), but has shape "
                f"{X.shape}. A batch is rows, one example a row; {hint}."
            )
        check_type(
            self, X, self.W, "; pixels from 0 to 255 must be divided by 255 as well"
        )


class Sigmoid(Layer):
    """The logistic function, elementwise: A = 1 / (1 + exp(−Z)), in (0, 1).

    Backward: dZ = dA · A (1 - A). The slope is at most 1/4.

    Computed as (1 + tanh(Z / 2)) / 2, the same function, which overflows for no Z.
    It is exact in the middle; in float32, where Z is below about -15, it loses its
    digits and soon rounds to 0, and its slope with it.

    Examples
    --------
    >>> Sigmoid().forward(np.array([[-1000.0, 0.0, 1000.0]]))
    array([[0. , 0.5, 1. ]])
    """

    memory_names = ("A",)
    elementwise = True

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return A, of X's shape."""
        check_array(self, X)
        self.A: Array = (1 + np.tanh(X / 2)) / 2
        return self.A

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Return dZ = dA · A (1 − A), of dA's shape."""
        check_gradient(self, dA, "A")
        dZ: Array = dA * self.A * (1 - self.A)
        return dZ


class Tanh(Layer):
    """The hyperbolic tangent, elementwise: A = tanh(Z), in (−1, 1).

    Backward: dZ = dA · (1 - A²). The slope is at most 1.

    Examples
    --------
    >>> Tanh().forward(np.array([[-1000.0, 0.0, 1000.0]]))
    array([[-1.,  0.,  1.]])
    """

    memory_names = ("A",)
    elementwise = True

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return A, of X's shape."""
        check_array(self, X)
        self.A: Array = np.tanh(X)
        return self.A

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Return dZ = dA · (1 − A²), of dA's shape."""
        check_gradient(self, dA, "A")
        dZ: Array = dA * (1 - self.A**2)
        return dZ


class ReLU(Layer):
    """The rectified linear unit, elementwise: A = max(0, Z), equation (eq-relu).

    Backward: dZ = dA where Z > 0, and 0 elsewhere. At Z = 0 exactly the function
    has a kink; the slope there is taken to be 0.

    Examples
    --------
    >>> relu = ReLU()
    >>> relu.forward(np.array([[-2.0, 0.0, 3.0]]))
    array([[0., 0., 3.]])
    >>> relu.backward(np.array([[10.0, 10.0, 10.0]]))
    array([[ 0.,  0., 10.]])
    """

    memory_names = ("A",)
    elementwise = True

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return A, of X's shape."""
        check_array(self, X)
        self.A: Array = np.maximum(X, 0)
        return self.A

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Return dZ = dA · [A > 0], of dA's shape (A > 0 exactly where Z > 0)."""
        check_gradient(self, dA, "A")
        dZ: Array = dA * (self.A > 0)
        return dZ


class Dropout(Layer):
    """Silence a random share of the inputs in training.

    Forward, with a mask M that is drawn anew for each batch::

        A = X · M      M = 1 / (1 - rate) with probability 1 - rate, else 0

    Backward: dX = dA · M, the same mask with the same scale. Because of the scale
    the expectation of A is X ("inverted dropout"), and outside of training the
    layer hands on what it is given.

    Parameters
    ----------
    rate : float
        Probability that an input is silenced, from 0 to below 1.

    Raises
    ------
    InputError
        If the rate is out of its range.

    Notes
    -----
    The masks come from the network's own generator, ``network.rng``. A gradient
    check of a network with dropout holds them still, see `check_gradients`.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), "Dropout: A
    Simple Way to Prevent Neural Networks from Overfitting". There the scale is
    applied at test time instead.

    Examples
    --------
    >>> dropout, X = Dropout(0.5), np.ones((1, 6))
    >>> dropout.forward(X, training=True)
    array([[2., 2., 2., 0., 0., 0.]])
    >>> dropout.backward(X)
    array([[2., 2., 2., 0., 0., 0.]])
    >>> dropout.forward(X)
    array([[1., 1., 1., 1., 1., 1.]])
    """

    memory_names = ("A", "M")
    elementwise = True

    def __init__(self, rate: float) -> None:
        check_share("Dropout", "rate", rate)
        self.rate: float = float(rate)
        self.initialize(np.random.default_rng(0))

    def initialize(
        self, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> None:
        """Take the masks from this generator from now on."""
        self.rng = rng

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return X · M in training, X itself otherwise."""
        check_array(self, X)
        self.A, self.M = X, None
        if training:
            kept = self.rng.random(X.shape, np.float32) >= self.rate
            self.M = kept.astype(X.dtype) / (1 - self.rate)
            self.A = X * self.M
        return self.A

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Return dX = dA · M, of dA's shape; dA itself if nothing was silenced."""
        check_gradient(self, dA, "A")
        return dA if self.M is None else dA * self.M


def check_array(layer: Layer, X: Array) -> None:
    """Raise `InputError` unless X is an array of floating-point numbers."""
    if not isinstance(X, np.ndarray) or X.ndim == 0:
        raise InputError(
            f"{layer}: X must be a NumPy array with a row for each example, but is "
            f"{kind_of(X)}. Write np.array(...)."
        )
    if X.dtype.kind != "f":
        raise InputError(
            f"{layer}: X must hold floating-point numbers, but is {X.dtype}. Convert "
            f"it with X.astype(np.float32); pixels from 0 to 255 must be divided by "
            f"255 as well."
        )


def check_type(
    layer: Layer, X: Array, W: Array, hint: str = "", what: str = "weights"
) -> None:
    """Raise `InputError` unless X has the type of what it meets in a layer."""
    if X.dtype != W.dtype:
        raise InputError(
            f"{layer}: X is {X.dtype}, but the {what} are {W.dtype}. Convert it with "
            f"X.astype(np.{W.dtype}){hint}."
        )


def check_gradient(layer: Layer, d_output: Array, output: str) -> None:
    """Raise `InputError` unless d_output can be the gradient by a layer's output.

    The layer remembers that output as an attribute of the name ``output``.
    """
    expected = getattr(layer, output, None)
    if expected is None:
        raise InputError(f"{layer}: call forward first; backward uses its results.")
    if not isinstance(d_output, np.ndarray) or d_output.dtype.kind != "f":
        raise InputError(
            f"{layer}: the gradient by the output must be an array of floating-point "
            f"numbers, but is {kind_of(d_output)}. Write np.array(..., dtype=float)."
        )
    if d_output.shape != expected.shape:
        raise InputError(
            f"{layer}: the gradient by the output must have the shape of the last "
            f"output, {expected.shape}, but has shape {d_output.shape}. Call forward "
            f"for the same batch, then backward."
        )


def drawn_weights(
    layer: Layer,
    initialization: Initialization,
    rng: np.random.Generator,
    inputs: int,
    outputs: int,
) -> Array:
    """Return the initial weights (inputs, outputs) of a layer.

    Raises
    ------
    InputError
        If the initialization returns another shape.
    """
    W = np.asarray(initialization(rng, inputs, outputs))
    if W.shape != (inputs, outputs):
        raise InputError(
            f"{layer}: the initialization must return an array of shape "
            f"({inputs}, {outputs}), but returned shape {W.shape}."
        )
    return W
