"""The optimizers: given the gradients, move the parameters; and schedules.

Chapters "Teacher and student" and "Training on MNIST" use them. A schedule is a plain
function of progress, 0 at the first step of a training and 1 at its end, that says by
how much the learning rate is multiplied.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, isfinite, pi
from numbers import Real
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from backprop.errors import InputError

if TYPE_CHECKING:
    from backprop.network import Network

Array = NDArray[np.floating]
Schedule = Callable[[float], float]


class Optimizer(Protocol):
    """What `train` asks of an optimizer."""

    def step(self, network: Network, factor: float = 1.0) -> None:
        """Move every parameter of the network once."""


class SGD:
    """Stochastic gradient descent, with momentum if asked for.

    For each parameter W with gradient dW, equation (eq-momentum)::

        v ← momentum · v + dW
        W ← W - learning_rate · v

    With ``momentum=0`` that is plain gradient descent, equation (eq-descent).

    Parameters
    ----------
    learning_rate : float
        Length of a step as a multiple of the gradient, above 0.
    momentum : float, optional
        How much of the last step is kept, from 0 (default) to below 1.

    Raises
    ------
    InputError
        If a setting or a factor is no number or out of its range.

    Notes
    -----
    The velocity v belongs to the network being trained: an optimizer that is
    given another network starts from rest. `Network.load` changes the weights of
    the same network and stops nothing: make a new optimizer after it.

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration
    methods".

    Examples
    --------
    >>> SGD(learning_rate=0.1, momentum=0.9)
    SGD(learning_rate=0.1, momentum=0.9)
    """

    def __init__(self, learning_rate: float, momentum: float = 0.0) -> None:
        self.learning_rate = as_float(learning_rate)
        self.momentum = as_float(momentum)
        if not 0 < self.learning_rate < float("inf"):
            raise InputError(
                f"SGD: learning_rate must be a number above 0, but is {learning_rate}."
            )
        if not 0 <= self.momentum < 1:
            raise InputError(
                f"SGD: momentum must be at least 0 and below 1, but is {momentum}."
            )
        self._network: Network | None = None
        self._velocity: dict[str, Array] = {}
        self._move: dict[str, Array] = {}

    def __repr__(self) -> str:
        return f"SGD(learning_rate={self.learning_rate}, momentum={self.momentum})"

    def step(self, network: Network, factor: float = 1.0) -> None:
        """Move every parameter of the network against its gradient, in place.

        Parameters
        ----------
        network : Network
            Its gradients must be those of the current batch.
        factor : float, optional
            What the learning rate is multiplied by in this step (a schedule's
            value), at least 0.
        """
        rate = self.learning_rate * checked(factor)
        if network is not self._network:
            self._start(network)
        gradients = network.gradients
        for name, W in network.parameters.items():
            v, move = self._velocity[name], self._move[name]
            v *= self.momentum
            v += gradients[name]
            np.multiply(v, rate, out=move)
            W -= move

    def _start(self, network: Network) -> None:
        self._network = network
        parameters = network.parameters
        self._velocity = {name: np.zeros_like(W) for name, W in parameters.items()}
        self._move = {name: np.empty_like(W) for name, W in parameters.items()}


def as_float(value: float) -> float:
    """Return a number of any type as Python's; what is no number becomes NaN.

    With NumPy's own float64 the same step would be rounded otherwise.
    """
    return float(value) if isinstance(value, Real) else float("nan")


def checked(factor: float) -> float:
    """Return a schedule's factor, or raise `InputError` if no step can be so long."""
    if not isinstance(factor, Real) or not isfinite(factor) or factor < 0:
        raise InputError(
            f"SGD.step: the factor of the learning rate must be a finite number of at "
            f"least 0, but is {factor!r}. Look at the schedule."
        )
    return float(factor)


def constant(progress: float) -> float:
    """Keep the learning rate as it is.

    Parameters
    ----------
    progress : float
        From 0, the first step, to 1, the end of training.

    Returns
    -------
    float
        1.

    Examples
    --------
    >>> [constant(p) for p in (0, 0.5, 1)]
    [1.0, 1.0, 1.0]
    """
    return 1.0


def linear(progress: float) -> float:
    """Let the learning rate fall to 0 in a straight line.

    Parameters
    ----------
    progress : float
        From 0, the first step, to 1, the end of training.

    Returns
    -------
    float
        From 1 to 0.

    Examples
    --------
    >>> [linear(p) for p in (0, 0.5, 1)]
    [1, 0.5, 0]
    """
    return 1 - progress


def cosine(progress: float) -> float:
    """Let the learning rate fall to 0 along half a cosine.

    Parameters
    ----------
    progress : float
        From 0, the first step, to 1, the end of training.

    Returns
    -------
    float
        From 1 to 0, slowly at both ends.

    References
    ----------
    Loshchilov, Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm
    Restarts", equation 5 without restarts.

    Examples
    --------
    >>> [round(cosine(p), 3) for p in (0, 0.5, 1)]
    [1.0, 0.5, 0.0]
    """
    return (1 + cos(pi * progress)) / 2
