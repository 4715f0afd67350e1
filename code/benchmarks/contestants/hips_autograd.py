"""HIPS autograd: the loss in NumPy's words, the gradient by a tape."""

from __future__ import annotations

from copy import deepcopy
from time import perf_counter

import autograd.numpy as anp
import numpy as np
from autograd import value_and_grad
from backprop import Dataset, Network
from numpy.typing import NDArray

from benchmarks.contestants import Array, Gradient, Settings, pairs


class Autograd:
    """A loss function, `value_and_grad`, and descent with momentum in NumPy.

    Parameters
    ----------
    network : Network
        Where everybody starts; its weights are copied. Dense layers and ReLU only.
    data : Dataset
        What is learned from.
    settings : Settings
        Of the race.
    """

    def __init__(self, network: Network, data: Dataset, settings: Settings) -> None:
        self.names = list(network.parameters)
        self.parameters = deepcopy(pairs(network.parameters))
        self.velocity = [
            (np.zeros_like(W), np.zeros_like(b)) for W, b in self.parameters
        ]
        self.data, self.settings = data, settings
        self.one_hot = np.eye(len(self.parameters[-1][1]), dtype=data.inputs.dtype)
        self.loss_and_gradient = value_and_grad(cross_entropy)
        self.rng = np.random.default_rng(0)

    def gradient(self, X: Array, y: NDArray[np.integer]) -> Gradient:
        """Return the loss of a batch and its gradient by the present weights."""
        loss, gradients = self.loss_and_gradient(self.parameters, X, self.one_hot[y])
        arrays = [array for pair in gradients for array in pair]
        return float(loss), dict(zip(self.names, arrays, strict=True))

    def epoch(self) -> float:
        """Learn from every example once, in a fresh order; return the seconds."""
        images, targets = self.data.inputs, self.one_hot[self.data.targets]
        rate, momentum = self.settings.learning_rate, self.settings.momentum
        start = perf_counter()
        order = self.rng.permutation(len(images))
        for first in range(0, len(order), self.settings.batch_size):
            chosen = order[first : first + self.settings.batch_size]
            _, gradients = self.loss_and_gradient(
                self.parameters, images[chosen], targets[chosen]
            )
            for layer in zip(self.parameters, self.velocity, gradients, strict=True):
                for W, v, dW in zip(*layer, strict=True):
                    v *= momentum
                    v += dW
                    W -= rate * v
        return perf_counter() - start


def cross_entropy(parameters: list[tuple[Array, Array]], X: Array, T: Array) -> float:
    """Return the mean loss of a batch with one-hot targets T (batch, classes)."""
    A = X
    for W, b in parameters[:-1]:
        Z = anp.dot(A, W) + b
        A = Z * (Z > 0)  # anp.maximum would turn the gradient to float64
    W, b = parameters[-1]
    logits = anp.dot(A, W) + b
    Z = logits - anp.max(logits, axis=1, keepdims=True)
    log_p = Z - anp.log(anp.sum(anp.exp(Z), axis=1, keepdims=True))
    return -anp.sum(log_p * T) / len(X)
