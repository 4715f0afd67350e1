"""The layers of a network, each forward rule beside its backward rule.

Chapter "Forward propagation" teaches the forward rules. Every ``backward``
takes ∂L/∂(output) and returns ∂L/∂(input): one application of the chain rule.
Layers for images stand in `backprop.convolution`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.errors import InputError, check_share, check_whole
from backprop.initialization import Initialization, he

Array = NDArray[np.floating]


class Layer:
    """What every layer has: parameters, their gradients, and room to work in.

    A layer computes its outputs and gradients into arrays that it owns and uses
    again at the next step, so that they are set aside once and not at every step.
    What ``forward`` and ``backward`` return is therefore valid until the layer is
    called again. A copy of a layer (`copy.deepcopy`, `pickle`) has its parameters
    and gradients, but nothing of the batch that was in work.

    Attributes
    ----------
    taken : bool
        Whether a network has taken this layer; each layer serves only one.
    elementwise : bool
        Whether its output has the shape of its input.
    """

    taken = False
    elementwise = False

    def __init__(self) -> None:
        self._buffers: dict[str, Array] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @property
    def parameters(self) -> dict[str, Array]:
        """The arrays that training moves, by name."""
        return {}

    @property
    def gradients(self) -> dict[str, Array]:
        """The gradient of the loss by each parameter, under the same name."""
        return {}

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

    def _buffer(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """Return an array of this layer's own, with arbitrary content."""
        array = self._buffers.get(name)
        if array is None or array.shape != shape or array.dtype != dtype:
            array = self._buffers[name] = np.empty(shape, dtype)
        return array

    def _buffer_like(self, name: str, X: Array) -> Array:
        """Return an array of this layer's own that lies in memory as X does."""
        array = self._buffers.get(name)
        if (
            array is None
            or array.shape != X.shape
            or array.strides != X.strides
            or array.dtype != X.dtype
        ):
            array = self._buffers[name] = np.empty_like(X)
        return array

    def __getstate__(self) -> dict[str, Any]:
        learned = {*self.parameters, *(f"d{name}" for name in self.parameters)}
        kept = {
            name: value
            for name, value in vars(self).items()
            if name in learned or not isinstance(value, np.ndarray)
        }
        return {**kept, "_buffers": {}}


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

    def __init__(
        self, inputs: int, outputs: int, initialization: Initialization = he
    ) -> None:
        super().__init__()
        check_whole("Dense", inputs=(inputs, 1), outputs=(outputs, 1))
        self.inputs, self.outputs = int(inputs), int(outputs)
        self.initialization = initialization
        self.initialize(np.random.default_rng(0))

    def __repr__(self) -> str:
        return f"Dense({self.inputs}, {self.outputs})"

    @property
    def parameters(self) -> dict[str, Array]:
        """The weights ``W`` and the biases ``b``."""
        return {"W": self.W, "b": self.b}

    @property
    def gradients(self) -> dict[str, Array]:
        """The gradients ``dW`` and ``db``, under the keys ``W`` and ``b``."""
        return {"W": self.dW, "b": self.db}

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
        Z = self._buffer("Z", (len(X), self.outputs), X.dtype)
        np.matmul(X, self.W, out=Z)  # (batch, outputs)
        Z += self.b
        return Z

    def backward(self, dZ: Array, input_gradient: bool = True) -> Array | None:
        """Fill dW and db from dZ (batch, outputs); return dX (batch, inputs).

        The first layer of a network is called with ``input_gradient=False``:
        nobody moves the pixels, and dX costs as much as dW.
        """
        np.matmul(self.X.T, dZ, out=self.dW)  # (inputs, outputs)
        dZ.sum(axis=0, out=self.db)  # (outputs,)
        if not input_gradient:
            return None
        dX = self._buffer("dX", self.X.shape, dZ.dtype)
        return np.matmul(dZ, self.W.T, out=dX)  # (batch, inputs)

    def _check(self, X: Array) -> None:
        if not isinstance(X, np.ndarray):
            raise InputError(
                f"{self}: X must be a NumPy array of shape (batch, {self.inputs}), "
                f"but is a {type(X).__name__}."
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
        if X.dtype != self.W.dtype:
            raise InputError(
                f"{self}: X is {X.dtype}, but the weights are {self.W.dtype}. "
                f"Convert it with X.astype(np.{self.W.dtype}); pixels from 0 to 255 "
                f"must be divided by 255 as well."
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

    elementwise = True

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return A, of X's shape."""
        check_array(self, X)
        A = self._buffer_like("A", X)
        np.multiply(X, 0.5, out=A)
        np.tanh(A, out=A)
        A += 1
        A *= 0.5
        self.A = A
        return A

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Return dZ = dA · A (1 − A), of dA's shape."""
        dZ = self._buffer_like("dZ", self.A)
        np.subtract(1, self.A, out=dZ)
        dZ *= self.A
        dZ *= dA
        return dZ


class Tanh(Layer):
    """The hyperbolic tangent, elementwise: A = tanh(Z), in (−1, 1).

    Backward: dZ = dA · (1 - A²). The slope is at most 1.

    Examples
    --------
    >>> Tanh().forward(np.array([[-1000.0, 0.0, 1000.0]]))
    array([[-1.,  0.,  1.]])
    """

    elementwise = True

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return A, of X's shape."""
        check_array(self, X)
        self.A = self._buffer_like("A", X)
        return np.tanh(X, out=self.A)

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Return dZ = dA · (1 − A²), of dA's shape."""
        dZ = self._buffer_like("dZ", self.A)
        np.multiply(self.A, self.A, out=dZ)
        np.subtract(1, dZ, out=dZ)
        dZ *= dA
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

    elementwise = True

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return A, of X's shape."""
        check_array(self, X)
        self.A = self._buffer_like("A", X)
        return np.maximum(X, 0, out=self.A)

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Return dZ = dA · [A > 0], of dA's shape (A > 0 exactly where Z > 0)."""
        dZ = self._buffer_like("dZ", self.A)
        np.greater(self.A, 0, out=dZ)  # 1 where the slope is 1
        dZ *= dA
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

    elementwise = True

    def __init__(self, rate: float) -> None:
        super().__init__()
        check_share("Dropout", "rate", rate)
        self.rate: float = float(rate)
        self.initialize(np.random.default_rng(0))

    def __repr__(self) -> str:
        return f"Dropout({self.rate})"

    def initialize(
        self, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> None:
        """Take the masks from this generator from now on."""
        self.rng = rng

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return X · M in training, X itself otherwise."""
        check_array(self, X)
        self.M: Array | None = None
        if not training:
            return X
        chances = self._buffer("chances", X.shape, np.float32)
        self.rng.random(dtype=np.float32, out=chances)
        self.M = self._buffer_like("M", X)
        np.greater_equal(chances, self.rate, out=self.M)  # 1 where it is kept
        self.M /= 1 - self.rate
        return np.multiply(X, self.M, out=self._buffer_like("A", X))

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Return dX = dA · M, of dA's shape; dA itself if nothing was silenced."""
        if self.M is None:
            return dA
        return np.multiply(dA, self.M, out=self._buffer_like("dX", self.M))


def check_array(layer: Layer, X: Array) -> None:
    """Raise `InputError` unless X is an array of floating-point numbers."""
    if not isinstance(X, np.ndarray):
        raise InputError(
            f"{layer}: X must be a NumPy array, but is a {type(X).__name__}. Write "
            f"np.array(...)."
        )
    if X.dtype.kind != "f":
        raise InputError(
            f"{layer}: X must hold floating-point numbers, but is {X.dtype}. Convert "
            f"it with X.astype(np.float32); pixels from 0 to 255 must be divided by "
            f"255 as well."
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
