"""Eight networks with a bug made on purpose: the patients of the find-the-bug lab.

Chapter "Backpropagation in matrices" shows their symptoms before it shows their code.
Seven are wrong in the backward pass, one in the forward pass of its loss. Each differs
from the right layer or loss in a line or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.errors import InputError
from backprop.layers import Dense, Dropout, Layer, ReLU, Sigmoid
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Network

Array = NDArray[np.floating]


class GradientsKept(Dense):
    """A dense layer that adds each gradient to all earlier ones."""

    def backward(self, dZ: Array, input_gradient: bool = True) -> Array | None:
        """Add to dW and db; nobody ever sets them back to zero."""
        self.dW += self.X.T @ dZ
        self.db += dZ.sum(axis=0)
        return dZ @ self.W.T if input_gradient else None


class OutputSlope(ReLU):
    """A ReLU whose slope is asked of its output, and by the wrong comparison."""

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Multiply by (output >= 0), which is always 1."""
        return dA * (self.A >= 0)


class BiasOfLastExample(Dense):
    """A dense layer that assigns the biases' slopes where it should add them up."""

    def backward(self, dZ: Array, input_gradient: bool = True) -> Array | None:
        """Fill db from the last example of the batch alone."""
        dX = super().backward(dZ, input_gradient)
        for of_one_example in dZ:
            self.db[...] = of_one_example
        return dX


class BatchMaximum(SoftmaxCrossEntropy):
    """Softmax that subtracts the largest logit of the whole batch."""

    def forward(self, outputs: Array, targets: NDArray[np.integer]) -> float:
        """Never overflow, but lose each row that lies far below the largest logit."""
        with np.errstate(divide="ignore", invalid="ignore"):
            E = np.exp(outputs - outputs.max())
            self.probabilities = E / E.sum(axis=1, keepdims=True)
            self.labels = targets
            right = self.probabilities[np.arange(len(targets)), targets]
            return float(-np.log(right).mean())


class MeanTwice(Dense):
    """A dense layer that divides by the batch size, as the loss has done already."""

    def backward(self, dZ: Array, input_gradient: bool = True) -> Array | None:
        """Divide dW and db by the batch size once more."""
        dX = super().backward(dZ, input_gradient)
        self.dW /= len(dZ)
        self.db /= len(dZ)
        return dX


class SlopeMissing(Sigmoid):
    """A sigmoid that hands back what it got."""

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Return dA without the factor a (1 − a)."""
        return dA


class MaskForgotten(Dropout):
    """Dropout that silences inputs on the way forward only."""

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Return dA for silenced inputs too, and without the scale."""
        return dA


class MovedTooEarly(Dense):
    """A dense layer whose weights have taken their step before dX is computed."""

    def backward(self, dZ: Array, input_gradient: bool = True) -> Array | None:
        """Pull dZ back through the weights as they will be after the step."""
        super().backward(dZ, input_gradient)
        learning_rate = 0.1
        moved = self.W - learning_rate * self.dW
        return dZ @ moved.T if input_gradient else None


# Of each patient: its wrong part and the right one in that place.
PATIENTS: dict[int, tuple[type[Any], type[Any]]] = {
    1: (GradientsKept, Dense),
    2: (OutputSlope, ReLU),
    3: (BiasOfLastExample, Dense),
    4: (BatchMaximum, SoftmaxCrossEntropy),
    5: (MeanTwice, Dense),
    6: (SlopeMissing, Sigmoid),
    7: (MaskForgotten, Dropout),
    8: (MovedTooEarly, Dense),
}


def patient(
    number: int,
    sizes: Sequence[int] = (784, 30, 10),
    dtype: DTypeLike = np.float32,
    healthy: bool = False,
    seed: int = 0,
) -> Network:
    """Make a network with one of the bugs, or the same network without it.

    Parameters
    ----------
    number : int
        Which bug, 1 to 8.
    sizes : sequence of int, optional
        Widths of the layers, from the input to the logits.
    dtype : float32 (default) or float64
        As for `Network`.
    healthy : bool, optional
        Whether to put the right part in the place of the wrong one.
    seed : int, optional
        Seed of the weights, at least 0; patient and twin draw the same ones.

    Returns
    -------
    Network
        With softmax and cross-entropy.

    Raises
    ------
    InputError
        If there is no such patient, or as for `Network`.

    Examples
    --------
    >>> patient(2, sizes=(4, 3, 2), healthy=True).layers
    [Dense(4, 3), ReLU(), Dense(3, 2)]
    """
    if number not in PATIENTS:
        raise InputError(f"patient: there are numbers 1 to 8, but not {number!r}.")
    part = PATIENTS[number][healthy]
    dense = part if issubclass(part, Dense) else Dense
    bend = part if issubclass(part, (ReLU, Sigmoid)) else ReLU
    loss = part if issubclass(part, SoftmaxCrossEntropy) else SoftmaxCrossEntropy
    layers: list[Layer] = []
    for inputs, outputs in pairwise(sizes):
        layers += [dense(inputs, outputs), bend()]
        if issubclass(part, Dropout):
            layers.append(part(0.5))
    last = 1 + issubclass(part, Dropout)
    return Network(layers[:-last], loss=loss(), seed=seed, dtype=dtype)
