"""The four files of MNIST: which they are, and what is in them.

A file counts only with the checksum that is pinned here, and what was digested is what
is parsed. No more is unpacked than a file of MNIST holds.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backprop.errors import DataError

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
TRAINING_IMAGES = "train-images-idx3-ubyte.gz"
TRAINING_LABELS = "train-labels-idx1-ubyte.gz"
TEST_IMAGES = "t10k-images-idx3-ubyte.gz"
TEST_LABELS = "t10k-labels-idx1-ubyte.gz"
CHECKSUMS = {  # SHA-256
    TRAINING_IMAGES: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    TRAINING_LABELS: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    TEST_IMAGES: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    TEST_LABELS: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
LARGEST = 60_000 * 28 * 28  # bytes; no file of MNIST holds more
LARGEST_PACKED = 10_000_000  # bytes; nor is one longer on the disk


def read_packed(path: Path) -> bytes:
    """Return the bytes of a file; of the four in `CHECKSUMS`, only the right ones.

    Parameters
    ----------
    path : Path
        An ordinary file: reading a pipe or a device might never end.

    Raises
    ------
    DataError
        If it cannot be read, is too long, or has not the checksum of its name.
    """
    try:
        if path.exists() and not path.is_file():
            raise OSError(0, "it is a folder, a pipe or a device")
        with path.open("rb") as file:
            length = os.fstat(file.fileno()).st_size
            packed = file.read(length) if length <= LARGEST_PACKED else b""
    except (OSError, ValueError) as why:  # a ValueError: the path holds a zero byte
        raise DataError(
            f"{path}: expected a file of MNIST, found that it cannot be read "
            f"({getattr(why, 'strerror', why)}). {remedy(path)}"
        ) from None
    if length > LARGEST_PACKED:
        raise DataError(
            f"{path}: expected at most {LARGEST_PACKED:,} bytes, found {length:,}; "
            f"this is not the original file. {remedy(path)}"
        )
    found = hashlib.sha256(packed).hexdigest()
    if found != CHECKSUMS.get(path.name, found):
        raise DataError(
            f"{path}: expected the SHA-256 checksum {CHECKSUMS[path.name]}, found "
            f"{found}; this is not the original file. {remedy(path)}"
        )
    return packed


def is_verified(path: Path) -> bool:
    """Tell whether the file is there and has the pinned checksum."""
    try:
        read_packed(path)
    except DataError:
        return False
    return True


def remedy(path: Path) -> str:
    """Return the sentence that says what to do about a wrong file."""
    address = f"{MIRRORS[0]}{path.name}, " if path.name in CHECKSUMS else ""
    return (
        f"Replace it by the original, {address}or unset MNIST_DIR to have it "
        f"downloaded."
    )


def scale(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pixels from 0 to 255 as float32 from 0 to 1."""
    return np.divide(pixels, 255, dtype=np.float32)


def read_images(path: Path, count: int) -> NDArray[np.uint8]:
    """Read a file of images.

    Parameters
    ----------
    path : Path
        A gzip'd IDX file of bytes in three dimensions.
    count : int
        How many images there must be.

    Returns
    -------
    uint8 array (count, 784)
        Pixels, 0 to 255.

    Raises
    ------
    DataError
        If the file is damaged or holds something else.
    """
    images = read_idx(path, dimensions=3)
    if images.shape != (count, 28, 28):
        raise DataError(
            f"{path}: expected {count:,} images of 28 × 28 pixels, found "
            f"{len(images):,} of {images.shape[1]} × {images.shape[2]}. {remedy(path)}"
        )
    return images.reshape(count, 784)


def read_labels(path: Path, count: int) -> NDArray[np.intp]:
    """Read a file of labels.

    Parameters
    ----------
    path : Path
        A gzip'd IDX file of bytes in one dimension.
    count : int
        How many labels there must be.

    Returns
    -------
    integer array (count,)
        Digits, 0 to 9.

    Raises
    ------
    DataError
        If the file is damaged or holds something else.
    """
    labels = read_idx(path, dimensions=1)
    if len(labels) != count:
        raise DataError(
            f"{path}: expected {count:,} labels, found {len(labels):,}. {remedy(path)}"
        )
    if labels.max(initial=0) > 9:
        raise DataError(
            f"{path}: expected labels from 0 to 9, found {labels.max()} at place "
            f"{labels.argmax()}. {remedy(path)}"
        )
    return labels.astype(np.intp)


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read a gzip'd IDX file of unsigned bytes.

    IDX is a header of big-endian 32-bit numbers, then the bytes: the magic number
    0x0800 + the number of dimensions, and the size of each dimension.

    Parameters
    ----------
    path : Path
        The file.
    dimensions : int
        How many there must be: 3 for images, 1 for labels.

    Returns
    -------
    uint8 array
        Of the shape that the header says; it shares the memory of the bytes read.

    Raises
    ------
    DataError
        If the file cannot be unpacked, is of another kind, or does not hold as many
        bytes as its header promises. No more is unpacked than a file of MNIST holds.
    """
    try:
        with gzip.open(io.BytesIO(read_packed(path))) as file:
            shape = read_header(path, file.read(4 + 4 * dimensions), dimensions)
            content = file.read(prod(shape) + 1)
    except (OSError, EOFError, zlib.error) as why:
        raise DataError(
            f"{path}: expected a whole gzip file, found a truncated or damaged one "
            f"({why}). {remedy(path)}"
        ) from None
    if len(content) != prod(shape):
        found = "more" if len(content) > prod(shape) else f"{len(content):,}"
        raise DataError(
            f"{path}: expected {prod(shape):,} bytes after the header, because it "
            f"says {' × '.join(map(str, shape))}, found {found}. {remedy(path)}"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def read_header(path: Path, header: bytes, dimensions: int) -> list[int]:
    """Return the shape that an IDX header promises, or raise `DataError`."""
    if len(header) < 4 + 4 * dimensions:
        raise DataError(
            f"{path}: expected a header of {4 + 4 * dimensions} bytes, found "
            f"{len(header)} bytes in all. {remedy(path)}"
        )
    magic, *shape = (int(number) for number in np.frombuffer(header, ">u4"))
    if magic != 0x0800 + dimensions:
        raise DataError(
            f"{path}: expected the magic number {0x0800 + dimensions} (bytes in "
            f"{dimensions} dimensions), found {magic}. {remedy(path)}"
        )
    if prod(shape) > LARGEST:
        raise DataError(
            f"{path}: expected at most {LARGEST:,} bytes after the header, found that "
            f"it promises {' × '.join(map(str, shape))}. {remedy(path)}"
        )
    return shape
