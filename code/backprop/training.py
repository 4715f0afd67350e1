"""The training loop: many steps of forward, backward and update, and what they gave.

Chapter "Training on MNIST" shows this module and uses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
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

CAUSES_AT_THE_START = (
    "The usual causes: weights that an earlier training spoiled, or targets that are "
    "NaN, infinite or huge."
)
SPOILED = "The weights are spoiled: build a new network and a new optimizer."


@dataclass(frozen=True, eq=False)
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
        Whether to show a progress bar. The environment variable TQDM_DISABLE=1
        hides all of them, as in a built page.

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
        If the loss, the validation loss or a weight becomes NaN or infinite; says
        at which step.

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
    check_settings(epochs, batch_size)
    check_split("data", data, network)
    if validation is not None:
        check_split("validation", validation, network)
    rng = np.random.default_rng(seed)
    steps_per_epoch = -(-len(data) // batch_size)
    steps = epochs * steps_per_epoch
    batch_loss: list[float] = []
    evaluations: list[Evaluation] = []
    seconds = 0.0
    # tqdm is not told "disable": that would overrule the variable TQDM_DISABLE.
    counted = range(epochs)
    bar = tqdm(counted, unit="epoch") if progress else nullcontext(counted)
    with bar as counting:
        for _ in counting:
            start = perf_counter()
            for X, y in mini_batches(data, batch_size, rng):
                loss = train_step(
                    network, X, y, optimizer, schedule(len(batch_loss) / steps)
                )
                batch_loss.append(loss)
                if not isfinite(loss):
                    what = f"The loss became {loss}"
                    raise divergence(what, batch_loss, optimizer, steps_per_epoch)
            seconds += perf_counter() - start
            if validation is not None:
                evaluations.append(evaluate_quietly(network, validation))
                if not isfinite(evaluations[-1].loss):
                    what = f"The validation loss became {evaluations[-1].loss}"
                    raise divergence(what, batch_loss, optimizer, steps_per_epoch)
    if not all(np.isfinite(W).all() for W in network.parameters.values()):
        what = "A weight became NaN or infinite"
        raise divergence(what, batch_loss, optimizer, steps_per_epoch)
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
    images = np.ascontiguousarray(data.images)  # else each np.take copies them all
    room = np.empty_like(images[:batch_size])
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        # mode="clip" writes straight into `out`; the default makes a copy first.
        X = np.take(images, chosen, axis=0, out=room[: len(chosen)], mode="clip")
        yield X, data.labels[chosen]


def epoch_means(batch_loss: list[float], epochs: int) -> Array:
    """Return the mean batch loss of each epoch, shape (epochs,)."""
    return np.array(batch_loss).reshape(epochs, -1).mean(axis=1)


def evaluate_quietly(network: Network, data: Split) -> Evaluation:
    """Evaluate without NumPy's warnings: `train` says it better."""
    with np.errstate(over="ignore", invalid="ignore"):
        return network.evaluate(data)


def check_settings(epochs: int, batch_size: int) -> None:
    """Raise `InputError` unless both are whole numbers of at least 1."""
    for name, number in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(number, (int, np.integer)) or number < 1:
            raise InputError(
                f"train: {name} must be a whole number of at least 1, but is {number}."
            )


def check_split(name: str, data: Split, network: Network) -> None:
    """Raise an error that names the split unless the network can work with it.

    The network tries the examples with the smallest and the largest label.
    """
    if len(data) == 0:
        raise InputError(f"train, {name}: the data set is empty; it needs an example.")
    y = data.labels
    rows = [y.argmin(), y.argmax()] if y.ndim == 1 else [0]
    try:
        check_finite(data.images)
        if np.issubdtype(y.dtype, np.floating):
            check_finite(y, "y")
        with np.errstate(over="ignore", invalid="ignore"):
            loss = network.loss.forward(network.forward(data.images[rows]), y[rows])
    except InputError as why:
        raise InputError(f"train, {name}: {why}") from None
    if not isfinite(loss):
        raise TrainingError(
            f"train, {name}: the loss is {loss} before the first step. "
            f"{CAUSES_AT_THE_START} Spoiled weights need a new network."
        )


def divergence(
    what: str, batch_loss: list[float], optimizer: Optimizer, steps_per_epoch: int
) -> TrainingError:
    """Return the error that says where a training blew up, and the usual causes."""
    step = len(batch_loss)
    where = f"{what} at step {step} (epoch {-(-step // steps_per_epoch)})"
    if not isfinite(batch_loss[0]):
        return TrainingError(f"{where}. {CAUSES_AT_THE_START} {SPOILED}")
    return TrainingError(
        f"{where}; the loss was {batch_loss[0]:.4g} at step 1. The usual causes: the "
        f"learning rate is too high (try a tenth of it; the optimizer is "
        f"{optimizer}), the inputs are not scaled to [0, 1], or the initial weights "
        f"are too large. {SPOILED}"
    )
