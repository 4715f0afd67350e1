"""The training loop: many steps of forward, backward and update, and what they gave.

Chapter "Training on MNIST" shows this module and uses it.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from math import inf, isfinite
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from backprop.augmentation import Augmentation
from backprop.checkpoints import Progress, load_checkpoint, save_checkpoint
from backprop.dataset import Dataset
from backprop.errors import InputError, TrainingError
from backprop.network import Evaluation, Network, check_finite
from backprop.optimizers import Optimizer
from backprop.saving import check_folder
from backprop.schedules import Schedule, constant

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
    best_epoch : int or None
        With ``patience``: the epoch, from 1, with the smallest validation loss.
    interrupted : bool
        Whether Ctrl-C ended the training. An epoch that it cut short is only in
        ``batch_loss``, and the weights are those of the last step.
    """

    batch_loss: Array
    training_loss: Array
    validation_loss: Array
    validation_accuracy: Array
    seconds: float
    best_epoch: int | None = None
    interrupted: bool = False


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
    after_step: Callable[[Network], None] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> History:
    """Train a network in place.

    Ctrl-C ends the training after the step at hand; what there is is returned.

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
    after_step : function (network), optional
        Called after each step, to record what you want to see: the gradients are
        those of the step, the weights those after it.
    checkpoint : path, optional
        A file that keeps the state of the training after each epoch and at Ctrl-C.
        If it is there already, the training goes on from it, to the last bit as if
        it had never been interrupted; the network's weights are replaced.
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
    check_numbers(epochs, batch_size, patience, seed)
    course = Course(
        network=network,
        data=data,
        validation=validation,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        schedule=schedule,
        augment=augment,
        patience=patience,
        after_step=after_step,
        seed=seed,
        progress=Progress(np.random.default_rng(seed)),
    )
    course.check()
    file = None if checkpoint is None else Path(checkpoint)
    whose = () if file is None else course.identity()
    if file is not None:
        check_folder(file)  # now, and not when the first epoch is over
        if file.exists():
            load_checkpoint(file, course.progress, *whose)
    # tqdm is not told "disable": that would overrule the variable TQDM_DISABLE.
    left = range(course.epochs_over, epochs)
    bar = tqdm(left, unit="epoch") if progress else nullcontext(left)
    with bar as counting, noticed_interrupt() as interrupted:
        for _ in counting:
            if course.waited_enough():
                break
            course.learn_epoch(interrupted)
            if course.between_epochs:
                course.validate()
            if file is not None:
                save_checkpoint(file, course.progress, *whose)
            if interrupted.is_set():
                break
    course.finish(keep_last=interrupted.is_set())
    return course.history(interrupted.is_set())


@dataclass
class Course:
    """One training: its settings, as `train` takes them, and how far it has come."""

    network: Network
    data: Dataset
    validation: Dataset | None
    optimizer: Optimizer
    epochs: int
    batch_size: int
    schedule: Schedule
    augment: Augmentation | None
    patience: int | None
    after_step: Callable[[Network], None] | None
    seed: int
    progress: Progress

    @property
    def steps_per_epoch(self) -> int:
        """How many mini-batches the examples make; the last may be smaller."""
        return -(-len(self.data) // self.batch_size)

    @property
    def epochs_over(self) -> int:
        """How many epochs have been learned to their end."""
        return len(self.progress.batch_loss) // self.steps_per_epoch

    @property
    def between_epochs(self) -> bool:
        """Whether the last epoch begun was finished."""
        return len(self.progress.batch_loss) % self.steps_per_epoch == 0

    def check(self) -> None:
        """Raise `InputError` unless data and settings go together."""
        if self.patience is not None and self.validation is None:
            raise InputError(
                "train: patience needs validation data to look at; give train() the "
                "argument validation=digits.validation."
            )
        check_split("data", self.data, self.network)
        if self.validation is not None:
            check_split("validation", self.validation, self.network)

    def learn_epoch(self, interrupted: Event) -> None:
        """Take one step for each mini-batch that is left of the current epoch."""
        progress = self.progress
        begun = len(progress.batch_loss) % self.steps_per_epoch
        steps = self.epochs * self.steps_per_epoch
        progress.epoch_start = progress.rng.bit_generator.state
        start = perf_counter()
        batches = mini_batches(self.data, self.batch_size, progress.rng, self.augment)
        for X, y in islice(batches, begun, None):
            factor = self.schedule(len(progress.batch_loss) / steps)
            loss = train_step(self.network, X, y, self.optimizer, factor)
            progress.batch_loss.append(loss)
            if not isfinite(loss):
                raise self.divergence(f"The loss became {loss}")
            if self.after_step is not None:
                self.after_step(self.network)
            if interrupted.is_set():
                break
        progress.seconds += perf_counter() - start
        if self.between_epochs:
            progress.epoch_start = progress.rng.bit_generator.state  # of the next

    def validate(self) -> None:
        """Measure the validation data, if there are any; keep the best weights."""
        if self.validation is None:
            return
        evaluation = evaluate_quietly(self.network, self.validation)
        if not isfinite(evaluation.loss):
            raise self.divergence(f"The validation loss became {evaluation.loss}")
        progress = self.progress
        best = min((e.loss for e in progress.evaluations), default=inf)
        progress.evaluations.append(evaluation)
        if self.patience is not None and evaluation.loss < best:
            progress.best_epoch = self.epochs_over
            progress.best_parameters = {
                name: W.copy() for name, W in self.network.parameters.items()
            }

    def waited_enough(self) -> bool:
        """Tell whether the validation loss has not fallen for `patience` epochs."""
        waited = self.epochs_over - self.progress.best_epoch
        return self.patience is not None and waited >= self.patience

    def finish(self, keep_last: bool) -> None:
        """Look at the weights, and take the best ones if some were kept."""
        parameters = self.network.parameters
        if not all(np.isfinite(W).all() for W in parameters.values()):
            raise self.divergence("A weight became NaN or infinite")
        if not keep_last:
            for name, W in self.progress.best_parameters.items():
                parameters[name][...] = W

    def history(self, interrupted: bool) -> History:
        """Return what happened."""
        progress = self.progress
        whole = progress.batch_loss[: self.epochs_over * self.steps_per_epoch]
        return History(
            batch_loss=np.array(progress.batch_loss),
            training_loss=epoch_means(whole, self.steps_per_epoch),
            validation_loss=np.array([e.loss for e in progress.evaluations]),
            validation_accuracy=np.array([e.accuracy for e in progress.evaluations]),
            seconds=progress.seconds,
            best_epoch=progress.best_epoch or None,
            interrupted=interrupted,
        )

    def identity(self) -> tuple[Network, Optimizer, dict[str, Any]]:
        """Return what a checkpoint has to agree with: network, optimizer, settings."""
        settings = {
            "network": name_of(self.network),
            "network's seed": seed_of(self.network),
            "data": fingerprint(self.data),
            "validation": self.validation and fingerprint(self.validation),
            "optimizer": name_of(self.optimizer),
            "epochs": int(self.epochs),
            "batch_size": int(self.batch_size),
            "schedule": name_of(self.schedule),
            "augment": name_of(self.augment),
            "patience": self.patience and int(self.patience),
            "seed": int(self.seed),
        }
        return self.network, self.optimizer, settings

    def divergence(self, what: str) -> TrainingError:
        """Return the error that says where a training blew up, and why it may have."""
        batch_loss = self.progress.batch_loss
        step = len(batch_loss)
        where = f"{what} at step {step} (epoch {-(-step // self.steps_per_epoch)})"
        if not isfinite(batch_loss[0]):
            return TrainingError(f"{where}. {CAUSES_AT_THE_START} {SPOILED}")
        return TrainingError(
            f"{where}; the loss was {batch_loss[0]:.4g} at step 1. The usual causes: "
            f"the learning rate is too high (try a tenth of it; the optimizer is "
            f"{self.optimizer}), the inputs are not scaled to [0, 1], or the initial "
            f"weights are too large. {SPOILED}"
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
    optimizer : SGD or Adam
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
        logits = network.forward(X, training=True)
        loss = network.loss.forward(logits, y)
        network.backward(network.loss.backward())
        optimizer.step(network, factor)
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
        Valid until the next batch: its memory is used again.
    y : integer array (batch,)
        The labels, permuted together with X.

    Examples
    --------
    >>> data = Dataset(np.arange(6.0).reshape(3, 2), np.array([0, 1, 2]))
    >>> [len(y) for X, y in mini_batches(data, 2, np.random.default_rng(0))]
    [2, 1]
    """
    order = rng.permutation(len(data))
    images = np.ascontiguousarray(data.inputs)  # else each np.take copies them all
    room = np.empty_like(images[:batch_size])
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        # mode="clip" writes straight into `out`; the default makes a copy first.
        X = np.take(images, chosen, axis=0, out=room[: len(chosen)], mode="clip")
        yield X if augment is None else augment(X, rng), data.targets[chosen]


