"""How the learning rate falls while a network learns.

Chapter "Gradient descent" compares them. A schedule is a plain function of progress, 0
at the first step of a training and 1 at its end, that says by how much the learning
rate is multiplied.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi

Schedule = Callable[[float], float]


def constant(progress: float) -> float:
    """Keep the learning rate as it is.

    Parameters
    ----------
    progress : float
        From 0, the first step, to 1, the end of training.

    Returns
    -------
    float
        Always 1.

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


def step_decay(progress: float) -> float:
    """Let the learning rate fall to a tenth at half of the training, again at 3/4.

    Parameters
    ----------
    progress : float
        From 0, the first step, to 1, the end of training.

    Returns
    -------
    float
        1, 0.1 or 0.01.

    References
    ----------
    He, Zhang, Ren, Sun (2016), "Deep Residual Learning for Image Recognition",
    section 4.2, for the cuts at 1/2 and 3/4.

    Examples
    --------
    >>> [step_decay(p) for p in (0, 0.5, 0.75, 1)]
    [1.0, 0.1, 0.01, 0.01]
    """
    return 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01


def one_cycle(progress: float) -> float:
    """Let the learning rate rise for the first 3/10 of the training, then fall to 0.

    Parameters
    ----------
    progress : float
        From 0, the first step, to 1, the end of training.

    Returns
    -------
    float
        From 1/25 up to 1 and down to 0, each along half a cosine.

    References
    ----------
    Smith (2018), "A disciplined approach to neural network hyper-parameters: Part 1",
    section 4.2.

    Examples
    --------
    >>> [round(one_cycle(p), 3) for p in (0, 0.3, 0.65, 1)]
    [0.04, 1.0, 0.5, 0.0]
    """
    if progress < 0.3:
        return 1 - (1 - 1 / 25) * cosine(progress / 0.3)
    return cosine((progress - 0.3) / 0.7)
