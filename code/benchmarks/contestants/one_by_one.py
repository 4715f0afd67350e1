"""One example at a time in float64: the way that many first networks are written.

Sigmoid, squared error, column vectors, and a mini-batch of 10 over whose examples a
Python loop runs, as in Nielsen (2015), "Neural Networks and Deep Learning", chapter 1.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
from backprop import Dataset, Network
from numpy.typing import NDArray

from benchmarks.contestants import Array, Gradient, Settings, pairs

Column = NDArray[np.float64]  # (inputs, 1)
Matrix = NDArray[np.float64]
Example = tuple[Column, Column]  # the pixels, and 1 at the label's place


class OneByOne:
    """A network of column vectors that learns from one example after the other.

    Parameters
    ----------
    network : Network
        Where it starts; dense layers only are copied, sigmoid follows each.
    data : Dataset
        What is learned from.
    settings : Settings
        Of the race; there is no momentum here.
    """

    def __init__(self, network: Network, data: Dataset, settings: Settings) -> None:
        self.names = list(network.parameters)
        self.weights = [
            W.T.astype(np.float64) for W, _ in pairs(network.parameters)
        ]  # (outputs, inputs)
        self.biases = [
            b.astype(np.float64)[:, np.newaxis] for _, b in pairs(network.parameters)
        ]  # (outputs, 1)
        targets = np.eye(len(self.biases[-1]))
        self.examples = [
            (x[:, np.newaxis].astype(np.float64), targets[:, [y]])
            for x, y in zip(data.inputs, data.targets, strict=True)
        ]
        self.targets, self.settings = targets, settings
        self.rng = np.random.default_rng(0)

    def gradient(self, X: Array, y: NDArray[np.integer]) -> Gradient:
        """Return the loss of a batch and its gradient by the present weights."""
        examples = [
            (x[:, np.newaxis].astype(np.float64), self.targets[:, [label]])
            for x, label in zip(X, y, strict=True)
        ]
        d_weights, d_biases = self.summed_gradients(examples)
        arrays = [
            array / len(X)
            for dW, db in zip(d_weights, d_biases, strict=True)
            for array in (dW.T, db[:, 0])
        ]
        squares = sum(np.sum((self.outputs(x)[-1] - t) ** 2) for x, t in examples)
        return float(squares / 2 / len(X)), dict(zip(self.names, arrays, strict=True))

    def epoch(self) -> float:
        """Learn from every example once, in a fresh order; return the seconds."""
        start = perf_counter()
        order = self.rng.permutation(len(self.examples))
        for first in range(0, len(order), self.settings.batch_size):
            chosen = order[first : first + self.settings.batch_size]
            self.learn([self.examples[i] for i in chosen])
        return perf_counter() - start

    def learn(self, mini_batch: list[Example]) -> None:
        """Take one step of descent along the mean gradient of a mini-batch."""
        d_weights, d_biases = self.summed_gradients(mini_batch)
        rate = self.settings.learning_rate / len(mini_batch)
        self.weights = [
            W - rate * dW for W, dW in zip(self.weights, d_weights, strict=True)
        ]
        self.biases = [
            b - rate * db for b, db in zip(self.biases, d_biases, strict=True)
        ]

    def summed_gradients(
        self, examples: list[Example]
    ) -> tuple[list[Matrix], list[Column]]:
        """Return the gradients by weights and biases, summed over examples."""
        d_weights = [np.zeros(W.shape) for W in self.weights]
        d_biases = [np.zeros(b.shape) for b in self.biases]
        for x, target in examples:
            more_weights, more_biases = self.backpropagate(x, target)
            d_weights = [
                dW + more for dW, more in zip(d_weights, more_weights, strict=True)
            ]
            d_biases = [
                db + more for db, more in zip(d_biases, more_biases, strict=True)
            ]
        return d_weights, d_biases

    def backpropagate(
        self, x: Column, target: Column
    ) -> tuple[list[Matrix], list[Column]]:
        """Return the gradients of one example's loss, (a - t)² / 2 summed."""
        A = self.outputs(x)
        delta = (A[-1] - target) * A[-1] * (1 - A[-1])
        d_weights, d_biases = [delta @ A[-2].T], [delta]
        for place in range(2, len(A)):
            slope = A[-place] * (1 - A[-place])
            delta = (self.weights[1 - place].T @ delta) * slope
            d_weights.insert(0, delta @ A[-place - 1].T)
            d_biases.insert(0, delta)
        return d_weights, d_biases

    def outputs(self, x: Column) -> list[Column]:
        """Return what each layer gives for the column x, from x itself to the last."""
        A = [x]
        for W, b in zip(self.weights, self.biases, strict=True):
            A.append(1 / (1 + np.exp(-(W @ A[-1] + b))))
        return A
