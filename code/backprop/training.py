"""The training loop: many steps of forward, backward and update, and what they gave.

Chapter "Training on MNIST" shows this module and uses it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf, isfinite
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.augmentation import Augmentation
from backprop.checks import check_finite, check_function, check_made, check_whole
from backprop.dataset import Dataset
from backprop.errors import InputError, TrainingError
from backprop.network import Network
from backprop.optimizers import Optimizer
from backprop.resuming import epochs_left
from backprop.running import undisturbed, undivided
from backprop.schedules import Schedule, constant

Array = NDArray[np.floating]
Hook = Callable[[Network], None]

CAUSES_AT_THE_START = (
    "The usual causes: weights that an earlier training spoiled, or targets that are "
    "NaN, infinite or huge."
)
A_DATASET = "digits.train, or Dataset(inputs, targets)"
FUNCTIONS = {
    "schedule": "cosine",
    "augment": "Shift(2)",
    "before_step": "Clip(1)",
    "after_step": "Mask(masks)",
}
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
    best_epoch : int or None
        With ``patience``: the epoch, from 1, with the smallest validation loss.
    """

    batch_loss: Array
    training_loss: Array
    validation_loss: Array
    validation_accuracy: Array
    seconds: float
    best_epoch: int | None = None


@dataclass
class Record:
    """What a training has given so far.

    Attributes
    ----------
    steps_per_epoch : int
        How many mini-batches an epoch has.
    optimizer : str
        Who moves the weights, for messages.
    batch_loss : list of float
        Loss of each mini-batch.
    validation_loss, validation_accuracy : list of float
        Of each epoch that is over.
    seconds : float
        Time spent in the steps.
    best_epoch : int
        The epoch, from 1, with the smallest validation loss; 0 before there is one.
    best : dict of array
        What the network had learned after it.
    """

    steps_per_epoch: int
    optimizer: str
    batch_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0
    best_epoch: int = 0
    best: dict[str, Array] = field(default_factory=dict)

    def add_step(self, loss: float) -> None:
        """Note the loss of a mini-batch; raise `TrainingError` if it is no number."""
        self.batch_loss.append(loss)
        if not isfinite(loss):
            raise self.divergence(f"The loss became {loss}")

    def add_epoch(self, network: Network, validation: Dataset, keep: bool) -> None:
        """Measure the validation data; keep what was learned if that is best so far."""
        found = network.evaluate(validation)
        if keep and found.loss < min(self.validation_loss, default=inf):
            self.best_epoch = len(self.validation_loss) + 1
            self.best = {name: W.copy() for name, W in network.state.items()}
        self.validation_loss.append(found.loss)
        self.validation_accuracy.append(found.accuracy)
        if not isfinite(found.loss):
            raise self.divergence(f"The validation loss became {found.loss}")

    def has_waited(self, patience: int | None) -> bool:
        """Tell whether the validation loss has not fallen for so many epochs."""
        since_best = len(self.validation_loss) - self.best_epoch
        return patience is not None and since_best >= patience

    def divergence(self, what: str) -> TrainingError:
        """Return the error that says where a training blew up, and why it may have."""
        first, step = self.batch_loss[0], len(self.batch_loss)
        where = f"{what} at step {step} (epoch {-(-step // self.steps_per_epoch)})"
        if not isfinite(first):
            return TrainingError(f"{where}. {CAUSES_AT_THE_START} {SPOILED}")
        return TrainingError(
            f"{where}; the loss was {first:.4g} at step 1. The usual causes: the "
            f"learning rate is too high (try a tenth of it; the optimizer is "
            f"{self.optimizer}), the inputs are not scaled to [0, 1], or the initial "
            f"weights are too large. {SPOILED}"
        )

    def history(self) -> History:
        """Return it as arrays."""
        batch_loss = np.array(self.batch_loss)
        return History(
            batch_loss=batch_loss,
            training_loss=batch_loss.reshape(-1, self.steps_per_epoch).mean(axis=1),
            validation_loss=np.array(self.validation_loss),
            validation_accuracy=np.array(self.validation_accuracy),
            seconds=self.seconds,
            best_epoch=self.best_epoch or None,
        )


