"""The training loop: many steps of forward, backward and update, and what they gave.

Chapter "Training on MNIST" shows this module and uses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from backprop.data import Split
from backprop.errors import InputError, TrainingError
from backprop.network import Evaluation, Network, check_finite
from backprop.optimizers import Optimizer, Schedule, constant

Array = NDArray[np.floating]


@dataclass(frozen=True)
class History:
    """What happened in a training.

    Attributes
    ----------
    batch_loss : array (steps,)
        Loss of each mini-batch, before the step that it led to.
    training_loss : array (epochs,)
        Mean of the batch losses of each epoch.
    validation_loss, validation_accuracy : array (epochs,)
        Measured after each epoch; empty without validation data.
    seconds : float
        Time spent in the steps, without the measuring.
    """

    batch_loss: Array
    training_loss: Array
    validation_loss: Array
    validation_accuracy: Array
    seconds: float


def train(
    network: Network,
    data: Split,
    *,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int = 128,
    validation: Split | None = None,
    schedule: Schedule = constant,
    seed: int = 0,
    progress: bool = True,
) -> History:
    """Train a network in place.

    Parameters
    ----------
    network : Network
        Its weights are moved.
    data : Split
        The examples it learns from, at least one.
    optimizer : SGD
        Turns gradients into steps.
    epochs : int
        How many times every example is seen, at least 1.
    batch_size : int, optional
        Examples a step, at least 1; more than there are means all of them.
    validation : Split, optional
        Measured after each epoch, never learned from.
    schedule : function of progress, optional
        Multiplies the learning rate: `constant` (default), `linear`, `cosine`.
    seed : int, optional
        Seed of the generator that shuffles the examples.
    progress : bool, optional
        Whether to show a progress bar.

    Returns
    -------
    History
        Losses by step and by epoch.

    Raises
    ------
    InputError
        If there are no examples, they do not fit, are not finite, or a number is
        out of its range.
    TrainingError
        If the loss becomes NaN or infinite; says at which step.

    Examples
    --------
    >>> from backprop import Dense, SGD, SoftmaxCrossEntropy, load_mnist
    >>> digits = load_mnist("embedded")
    >>> network = Network([Dense(784, 10)], loss=SoftmaxCrossEntropy(), seed=0)
    >>> history = train(network, digits.train, optimizer=SGD(0.1), epochs=2,
    ...                 progress=False)
    >>> bool(history.training_loss[1] < history.training_loss[0])
    True
    """
    check_settings(data, epochs, batch_size)
    rng = np.random.default_rng(seed)
    steps_per_epoch = -(-len(data) // batch_size)
    steps = epochs * steps_per_epoch
    batch_loss: list[float] = []
    evaluations: list[Evaluation] = []
    seconds = 0.0
    for _ in tqdm(range(epochs), unit="epoch") if progress else range(epochs):
        start = perf_counter()
        for X, y in mini_batches(data, batch_size, rng):
            loss = train_step(
                network, X, y, optimizer, schedule(len(batch_loss) / steps)
            )
            batch_loss.append(loss)
            if not isfinite(loss):
                raise divergence(batch_loss, optimizer, steps_per_epoch)
        seconds += perf_counter() - start
        if validation is not None:
            evaluations.append(network.evaluate(validation))
    return History(
        batch_loss=np.array(batch_loss),
        training_loss=epoch_means(batch_loss, epochs),
        validation_loss=np.array([e.loss for e in evaluations]),
        validation_accuracy=np.array([e.accuracy for e in evaluations]),
        seconds=seconds,
    )


def train_step(
    network: Network,
    X: Array,
    y: NDArray[np.integer],
    optimizer: Optimizer,
    factor: float = 1.0,
) -> float:
    """Take one step of learning: forward, backward, update.

    Parameters
    ----------
    network : Network
        Its weights are moved, after all gradients are known.
    X : floating-point array (batch, features)
        The examples of one mini-batch.
    y : integer array (batch,)
        Their labels.
    optimizer : SGD
        Turns gradients into a step.
    factor : float, optional
        What the learning rate is multiplied by.

    Returns
    -------
    float
        Loss of the batch before the step.

    Examples
    --------
    >>> from backprop import Dense, SGD, SoftmaxCrossEntropy
    >>> network = Network([Dense(2, 2)], loss=SoftmaxCrossEntropy(), seed=0)
    >>> X, y = np.array([[0.0, 1.0]]), np.array([1])
    >>> losses = [train_step(network, X, y, SGD(0.5)) for _ in range(2)]
    >>> losses[1] < losses[0]
    True
    """
    with np.errstate(over="ignore", invalid="ignore"):  # `train` says it better
        logits = network.forward(X)
        loss = network.loss.forward(logits, y)
        network.backward(network.loss.backward())
        optimizer.step(network, factor)
    return loss


def mini_batches(
    data: Split, batch_size: int, rng: np.random.Generator
) -> Iterator[tuple[Array, NDArray[np.integer]]]:
    """Yield all examples once, in a fresh random order, a mini-batch at a time.

    Parameters
    ----------
    data : Split
        The examples.
    batch_size : int
        Examples a batch; the last batch holds what is left.
    rng : numpy.random.Generator
        Draws the order.

    Yields
    ------
    X : array (batch, features)
        Valid until the next batch: its memory is used again.
    y : integer array (batch,)
        The labels, permuted together with X.

    Examples
    --------
    >>> data = Split(np.arange(6.0).reshape(3, 2), np.array([0, 1, 2]))
    >>> [len(y) for X, y in mini_batches(data, 2, np.random.default_rng(0))]
    [2, 1]
    """
    order = rng.permutation(len(data))
    room = np.empty_like(data.images[:batch_size])
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        # mode="clip" writes straight into `out`; the default makes a copy first.
        X = np.take(data.images, chosen, axis=0, out=room[: len(chosen)], mode="clip")
        yield X, data.labels[chosen]


def epoch_means(batch_loss: list[float], epochs: int) -> Array:
    """Return the mean batch loss of each epoch, shape (epochs,)."""
    return np.array(batch_loss).reshape(epochs, -1).mean(axis=1)


def check_settings(data: Split, epochs: int, batch_size: int) -> None:
    """Raise `InputError` unless there is something to train on and how."""
    if len(data) == 0:
        raise InputError(
            "train: the data set is empty; there is nothing to learn from."
        )
    if len(data.images) != len(data.labels):
        raise InputError(
            f"train: there must be one label for each image, but there are "
            f"{len(data.images)} images and {len(data.labels)} labels."
        )
    for name, number in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(number, (int, np.integer)) or number < 1:
            raise InputError(
                f"train: {name} must be a whole number of at least 1, but is {number}."
            )
    check_finite(data.images)


def divergence(
    batch_loss: list[float], optimizer: Optimizer, steps_per_epoch: int
) -> TrainingError:
    """Return the error that says where a training blew up, and the usual causes."""
    step = len(batch_loss)
    epoch = -(-step // steps_per_epoch)
    return TrainingError(
        f"The loss became {batch_loss[-1]} at step {step} (epoch {epoch}); it was "
        f"{batch_loss[0]:.4g} at step 1. The usual causes: the learning rate is too "
        f"high (try a tenth of it; the optimizer is {optimizer}), the inputs are not "
        f"scaled to [0, 1], or the initial weights are too large."
    )
