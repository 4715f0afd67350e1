"""Normalization: numbers brought to mean 0 and variance 1 on their way.

It goes with chapter "Other architectures", which does not show it yet. What an example
becomes depends on its batch, so that the way back has three paths: through the number
itself, through the mean, and through the variance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.checks import check_share, check_whole, number
from backprop.errors import InputError
from backprop.layers import Layer, check_array, check_gradient, check_type

Array = NDArray[np.floating]


class BatchNormalization(Layer):
    """Bring each feature to mean 0 and variance 1, then to a scale that is learned.

    In training, with the mean μ and the variance v of the batch, for each feature::

        N = (X - μ) / √(v + epsilon)        A = gamma · N + beta

    Outside of training μ and v are running averages of those of the batches, so that
    the answer to an example does not depend on its neighbors.

    Backward, with dN = dA · gamma, and means over the batch::

        dgamma = sum of dA · N      dbeta = sum of dA
        dX = (dN - mean of dN - N · mean of (dN · N)) / √(v + epsilon)

    The second term comes through the mean, the third through the variance.

    Parameters
    ----------
    width : int
        Features of an example, at least 1.
    memory : float, optional
        How much of the running averages a batch leaves, from 0 to below 1; 0.9 by
        default.
    epsilon : float, optional
        Keeps the quotient finite where all examples agree, above 0.

    Attributes
    ----------
    gamma, dgamma : array (width,)
        Scale, 1 at the start, and the gradient of the loss by it.
    beta, dbeta : array (width,)
        Shift, 0 at the start, and the gradient of the loss by it.
    mean, variance : array (width,)
        Running averages, 0 and 1 at the start. No gradient moves them; they are saved
        and copied with the rest.

    Raises
    ------
    InputError
        If a setting is out of its range or, from ``forward``, if the batch has another
        width or type, or is a single example in training: its variance is 0.

    References
    ----------
    Ioffe, Szegedy (2015), "Batch Normalization: Accelerating Deep Network Training by
    Reducing Internal Covariate Shift", algorithms 1 and 2. The running variance there
    is that of a sample, n / (n - 1) times as large.

    Examples
    --------
    >>> layer = BatchNormalization(1)
    >>> X = np.array([[3.0], [5.0]], np.float32)
    >>> layer.forward(X, training=True).round(3).ravel()
    array([-1.,  1.], dtype=float32)
    >>> layer.mean.round(1), layer.variance.round(1)
    (array([0.4], dtype=float32), array([1.], dtype=float32))
    """

    parameter_names = ("gamma", "beta")
    state_names = ("mean", "variance")
    memory_names = ("N", "A", "spread", "in_training")

    def __init__(self, width: int, memory: float = 0.9, epsilon: float = 1e-5) -> None:
        check_whole("BatchNormalization", width=(width, 1))
        check_share("BatchNormalization", "memory", memory)
        self.width, self.memory = int(width), float(memory)
        self.epsilon = number(self, "epsilon", epsilon, zero=False)
        self.initialize(np.random.default_rng(0))

    def initialize(
        self, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> None:
        """Begin with scale 1 and shift 0; forget the running averages."""
        self.gamma, self.beta = np.ones(self.width, dtype), np.zeros(self.width, dtype)
        self.mean, self.variance = self.beta.copy(), self.gamma.copy()

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return A, of X's shape (batch, width)."""
        self._check(X, training)
        self.in_training = training
        mean, variance = self.mean, self.variance
        if training:
            mean, variance = X.mean(axis=0), X.var(axis=0)
            fresh = 1 - self.memory
            self.mean = self.memory * self.mean + fresh * mean
            self.variance = self.memory * self.variance + fresh * variance
        self.spread = np.sqrt(variance + self.epsilon)  # (width,)
        self.N = (X - mean) / self.spread
        self.A = self.gamma * self.N + self.beta
        return self.A

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Fill dgamma and dbeta from dA (batch, width); return dX, of its shape."""
        check_gradient(self, dA, "A")
        self.dgamma, self.dbeta = (dA * self.N).sum(axis=0), dA.sum(axis=0)
        dN = dA * self.gamma
        if self.in_training:  # else mean and variance are given numbers
            dN = dN - dN.mean(axis=0) - self.N * (dN * self.N).mean(axis=0)
        dX: Array = dN / self.spread
        return dX

    def _check(self, X: Array, training: bool) -> None:
        check_array(self, X)
        if X.ndim != 2 or X.shape[1] != self.width:
            raise InputError(
                f"{self}: X must have shape (batch, {self.width}), but has shape "
                f"{X.shape}."
            )
        check_type(self, X, self.gamma, what="parameters")
        if training and len(X) < 2:
            raise InputError(
                f"{self}: in training a batch must have at least two examples, but has "
                f"{len(X)}: the variance of one is 0. Take another batch_size, so that "
                f"none is left alone at the end of an epoch."
            )
