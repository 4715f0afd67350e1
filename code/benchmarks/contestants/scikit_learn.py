"""scikit-learn's `MLPClassifier`, the network that most people meet first."""

from __future__ import annotations

from itertools import chain
from time import perf_counter

import numpy as np
import sklearn
from backprop import Dataset, Network
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from benchmarks.contestants import Array, Gradient, Settings, pairs


class ScikitLearn:
    """`MLPClassifier` with solver "sgd", one `partial_fit` an epoch.

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
        self.names, self.data = list(network.parameters), data
        self.model = classifier_like(pairs(network.parameters), settings)

    def gradient(self, X: Array, y: NDArray[np.integer]) -> Gradient:
        """Return the loss of a batch and its gradient by the present weights.

        There is no public way to the gradient. A step of length 1 from rest without
        momentum is the gradient: it stands between the weights before and after.
        """
        step = Settings(batch_size=len(X), learning_rate=1.0, momentum=0.0)
        model = classifier_like(parameters_of(self.model), step)
        model.partial_fit(X, y)
        before = chain.from_iterable(parameters_of(self.model))
        after = chain.from_iterable(parameters_of(model))
        gradients = [W - W_moved for W, W_moved in zip(before, after, strict=True)]
        return float(model.loss_), dict(zip(self.names, gradients, strict=True))

    def epoch(self) -> float:
        """Learn from every example once, in a fresh order; return the seconds.

        The search for NaN, which `fit` makes once, is left out of each epoch.
        """
        with sklearn.config_context(assume_finite=True):
            start = perf_counter()
            self.model.partial_fit(self.data.inputs, self.data.targets)
            return perf_counter() - start


def classifier_like(
    start: list[tuple[Array, Array]], settings: Settings
) -> MLPClassifier:
    """Return a classifier that starts with these (W, b), one pair a layer."""
    model = MLPClassifier(
        hidden_layer_sizes=[len(b) for _, b in start[:-1]],
        activation="relu",
        solver="sgd",
        alpha=0.0,
        batch_size=settings.batch_size,
        learning_rate_init=settings.learning_rate,
        momentum=settings.momentum,
        nesterovs_momentum=False,
        random_state=0,
    )
    # The weights come into being with the first step, here on a blank image; what it
    # leaves in the momentum is forgotten within some dozen steps.
    (first, _), (_, last) = start[0], start[-1]
    blank = np.zeros((1, len(first)), first.dtype)
    model.set_params(batch_size=1)
    model.partial_fit(blank, [0], classes=np.arange(len(last)))
    model.set_params(batch_size=settings.batch_size)
    for (W, b), (W_start, b_start) in zip(parameters_of(model), start, strict=True):
        W[:], b[:] = W_start, b_start
    return model


def parameters_of(model: MLPClassifier) -> list[tuple[Array, Array]]:
    """Return (W, b) of each layer."""
    return list(zip(model.coefs_, model.intercepts_, strict=True))