def epoch_means(batch_loss: list[float], steps_per_epoch: int) -> Array:
    """Return the mean batch loss of each epoch, shape (epochs,)."""
    return np.array(batch_loss).reshape(-1, steps_per_epoch).mean(axis=1)


@contextmanager
def noticed_interrupt() -> Iterator[Event]:
    """Let the step at hand be finished when Ctrl-C comes; the second one ends it.

    A step that is cut in the middle would leave some weights moved and others not.

    Yields
    ------
    Event
        Set when Ctrl-C came. Only the main thread hears of it; in others it never
        is. Nor is it where Ctrl-C is ignored, as in the workers of a sweep.
    """
    interrupted = Event()
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None):
        yield interrupted
        return

    def notice(number: int, frame: Any) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()

    before = signal.signal(signal.SIGINT, notice)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def fingerprint(data: Dataset) -> str:
    """Return a short text that tells this data set from others."""
    digest = zlib.crc32(np.ascontiguousarray(data.targets).data)
    digest = zlib.crc32(np.ascontiguousarray(data.inputs).data, digest)
    return f"{data} {digest:08x}"


def seed_of(network: Network) -> int:
    """Return the seed that a network was made with."""
    sequence: Any = network.rng.bit_generator.seed_seq
    return int(sequence.entropy)


