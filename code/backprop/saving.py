"""Arrays in a file: written whole or not at all, and read with distrust.

`Network.save` and the checkpoints of `train` keep their numbers like this: as ``.npz``
without pickles, uncompressed, so that a file never unpacks to more than it weighs.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from backprop.errors import SavedFileError

if TYPE_CHECKING:
    import zipfile

Array = NDArray[np.floating]


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays to a file, in the place of what is there.

    Parameters
    ----------
    path : Path
        Where to, in a folder that exists.
    arrays : mapping of name to array
        Of any type that needs no pickle.

    Raises
    ------
    SavedFileError
        If the folder does not exist or the file cannot be written. What was there
        before is then still there.
    """
    check_folder(path)
    try:
        # A folder of its own gives the file a name that nobody else uses.
        with tempfile.TemporaryDirectory(
            prefix=f"{path.name}-", dir=path.parent
        ) as room:
            unfinished = Path(room) / "unfinished"
            with unfinished.open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            os.replace(unfinished, path)
    except OSError as why:
        raise SavedFileError(
            f"{path} cannot be written ({why.strerror or why})."
        ) from None


def read_arrays(
    path: Path,
    what: str = "saved network",
    remedy: str = "Save the network again.",
) -> dict[str, NDArray[Any]]:
    """Read what `write_arrays` wrote.

    Parameters
    ----------
    path : Path
        The file.
    what, remedy : str, optional
        What the file should be, and what to do if it is not, for the messages.

    Returns
    -------
    dict of name to array
        All that is in it.

    Raises
    ------
    SavedFileError
        If the file is missing, damaged, or would unpack to more than it weighs.
    """
    if not path.exists():
        raise SavedFileError(f"{path} does not exist; save the network first.")
    if path.is_dir():
        raise SavedFileError(f"{path} is a folder; name the file inside it.")
    if not path.is_file():
        raise SavedFileError(f"{path} is a pipe or a device; name an ordinary file.")
    try:
        # Opened here, because np.load leaves a damaged file open.
        with path.open("rb") as opened:
            check_archive(path, opened, what, remedy)
            with np.load(opened, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
    except SavedFileError:
        raise
    except Exception as why:  # a damaged file can make np.load raise about anything
        raise SavedFileError(
            f"{path} is damaged or not a {what} ({why}). {remedy}"
        ) from None


def read_json(text: NDArray[Any] | None) -> Any:
    """Return what the text in a file says; the text itself if it is no JSON."""
    try:
        return json.loads(str(text))
    except (ValueError, RecursionError):
        return str(text)[:60]


def check_folder(path: Path) -> None:
    """Raise `SavedFileError` unless the folder that a file will go to is there."""
    if not path.parent.is_dir():
        raise SavedFileError(f"{path}: there is no folder {path.parent}; make it.")


def check_archive(path: Path, opened: BinaryIO, what: str, remedy: str) -> None:
    """Raise `SavedFileError` for what is no archive, or is damaged or compressed."""
    import zipfile  # it wants threads, which a browser has not

    if not zipfile.is_zipfile(opened):
        raise SavedFileError(f"{path} is not a {what}, or only a part of one. {remedy}")
    packed = os.fstat(opened.fileno()).st_size
    with zipfile.ZipFile(opened) as archive:
        unpacked = sum(unpacked_size(archive, member) for member in archive.infolist())
        if unpacked > packed:  # `save` never compresses: this is no file of ours
            raise SavedFileError(
                f"{path} is not a {what}: its {packed:,} bytes would unpack to "
                f"{unpacked:,}."
            )
        spoiled = archive.testzip()  # np.load does not see it if it reads only a part
        if spoiled is not None:
            raise SavedFileError(f"{path} is damaged (in {spoiled}). {remedy}")
    opened.seek(0)


def unpacked_size(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Return how many bytes a member of an archive says that its array will take.

    An axis or an entry without a length counts as one long: 2⁶² entries of nothing
    take no memory, but whoever goes through them is not done in a lifetime.
    """
    with archive.open(member) as file:
        first = npy.read_magic(file) == (1, 0)
        read = npy.read_array_header_1_0 if first else npy.read_array_header_2_0
        shape, _, dtype = read(file)
    claimed = prod(max(n, 1) for n in shape) * max(dtype.itemsize, 1)
    return max(member.file_size, claimed)


def check_savable(path: Path, arrays: Mapping[str, Array]) -> None:
    """Raise `SavedFileError` if what is to be written could not be read again."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise SavedFileError(
                f"{path} is not written: {name} holds NaN or infinity. A network that "
                f"a training spoiled is of no use; build a new one."
            )


def check_saved(path: Path, name: str, array: NDArray[Any] | None, W: Array) -> None:
    """Raise `SavedFileError` unless a saved array can take the place of W."""
    if array is None or array.shape != W.shape:
        raise SavedFileError(f"{path}: {name} is missing or misshapen.")
    with np.errstate(over="ignore", invalid="ignore"):
        usable = array.dtype.kind == "f" and np.isfinite(array.astype(W.dtype)).all()
    if not usable:
        raise SavedFileError(
            f"{path}: {name} does not hold finite floating-point numbers only; a "
            f"network that a training spoiled cannot be used again."
        )