def train(
    network: Network,
    data: Dataset,
    *,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int = 128,
    validation: Dataset | None = None,
    schedule: Schedule = constant,
    augment: Augmentation | None = None,
    patience: int | None = None,
    before_step: Hook | None = None,
    after_step: Hook | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> History:
    """Train a network in place.

    Ctrl-C ends it with a KeyboardInterrupt after the step at hand: the network keeps
    what it has learned, and a checkpoint goes on from the last whole epoch.

    Parameters
    ----------
    network : Network
        Its weights are moved.
    data : Dataset
        The examples it learns from, at least one.
    optimizer : SGD or Adam
        Turns gradients into steps.
    epochs : int
        How many times every example is seen, at least 1.
    batch_size : int, optional
        Examples a step, at least 1; more than there are means all of them.
    validation : Dataset, optional
        Measured after each epoch, never learned from.
    schedule : function of progress, optional
        Multiplies the learning rate: `constant` (default), `linear`, `cosine`,
        `step_decay` or `one_cycle`.
    augment : function (images, rng) -> images, optional
        Changes each mini-batch before it is learned from: `Shift` or `Warp`.
    patience : int, optional
        Early stopping: end when the validation loss has not fallen for so many
        epochs, at least 1, and take the weights of the epoch where it was smallest.
    before_step, after_step : function (network), optional
        Called in each step when its gradients are known, and when the weights have
        moved: `Clip` shortens gradients, `Mask` holds weights at zero, a function of
        yours records what you want to see. (A checkpoint tells the first two from
        others, and takes functions for onlookers.)
    checkpoint : path, optional
        A file that keeps the state of the training after each epoch. If it is there
        already, the training goes on from it, to the last bit as if it had never been
        interrupted; what the network has learned is replaced. More epochs than the
        file was begun with are possible where the learning rate is `constant`.
    seed : int, optional
        Seed of the generator that shuffles and augments the examples, at least 0.
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
    SavedFileError
        If the checkpoint cannot be read or written, or is another training's.

    References
    ----------
    Prechelt (1998), "Early Stopping - But When?", for patience.

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
    asked = dict(locals())  # all of the above, by name
    check_training(**asked)
    rng = np.random.default_rng(seed)
    record = Record(-(-len(data) // batch_size), str(optimizer))
    steps, hooks = epochs * record.steps_per_epoch, (before_step, after_step)
    with undisturbed(epochs_left(asked, rng, record), epochs, progress) as left:
        for _ in left:
            if record.has_waited(patience):
                break
            start = perf_counter()
            for X, y in mini_batches(data, batch_size, rng, augment):
                factor = schedule(len(record.batch_loss) / steps)
                loss = train_step(network, X, y, optimizer, factor, *hooks)
                record.add_step(loss)
            record.seconds += perf_counter() - start
            if validation is not None:
                record.add_epoch(network, validation, keep=patience is not None)
    network.state.update(record.best)
    if not all(np.isfinite(W).all() for W in network.state.values()):
        raise record.divergence("A weight became NaN or infinite")
    return record.history()


def train_step(
    network: Network,
    X: Array,
    y: NDArray[np.integer],
    optimizer: Optimizer,
    factor: float = 1.0,
    before_step: Hook | None = None,
    after_step: Hook | None = None,
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
    optimizer : SGD or Adam
        Turns gradients into a step.
    factor : float, optional
        What the learning rate is multiplied by.
    before_step, after_step : function (network), optional
        Called when the gradients are known, and when the weights have moved.

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
    logits = network.forward(X, training=True)
    loss = network.loss.forward(logits, y)
    network.backward(network.loss.backward())
    if before_step is not None:
        before_step(network)
    with undivided():  # Ctrl-C waits until all weights have moved
        optimizer.step(network, factor)
        if after_step is not None:
            after_step(network)
    return loss


def mini_batches(
    data: Dataset,
    batch_size: int,
    rng: np.random.Generator,
    augment: Augmentation | None = None,
) -> Iterator[tuple[Array, NDArray[np.integer]]]:
    """Yield all examples once, in a fresh random order, a mini-batch at a time.

    Parameters
    ----------
    data : Dataset
        The examples.
    batch_size : int
        Examples a batch; the last batch holds what is left.
    rng : numpy.random.Generator
        Draws the order, and what the augmentation does.
    augment : function (images, rng) -> images, optional
        Changes the images of each mini-batch.

    Yields
    ------
    X : array (batch, features)
        Its examples, one a row.
    y : integer array (batch,)
        The labels, permuted together with X.

    Examples
    --------
    >>> data = Dataset(np.arange(6.0).reshape(3, 2), np.array([0, 1, 2]))
    >>> [len(y) for X, y in mini_batches(data, 2, np.random.default_rng(0))]
    [2, 1]
    """
    order = rng.permutation(len(data))
    inputs = np.ascontiguousarray(data.inputs)  # else a row is gathered piece by piece
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        X, y = inputs[chosen], data.targets[chosen]
        yield X if augment is None else augment(X, rng), y


def check_training(
    network: Network,
    data: Dataset,
    optimizer: Optimizer,
    validation: Dataset | None,
    patience: int | None,
    epochs: int,
    batch_size: int,
    seed: int,
    **functions: Any,
) -> None:
    """Raise `InputError` unless a training can begin with these arguments."""
    check_made("train", "network", network, Network, "Network([...], loss=..., seed=0)")
    check_made("train", "data", data, Dataset, A_DATASET)
    check_made("train", "optimizer", optimizer, Optimizer, "SGD(learning_rate=0.1)")
    check_whole("train", epochs=(epochs, 1), batch_size=(batch_size, 1), seed=(seed, 0))
    for name, example in FUNCTIONS.items():
        check_function("train", name, functions[name], f"{name}={example}")
    check_data("data", data, network)
    if patience is not None:
        check_whole("train", patience=(patience, 1))
        if validation is None:
            raise InputError(
                "train: patience needs validation data to look at; give train() the "
                "argument validation=digits.validation."
            )
    if validation is not None:
        check_made("train", "validation", validation, Dataset, A_DATASET)
        check_data("validation", validation, network)


def check_data(name: str, data: Dataset, network: Network) -> None:
    """Raise an error that names the data unless the network can work with them.

    The network tries the examples with the smallest and the largest label.
    """
    if len(data) == 0:
        raise InputError(f"train, {name}: the data set is empty; it needs an example.")
    y = data.targets
    try:
        network.loss.check_targets(y)
        rows = [y.argmin(), y.argmax()] if y.ndim == 1 else [0]
        check_finite(data.inputs)
        if np.issubdtype(y.dtype, np.floating):
            check_finite(y, "y")
        with np.errstate(over="ignore", invalid="ignore"):
            loss = network.loss.forward(network.forward(data.inputs[rows]), y[rows])
    except InputError as why:
        raise InputError(f"train, {name}: {why}") from None
    if not isfinite(loss):
        raise TrainingError(
            f"train, {name}: the loss is {loss} before the first step. "
            f"{CAUSES_AT_THE_START} Spoiled weights need a new network."
        )
