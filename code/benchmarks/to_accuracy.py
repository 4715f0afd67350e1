"""Seconds until 98 % of the test images are right: the race that a reader runs.

The library and PyTorch start with the same weights, see the same mini-batches in the
same order, and let the same learning rate fall in the same line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from backprop import SGD, Digits, linear, train
from backprop.book.recipes import mlp

from benchmarks.contestants import Settings
from benchmarks.races import OURS, PYTORCH, fastest_way

WIDTHS, EPOCHS, TARGET = (784, 300, 100, 10), 6, 0.98
SETTINGS = Settings(batch_size=128, learning_rate=0.1, momentum=0.9)
SEEDS = 3


@dataclass(frozen=True)
class Finish:
    """When the target was reached.

    Attributes
    ----------
    skipped : str
        Why the race did not take place; empty if it did.
    seconds : dict of name to list of (float or None)
        Spent in steps until the target was reached, by seed; None if it never was.
    epochs : dict of name to list of (int or None)
        The epoch, from 1, after which it was reached.
    """

    skipped: str
    seconds: dict[str, list[float | None]]
    epochs: dict[str, list[int | None]]


def race_to_accuracy(
    digits: Digits, left_out: Mapping[str, str], quick: bool
) -> Finish:
    """Train with three seeds, the contestants by turns.

    Parameters
    ----------
    digits : Digits
        Full MNIST; the race is skipped without it.
    left_out : mapping of name to str
        Who does not take part.
    quick : bool
        Skips the race.

    Returns
    -------
    Finish
        Seconds and epochs by seed.
    """
    if quick:
        return Finish("a quick run has no time for it", {}, {})
    if digits.source != "mnist":
        return Finish(
            f"it needs the full MNIST, but the data are the {digits.description}",
            {},
            {},
        )
    runners = {OURS: run_ours}
    if PYTORCH not in left_out:
        runners[PYTORCH] = run_pytorch
    seconds: dict[str, list[float | None]] = {name: [] for name in runners}
    epochs: dict[str, list[int | None]] = {name: [] for name in runners}
    for seed in range(SEEDS):
        for name in list(runners) if seed % 2 == 0 else reversed(list(runners)):
            spent, accuracy = runners[name](digits, seed)
            epoch = first_at(accuracy, TARGET)
            epochs[name].append(epoch)
            seconds[name].append(None if epoch is None else spent[epoch - 1])
    return Finish("", seconds, epochs)


def first_at(accuracy: list[float], target: float) -> int | None:
    """Return the first epoch, from 1, with at least the target; None without one.

    Examples
    --------
    >>> first_at([0.96, 0.98, 0.97], 0.98), first_at([0.96], 0.98)
    (2, None)
    """
    reached = [epoch for epoch, value in enumerate(accuracy, 1) if value >= target]
    return reached[0] if reached else None


def run_ours(digits: Digits, seed: int) -> tuple[list[float], list[float]]:
    """Train the library; return seconds and test accuracy after each epoch."""
    history = train(
        mlp(*WIDTHS, seed=seed),
        digits.train,
        optimizer=SGD(SETTINGS.learning_rate, momentum=SETTINGS.momentum),
        epochs=EPOCHS,
        batch_size=SETTINGS.batch_size,
        validation=digits.test,  # to see when, not to choose by
        schedule=linear,
        seed=seed,
        progress=False,
    )
    spent = history.seconds * np.arange(1, EPOCHS + 1) / EPOCHS
    return spent.tolist(), history.validation_accuracy.tolist()


def run_pytorch(digits: Digits, seed: int) -> tuple[list[float], list[float]]:
    """Train PyTorch on the same mini-batches; return the same."""
    import torch

    from benchmarks.contestants.pytorch import PyTorch

    network = mlp(*WIDTHS, seed=seed)
    way = fastest_way(network, digits.train[:12_800], SETTINGS)
    peer = PyTorch(network, digits.train, SETTINGS, way)
    steps = EPOCHS * -(-len(digits.train) // SETTINGS.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        peer.optimizer, lambda step: linear(step / steps)
    )
    rng = np.random.default_rng(seed)
    spent, accuracy, seconds = [], [], 0.0
    for _ in range(EPOCHS):
        start = perf_counter()
        peer.learn(torch.from_numpy(rng.permutation(len(digits.train))), schedule)
        seconds += perf_counter() - start
        spent.append(seconds)
        accuracy.append(peer.accuracy(digits.test))
    return spent, accuracy
