"""A book that was built once for each file of tests."""

from collections.abc import Iterator
from pathlib import Path

import cut_down
import pytest


@pytest.fixture(scope="session", autouse=True)
def forge() -> Iterator[None]:
    """End what forks builds when no test needs it any more."""
    yield
    cut_down.close_forge()


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Return the folder of a book built once; its name has blanks and an umlaut."""
    folder = cut_down.make(tmp_path_factory.mktemp("book") / "Bücher, two  blanks")
    code, said = cut_down.build(folder)
    assert code == 0, said + cut_down.log_of(folder)
    return folder


@pytest.fixture
def book(root: Path) -> Iterator[Path]:
    """Return the book; what a test changes is as before when it has ended."""
    kept = {path: path.read_bytes() for path in cut_down.sources(root)}
    yield root
    for path in cut_down.sources(root):
        if path not in kept:
            path.unlink()
    for path, data in kept.items():
        if not path.is_file() or path.read_bytes() != data:
            path.write_bytes(data)
