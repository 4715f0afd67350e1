"""The library itself, through the same `train` that a reader calls."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from backprop import SGD, Dataset, Network, train
from numpy.typing import NDArray

from benchmarks.contestants import Array, Gradient, Settings


class Ours:
    """The library: shuffling, copying of mini-batches, checks and all.

    Parameters
    ----------
    network : Network
        Where everybody starts; a copy is trained.
    data : Dataset
        What is learned from.
    settings : Settings
        Of the race.
    """

    def __init__(self, network: Network, data: Dataset, settings: Settings) -> None:
        self.network, self.data = deepcopy(network), data
        self.batch_size = settings.batch_size
        self.optimizer = SGD(settings.learning_rate, momentum=settings.momentum)

    def gradient(self, X: Array, y: NDArray[np.integer]) -> Gradient:
        """Return the loss of a batch and its gradient by the present weights."""
        loss = self.network.loss.forward(self.network.forward(X), y)
        self.network.backward(self.network.loss.backward())
        return loss, {name: dW.copy() for name, dW in self.network.gradients.items()}

    def epoch(self) -> float:
        """Learn from every example once; return the seconds spent in the steps.

        What `train` looks at once, before the first of its epochs, is not counted.
        """
        return train(
            self.network,
            self.data,
            optimizer=self.optimizer,
            epochs=1,
            batch_size=self.batch_size,
            progress=False,
        ).seconds
