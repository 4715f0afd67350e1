"""The gradient of one batch, shared out to many workers.

Chapter "Bigger" does it. The work goes to a `concurrent.futures.Executor`: threads,
processes, or the workers of a Dask cluster.
"""

from __future__ import annotations

import pickle
from concurrent import futures
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.errors import InputError
from backprop.network import Network

Array = NDArray[np.floating]


def parallel_gradients(
    network: Network,
    X: Array,
    y: NDArray[Any],
    executor: futures.Executor,
    shards: int,
) -> tuple[float, dict[str, Array]]:
    """Compute the gradient of a batch from the gradients of its shards.

    The loss of a batch is a mean over its examples, so its gradient is the mean of
    its shards' gradients, each weighted by its share of the batch::

        dW = sum over shards of (shard's examples / batch) · shard's dW

    Parameters
    ----------
    network : Network
        Each shard's worker gets a copy; it is not changed itself. `Dropout` rests.
    X, y : arrays (batch, ...)
        One batch: examples of a floating-point type, and their targets.
    executor : concurrent.futures.Executor
        Who does the work: any, such as ``ThreadPoolExecutor()``.
    shards : int
        Into how many parts the batch is cut; their lengths differ by 1 at most.

    Returns
    -------
    loss : float
        Mean over the batch.
    gradients : dict of arrays
        Those of ``network.gradients``, up to rounding.

    Raises
    ------
    InputError
        If targets do not go with examples, or there are fewer than shards.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from backprop import Dense, SoftmaxCrossEntropy
    >>> network = Network([Dense(2, 2)], loss=SoftmaxCrossEntropy(), seed=0)
    >>> X, y = np.eye(2), np.array([0, 1])
    >>> with ThreadPoolExecutor() as executor:
    ...     loss, gradients = parallel_gradients(network, X, y, executor, shards=2)
    >>> loss == network.loss.forward(network.forward(X), y)
    True
    >>> gradients["0.W"].shape
    (2, 2)
    """
    if len(X) != len(y):
        raise InputError(
            f"parallel_gradients: there must be a target for each example, but there "
            f"are {len(X)} examples and {len(y)} targets."
        )
    if not isinstance(shards, Integral) or not 1 <= shards <= len(X):
        raise InputError(
            f"parallel_gradients: shards must be a whole number from 1 to {len(X)}, "
            f"the length of the batch, but is {shards!r}."
        )
    packed = pickle.dumps(network)  # threads must not share the network's buffers
    inputs, targets = np.array_split(X, shards), np.array_split(y, shards)
    answers = executor.map(partial(shard_gradients, packed), inputs, targets)
    loss = 0.0
    gradients = {name: np.zeros_like(dW) for name, dW in network.gradients.items()}
    for part, (shard_loss, of_shard) in zip(targets, answers, strict=True):
        share = len(part) / len(y)
        loss += share * shard_loss
        for name, dW in gradients.items():
            dW += share * of_shard[name]
    return loss, gradients


def shard_gradients(
    packed: bytes, X: Array, y: NDArray[Any]
) -> tuple[float, dict[str, Array]]:
    """Return loss and gradients of a pickled network for some examples."""
    network = pickle.loads(packed)
    loss = network.loss.forward(network.forward(X), y)
    network.backward(network.loss.backward())
    return loss, network.gradients
