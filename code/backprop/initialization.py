"""The first weights of a layer, drawn at random, as large as its width asks for.

Chapter "Overfitting" shows why they must be random, "The chain rule, symbolically" how
large they must be.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Initialization = Callable[[np.random.Generator, int, int], Array]


def he(rng: np.random.Generator, inputs: int, outputs: int) -> Array:
    """Draw weights for a layer that a ReLU follows: variance 2 / inputs.

    Equation (eq-he).

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    inputs, outputs : int
        Width of what comes in and of what goes out, both at least 1.

    Returns
    -------
    array (inputs, outputs), float64
        Normally distributed with mean 0.

    References
    ----------
    He, Zhang, Ren, Sun (2015), "Delving Deep into Rectifiers", equation 10.

    Examples
    --------
    >>> round(float(he(np.random.default_rng(0), 784, 100).std()), 3)
    0.051
    """
    return rng.normal(0.0, np.sqrt(2.0 / inputs), (inputs, outputs))


def glorot(rng: np.random.Generator, inputs: int, outputs: int) -> Array:
    """Draw weights for a sigmoid or tanh layer: variance 2 / (inputs + outputs).

    Equation (eq-glorot).

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    inputs, outputs : int
        Width of what comes in and of what goes out, both at least 1.

    Returns
    -------
    array (inputs, outputs), float64
        Normally distributed with mean 0.

    References
    ----------
    Glorot, Bengio (2010), "Understanding the difficulty of training deep
    feedforward neural networks", equation 12.

    Examples
    --------
    >>> round(float(glorot(np.random.default_rng(0), 300, 100).std()), 3)
    0.071
    """
    return rng.normal(0.0, np.sqrt(2.0 / (inputs + outputs)), (inputs, outputs))


def zeros(rng: np.random.Generator, inputs: int, outputs: int) -> Array:
    """Return weights that are all zero, to show why nobody starts like that.

    Parameters
    ----------
    rng : numpy.random.Generator
        Not used; there so that all initializations are called alike.
    inputs, outputs : int
        Width of what comes in and of what goes out, both at least 1.

    Returns
    -------
    array (inputs, outputs), float64
        Zeros.

    Examples
    --------
    >>> zeros(np.random.default_rng(0), 2, 3)
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """
    return np.zeros((inputs, outputs))