def name_of(setting: object) -> str:
    """Return the name of a function, or what another object says of itself.

    Without addresses in memory, which are others in the next session.
    """
    name = getattr(setting, "__name__", None) or repr(setting)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", name)


def evaluate_quietly(network: Network, data: Dataset) -> Evaluation:
    """Evaluate without NumPy's warnings: `train` says it better."""
    with np.errstate(over="ignore", invalid="ignore"):
        return network.evaluate(data)


def check_numbers(
    epochs: int, batch_size: int, patience: int | None, seed: int
) -> None:
    """Raise `InputError` unless they are whole numbers and large enough."""
    numbers = {"epochs": (epochs, 1), "batch_size": (batch_size, 1), "seed": (seed, 0)}
    if patience is not None:
        numbers["patience"] = (patience, 1)
    for name, (number, least) in numbers.items():
        if not isinstance(number, (int, np.integer)) or number < least:
            raise InputError(
                f"train: {name} must be a whole number of at least {least}, but is "
                f"{number}."
            )


def check_split(name: str, data: Dataset, network: Network) -> None:
    """Raise an error that names the split unless the network can work with it.

    The network tries the examples with the smallest and the largest label.
    """
    if len(data) == 0:
        raise InputError(f"train, {name}: the data set is empty; it needs an example.")
    y = data.targets
    rows = [y.argmin(), y.argmax()] if y.ndim == 1 else [0]
    try:
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
