"""Where a training stands, kept in a file, so that it can go on to the last bit.

Chapter "Bigger" uses it: `train` asks it which epochs are left, and it writes the file
whenever one is over. All that the next step depends on is there: what the network has
learned, what the optimizer remembers, and the states of the two random generators.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backprop.errors import InputError, SavedFileError
from backprop.identity import identity_of, told
from backprop.network import Network
from backprop.optimizers import Optimizer
from backprop.saving import check_folder, check_saved, read_arrays, write_arrays
from backprop.schedules import constant

if TYPE_CHECKING:
    from backprop.training import Record

Array = NDArray[np.floating]
FORMAT = "backprop training 2"
REMEDY = "Delete it and train again from the start, or name another file."


def epochs_left(
    asked: Mapping[str, Any], rng: np.random.Generator, record: Record
) -> Iterator[int]:
    """Yield the epochs that a training has not learned yet; save after each.

    Parameters
    ----------
    asked : mapping of str to object
        The arguments of `train`, by name. If there is the file ``checkpoint``, the
        network, the optimizer and what is below are put to where it left them; without
        a name all epochs are left.
    rng : numpy.random.Generator
        Shuffles and augments the examples.
    record : Record
        What the training has given so far.

    Yields
    ------
    int
        The number of an epoch, from 0.

    Raises
    ------
    InputError
        If a setting cannot be told from others; see `backprop.identity.identity_of`.
    SavedFileError
        If the file cannot be written or read, is another training's, or has been
        written by another training meanwhile.
    """
    if asked["checkpoint"] is None:
        yield from range(asked["epochs"])
        return
    path = Path(asked["checkpoint"])
    check_folder(path)  # now, and not when the first epoch is over
    trained = (asked["network"], asked["optimizer"], rng, record)
    whose, mine = settings_of_training(asked), os.urandom(8).hex()
    last = load_checkpoint(path, *trained, whose)
    for epoch in range(
        len(record.batch_loss) // record.steps_per_epoch, whose["epochs"]
    ):
        yield epoch
        if writer_of(path) not in ("", last):
            raise SavedFileError(
                f"{path} was written by another training while this one learned. Give "
                f"each training a file of its own."
            )
        save_checkpoint(path, *trained, whose, mine)
        last = mine


def settings_of_training(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a training this one and no other, as JSON can write it."""
    network = asked["network"]
    settings = {
        "layers": network.layers,
        "type": str(network.dtype),
        "loss": network.loss,
        "network's seed": seed_of(network),
    }
    apart = ("network", "checkpoint", "progress")
    settings |= {name: value for name, value in asked.items() if name not in apart}
    return {name: described(name, value) for name, value in settings.items()}


def seed_of(network: Network) -> int:
    """Return the seed that a network was made with."""
    sequence: Any = network.rng.bit_generator.seed_seq
    return int(sequence.entropy)


def described(name: str, value: Any) -> Any:
    """Return what tells a setting from others, or raise an error with its name."""
    if name in ("before_step", "after_step") and inspect.isroutine(value):
        value = None  # a function of the reader's, to look on
    try:
        return identity_of(value)
    except InputError as why:
        raise InputError(f"train, {name}, with a checkpoint: {why}") from None


def writer_of(path: Path) -> str:
    """Return the mark of who wrote a checkpoint, empty if there is none."""
    if not path.exists():
        return ""
    try:
        with np.load(path, allow_pickle=False) as file:
            return str(file["writer"])
    except Exception:  # whatever it is by now, this training has not written it
        return "?"


def save_checkpoint(
    path: Path,
    network: Network,
    optimizer: Optimizer,
    rng: np.random.Generator,
    record: Record,
    whose: dict[str, Any],
    writer: str = "",
) -> None:
    """Write all that the next epoch of a training depends on, and who wrote it."""
    random = {
        "network": network.rng.bit_generator.state,
        "training": rng.bit_generator.state,
    }
    measured = [record.validation_loss, record.validation_accuracy]
    arrays = {
        "format": np.array(FORMAT),
        "writer": np.array(writer),
        "settings": np.array(json.dumps(whose)),
        "random": np.array(json.dumps(random)),
        "batch_loss": np.array(record.batch_loss, np.float64),
        "validation": np.array(measured, np.float64),
        "seconds": np.array(record.seconds),
        "best_epoch": np.array(record.best_epoch),
    }
    write_arrays(path, arrays | named(network.state, record.best, optimizer.state))


