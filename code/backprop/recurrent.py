"""A recurrent layer: one set of weights used at every step of a sequence.

Chapter "Other architectures" derives it. The layer reads a sequence step by step and
keeps a state; its backward pass walks back through all steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.checks import check_whole
from backprop.errors import InputError
from backprop.initialization import Initialization, glorot
from backprop.layers import Layer, check_array, check_gradient, drawn_weights

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

    parameter_names = ("W", "U", "b")
    weight_names = ("W", "U")
    memory_names = ("X", "H", "last", "dH")

    def __init__(
        self,
        steps: int,
        features: int,
        width: int,
        initialization: Initialization = glorot,
    ) -> None:
        check_whole(
            "Recurrent", steps=(steps, 1), features=(features, 1), width=(width, 1)
        )
        self.steps, self.features, self.width = int(steps), int(features), int(width)
        self.inputs, self.outputs = self.steps * self.features, self.width
        self.initialization = initialization
        self.initialize(np.random.default_rng(0))

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
        self.H = np.zeros((self.steps + 1, len(X), self.width), X.dtype)  # H[0] = 0
        for t in range(self.steps):
            Z = self.X[:, t] @ self.W + self.H[t] @ self.U + self.b
            self.H[t + 1] = np.tanh(Z)
        self.last: Array = self.H[-1]
        return self.last

    def backward(self, dA: Array, input_gradient: bool = True) -> Array | None:
        """Fill dW, dU and db from the slopes by the last state; return dX, like X."""
        check_gradient(self, dA, "last")
        self.dW, self.dU = np.zeros_like(self.W), np.zeros_like(self.U)
        self.db = np.zeros_like(self.b)
        self.dH = np.zeros_like(self.H[1:])
        self.dH[-1] = dA
        dX = np.zeros_like(self.X)
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
