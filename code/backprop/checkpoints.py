"""Where a training stands, kept in a file, so that it can go on to the last bit.

Chapter "Bigger" uses it: `train` calls it when it is given the name of
a checkpoint. All that the next step depends on is there: weights, what the optimizer
remembers, and the states of the two random generators.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.errors import SavedFileError
from backprop.network import Evaluation, Network
from backprop.optimizers import Optimizer
from backprop.saving import check_saved, read_arrays, write_arrays

Array = NDArray[np.floating]
FORMAT = "backprop training 1"
REMEDY = "Delete it and train again from the start, or name another file."


@dataclass
class Progress:
    """How far a training has come.

    Attributes
    ----------
    rng : numpy.random.Generator
        Shuffles and augments the examples.
    epoch_start : dict
        Its state when the current epoch began; from there the epoch's mini-batches
        can be made again.
    batch_loss : list of float
        Loss of each mini-batch so far.
    evaluations : list of Evaluation
        Of the validation data, one for each epoch that is over.
    seconds : float
        Time spent in the steps.
    best_epoch : int
        The epoch (from 1) with the smallest validation loss so far; 0 before that.
    best_parameters : dict of array
        The weights after it, kept only where they may be wanted.
    """

    rng: np.random.Generator
    epoch_start: Mapping[str, Any] = field(default_factory=dict)
    batch_loss: list[float] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    seconds: float = 0.0
    best_epoch: int = 0
    best_parameters: dict[str, Array] = field(default_factory=dict)


def save_checkpoint(
    path: Path,
    progress: Progress,
    network: Network,
    optimizer: Optimizer,
    settings: dict[str, Any],
) -> None:
    """Write all that the next step of a training depends on.

    Parameters
    ----------
    path : Path
        Where to; an existing file is replaced, whole or not at all.
    progress : Progress
        How far it has come.
    network : Network
        Its weights, and the generator that draws dropout masks.
    optimizer : Optimizer
        What it remembers of the steps before.
    settings : dict
        What makes this training this one and no other; JSON can write it.

    Raises
    ------
    SavedFileError
        If the file cannot be written.
    """
    random = {"network": network.rng.bit_generator.state, "epoch": progress.epoch_start}
    loss = [e.loss for e in progress.evaluations]
    accuracy = [e.accuracy for e in progress.evaluations]
    arrays = {
        "format": np.array(FORMAT),
        "settings": np.array(json.dumps(settings)),
        "random": np.array(json.dumps(random)),
        "batch_loss": np.array(progress.batch_loss, np.float64),
        "validation": np.array([loss, accuracy], np.float64),
        "seconds": np.array(progress.seconds),
        "best_epoch": np.array(progress.best_epoch),
    }
    for kind, held in moving_arrays(progress, network, optimizer).items():
        arrays |= {f"{kind} {name}": array for name, array in held.items()}
    write_arrays(path, arrays)


def load_checkpoint(
    path: Path,
    progress: Progress,
    network: Network,
    optimizer: Optimizer,
    settings: dict[str, Any],
) -> None:
    """Put a training back to where `save_checkpoint` left it, in place.

    Parameters
    ----------
    path : Path
        A file of `save_checkpoint`.
    progress, network, optimizer
        Take what is in the file.
    settings : dict
        Must be what the file was saved with.

    Raises
    ------
    SavedFileError
        If the file is damaged, no checkpoint, or that of another training; the
        message names a setting that differs. The network has not changed then.
    """
    arrays = read_arrays(path, "checkpoint of a training", REMEDY)
    if str(arrays.get("format")) != FORMAT:
        raise SavedFileError(
            f"{path} is not a checkpoint of a training (format "
            f"{str(arrays.get('format'))!r}, expected {FORMAT!r}). {REMEDY}"
        )
    try:
        theirs = read_object(arrays["settings"])
        random = read_object(arrays["random"])
        for which in ("epoch", "network"):  # try the states on another generator
            np.random.default_rng().bit_generator.state = random[which]
        losses, accuracies = read_numbers(arrays["validation"], axes=2)
        evaluations = [Evaluation(*e) for e in zip(losses, accuracies, strict=True)]
        batch_loss = read_numbers(arrays["batch_loss"], axes=1)
        seconds = read_numbers(arrays["seconds"], axes=0)
        best_epoch = int(arrays["best_epoch"])
        if not 0 <= best_epoch <= len(evaluations):
            raise ValueError(
                f"best epoch {best_epoch}, but {len(evaluations)} epochs are over"
            )
        if not 0 <= seconds < np.inf:
            raise ValueError(f"{seconds} seconds")
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as why:
        raise SavedFileError(f"{path} is damaged ({why!r}). {REMEDY}") from None
    check_settings(path, theirs, settings)
    optimizer.start(network)
    progress.best_parameters = (
        {name: np.empty_like(W) for name, W in network.parameters.items()}
        if best_epoch
        else {}
    )
    wanted = {
        f"{kind} {name}": array
        for kind, held in moving_arrays(progress, network, optimizer).items()
        for name, array in held.items()
    }
    for name, array in wanted.items():
        check_saved(path, name, arrays.get(name), array)
    for name, array in wanted.items():
        array[...] = arrays[name]
    progress.rng.bit_generator.state = random["epoch"]
    network.rng.bit_generator.state = random["network"]
    progress.batch_loss, progress.evaluations = batch_loss, evaluations
    progress.seconds, progress.best_epoch = seconds, best_epoch


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


def moving_arrays(
    progress: Progress, network: Network, optimizer: Optimizer
) -> dict[str, dict[str, Array]]:
    """Return all arrays that a training changes, by kind and name."""
    return {
        "parameter": network.parameters,
        "best": progress.best_parameters,
        "state": {
            f"{name} {part}": array
            for name, parts in optimizer.state.items()
            for part, array in parts.items()
        },
    }


def check_settings(path: Path, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """Raise `SavedFileError` unless two trainings are the same one."""
    for name, value in ours.items():
        if theirs.get(name) != value:
            raise SavedFileError(
                f"{path} belongs to another training: its {name} is "
                f"{theirs.get(name)!r}, that of this one is {value!r}. Go on with the "
                f"same settings, or name another file."
            )
