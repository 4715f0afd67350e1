"""scikit-learn's `MLPClassifier`, the network that most people meet first."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import sklearn
from backprop import Network, Split
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from benchmarks.contestants import Array, Gradient, Settings, pairs


class ScikitLearn:
    """`MLPClassifier` with solver "sgd", one `partial_fit` an epoch.

    Parameters
    ----------
    network : Network
        Where everybody starts; its weights are copied. Dense layers and ReLU only.
    data : Split
        What is learned from.
    settings : Settings
        Of the race.
    """

    def __init__(self, network: Network, data: Split, settings: Settings) -> None:
        self.network, self.data = network, data
        self.model = classifier_like(network, settings)

    def gradient(self, X: Array, y: NDArray[np.integer]) -> Gradient:
        """Return the loss of a batch and its gradient by the weights of the start.

        There is no public way to the gradient. A step of length 1 from rest without
        momentum is the gradient: it stands between the weights before and after.
        """
        step = Settings(batch_size=len(X), learning_rate=1.0, momentum=0.0)
        model = classifier_like(self.network, step)
        model.partial_fit(X, y)
        moved = [array for pair in parameters_of(model) for array in pair]
        gradients = {
            name: W - W_moved
            for (name, W), W_moved in zip(
                self.network.parameters.items(), moved, strict=True
            )
        }
        return float(model.loss_), gradients

    def epoch(self) -> float:
        """Learn from every example once, in a fresh order; return the seconds.

        The search for NaN, which `fit` makes once, is left out of each epoch.
        """
        with sklearn.config_context(assume_finite=True):
            start = perf_counter()
            self.model.partial_fit(self.data.images, self.data.labels)
            return perf_counter() - start


def classifier_like(network: Network, settings: Settings) -> MLPClassifier:
    """Return a classifier with the widths and the weights of a network of ours."""
    start = pairs(network.parameters)
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
    # The weights come into being with the first step, here on a blank image.
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