def load_checkpoint(
    path: Path,
    network: Network,
    optimizer: Optimizer,
    rng: np.random.Generator,
    record: Record,
    whose: dict[str, Any],
) -> str:
    """Put a training back to where `save_checkpoint` left it; return the mark.

    Without a file nothing changes, and the mark is empty.

    Raises
    ------
    SavedFileError
        If the file is damaged, no checkpoint, or that of another training; the
        message names a setting that differs. Nothing has changed then.
    """
    if not path.exists():
        return ""
    arrays = read_arrays(path, "checkpoint of a training", REMEDY)
    if str(arrays.get("format")) != FORMAT:
        raise SavedFileError(
            f"{path} is not a checkpoint of a training (format "
            f"{str(arrays.get('format'))!r}, expected {FORMAT!r}). {REMEDY}"
        )
    try:
        theirs = read_object(arrays["settings"])
        random = read_object(arrays["random"])
        for which in ("training", "network"):  # try the states on another generator
            np.random.default_rng().bit_generator.state = random[which]
        losses, accuracies = read_numbers(arrays["validation"], axes=2)
        batch_loss = read_numbers(arrays["batch_loss"], axes=1)
        seconds = read_numbers(arrays["seconds"], axes=0)
        best_epoch = int(arrays["best_epoch"])
        if not 0 <= best_epoch <= len(losses):
            raise ValueError(
                f"best epoch {best_epoch}, but {len(losses)} epochs are over"
            )
        if not 0 <= seconds < np.inf:
            raise ValueError(f"{seconds} seconds")
        if len(batch_loss) % record.steps_per_epoch:
            raise ValueError(f"{len(batch_loss)} steps are no whole epochs")
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as why:
        raise SavedFileError(f"{path} is damaged ({why!r}). {REMEDY}") from None
    check_settings(path, theirs, whose)
    resting = {n: optimizer.at_rest(W) for n, W in network.parameters.items()}
    best = {n: np.empty_like(W) for n, W in network.state.items()} if best_epoch else {}
    wanted = named(network.state, best, resting)
    for name, array in wanted.items():
        check_saved(path, name, arrays.get(name), array)
    for name, array in wanted.items():
        array[...] = arrays[name]
    optimizer.state, optimizer.network_key = resting, network.key
    rng.bit_generator.state = random["training"]
    network.rng.bit_generator.state = random["network"]
    record.batch_loss, record.best = batch_loss, best
    record.validation_loss, record.validation_accuracy = losses, accuracies
    record.seconds, record.best_epoch = seconds, best_epoch
    return str(arrays.get("writer"))


def named(
    learned: Mapping[str, Array],
    best: Mapping[str, Array],
    remembered: Mapping[str, Mapping[str, Array]],
) -> dict[str, Array]:
    """Return all arrays that a training changes, as they are called in a file."""
    return {
        **{f"learned {name}": array for name, array in learned.items()},
        **{f"best {name}": array for name, array in best.items()},
        **{
            f"remembered {name} {part}": array
            for name, parts in remembered.items()
            for part, array in parts.items()
        },
    }


def read_object(text: NDArray[Any]) -> dict[str, Any]:
    """Return the JSON object that an array of one text holds, or raise."""
    value = json.loads(str(text))
    if not isinstance(value, dict):
        raise TypeError(f"a JSON object expected, not {str(text)[:40]!r}")
    return value


def read_numbers(array: NDArray[Any], axes: int) -> Any:
    """Return an array of so many axes as Python's own numbers, or raise."""
    if array.ndim != axes:
        raise ValueError(f"{axes} axes expected, not the shape {array.shape}")
    return array.astype(np.float64, casting="safe").tolist()


def check_settings(path: Path, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """Raise `SavedFileError` unless two trainings are the same one.

    The later one may have more epochs, if they do not change the learning rate of
    those that are over.
    """
    more = theirs.get("schedule") == identity_of(constant) == ours["schedule"]
    for name, value in ours.items():
        if theirs.get(name) == value:
            continue
        if more and name == "epochs" and theirs[name] < value:
            continue
        hint = "Go on with the same settings, or name another file."
        if name == "epochs":
            hint = (
                "Its learning rate falls over all epochs, so that further ones would "
                "have changed those before. Train the network itself on, with a new "
                "file, a new optimizer and a schedule of its own."
            )
        raise SavedFileError(
            f"{path} belongs to another training: its {name} is "
            f"{told(theirs.get(name))}, that of this one is {told(value)}. {hint}"
        )
