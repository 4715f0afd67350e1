"""A recurrent layer: one set of weights used at every step of a sequence.

Chapter "Other architectures" derives it. The layer reads a sequence step by step and
keeps a state; its backward pass walks back through all steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.errors import InputError, check_whole
from backprop.initialization import Initialization, glorot
from backprop.layers import Layer, check_array, drawn_weights

Array = NDArray[np.floating]


class Recurrent(Layer):
    """Read a sequence and return the state after its last step.

    Forward, from the state 0 on, equation (eq-recurrent)::

        H[t] = tanh(X[t] W + H[t - 1] U + b)

    Backward, through time: from the last step to the first, with dZ = dH (1 - H²)::

        dW += X[t]ᵀ dZ    dU += H[t - 1]ᵀ dZ    db += sum of dZ over the batch
        dH[t - 1] = dZ Uᵀ                       dX[t] = dZ Wᵀ

    Parameters
    ----------
    steps, features, width : int
        Steps of a sequence, numbers of a step, and numbers of the state, all at
        least 1. A row of the batch is a sequence, step after step.
    initialization : function (rng, inputs, outputs) -> array, optional
        Draws W and U: `glorot` (default), `he` or `zeros`. Biases start at 0.

    Attributes
    ----------
    W, dW : array (features, width)
        What a step is multiplied by, and the gradient of the loss by it.
    U, dU : array (width, width)
        What the state is multiplied by, and the gradient of the loss by it.
    b, db : array (width,)
        Biases and the gradient of the loss by them.
    dH : array (steps, batch, width)
        After `backward`: the gradient of the loss by the state of each step.

    Raises
    ------
    InputError
        If a size is not a positive whole number, or, from ``forward``, if a row has
        not steps · features numbers.

    References
    ----------
    Werbos (1990), "Backpropagation through time: what it does and how to do it".
    Elman (1990), "Finding structure in time".

    Examples
    --------
    >>> layer = Recurrent(steps=3, features=2, width=4)
    >>> layer.forward(np.ones((5, 6), np.float32)).shape
    (5, 4)
    """

    def __init__(
        self,
        steps: int,
        features: int,
        width: int,
        initialization: Initialization = glorot,
    ) -> None:
        super().__init__()
        check_whole(
            "Recurrent", steps=(steps, 1), features=(features, 1), width=(width, 1)
        )
        self.steps, self.features, self.width = int(steps), int(features), int(width)
        self.inputs, self.outputs = self.steps * self.features, self.width
        self.initialization = initialization
        self.initialize(np.random.default_rng(0))

    def __repr__(self) -> str:
        return f"Recurrent({self.steps}, {self.features}, {self.width})"

    @property
    def parameters(self) -> dict[str, Array]:
        """The weights ``W`` and ``U`` and the biases ``b``."""
        return {"W": self.W, "U": self.U, "b": self.b}

    @property
    def gradients(self) -> dict[str, Array]:
        """The gradients ``dW``, ``dU`` and ``db``, under the parameters' keys."""
        return {"W": self.dW, "U": self.dU, "b": self.db}

    def initialize(
        self, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> None:
        """Draw the weights anew and set the biases to zero."""
        draw = self.initialization
        W = drawn_weights(self, draw, rng, self.features, self.width)
        U = drawn_weights(self, draw, rng, self.width, self.width)
        self.W, self.U = W.astype(dtype), U.astype(dtype)
        self.b = np.zeros(self.width, dtype)
        self.dW, self.dU = np.zeros_like(self.W), np.zeros_like(self.U)
        self.db = np.zeros_like(self.b)

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return the last state, (batch, width), for X (batch, steps · features)."""
        check_array(self, X)
        if X.ndim != 2 or X.shape[1] != self.inputs:
            raise InputError(
                f"{self}: X must have shape (batch, {self.inputs}), {self.steps} steps "
                f"of {self.features} numbers a row, but has shape {X.shape}."
            )
        self.X = X.reshape(len(X), self.steps, self.features)
        self.H = self._buffer("H", (self.steps + 1, len(X), self.width), X.dtype)
        self.H[0] = 0  # the state before the first step
        for t in range(self.steps):
            Z = self.X[:, t] @ self.W + self.H[t] @ self.U + self.b
            np.tanh(Z, out=self.H[t + 1])
        last: Array = self.H[-1]
        return last

    def backward(self, dA: Array, input_gradient: bool = True) -> Array | None:
        """Fill dW, dU and db from the slopes by the last state; return dX, like X."""
        for gradient in (self.dW, self.dU, self.db):
            gradient.fill(0)
        self.dH = self._buffer("dH", self.H[1:].shape, dA.dtype)
        self.dH[-1] = dA
        dX = self._buffer("dX", self.X.shape, dA.dtype)
        for t in reversed(range(self.steps)):
            dZ = self.dH[t] * (1 - self.H[t + 1] ** 2)
            self.dW += self.X[:, t].T @ dZ
            self.dU += self.H[t].T @ dZ
            self.db += dZ.sum(axis=0)
            if t > 0:
                self.dH[t - 1] = dZ @ self.U.T
            if input_gradient:
                dX[:, t] = dZ @ self.W.T
        return dX.reshape(len(dX), self.inputs) if input_gradient else None
