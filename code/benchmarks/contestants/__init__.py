"""Who runs: one module for each contestant, all with the same two methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Gradient = tuple[float, dict[str, Array]]


@dataclass(frozen=True)
class Settings:
    """What all contestants of a race have in common.

    Attributes
    ----------
    batch_size : int
        Examples a step.
    learning_rate, momentum : float
        Of stochastic gradient descent.
    """

    batch_size: int = 128
    learning_rate: float = 0.01
    momentum: float = 0.9


class Contestant(Protocol):
    """What a race asks of whoever learns; all are made from one of our networks."""

    def gradient(self, X: Array, y: NDArray[np.integer]) -> Gradient:
        """Return the loss of a batch and its gradient by the present weights.

        The gradient has the keys and shapes of ``network.gradients``. No weight moves.
        """

    def epoch(self) -> float:
        """Learn from every example once, in a fresh order; return the seconds."""


def install(package: str) -> str:
    """Return the sentence for a contestant that is left out.

    Examples
    --------
    >>> install("torch")
    'torch is not installed (make benchmark installs it)'
    """
    return f"{package} is not installed (make benchmark installs it)"


def pairs(parameters: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return (W, b) of each layer that has them, in order.

    Examples
    --------
    >>> pairs({"0.W": 1, "0.b": 2, "2.W": 3, "2.b": 4})
    [(1, 2), (3, 4)]
    """
    values = list(parameters.values())
    return list(zip(values[::2], values[1::2], strict=True))
