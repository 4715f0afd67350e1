"""Each chapter's cells run, in order, on the embedded digits.

The build runs them in a notebook; this is the same without one, in seconds.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from chapter_source import Chapter
from run_cells import run
from the_book import ROOT, documents

RUNNER = Path(__file__).with_name("run_cells.py")
LONGEST = 120


@pytest.mark.skipif("CI" in os.environ, reason="the build has run them, in notebooks")
@pytest.mark.parametrize("document", documents())
def test_cells_run(document, tmp_path):
    chosen = {
        "MNIST_SOURCE": "embedded",
        "MPLBACKEND": "agg",
        "OPENBLAS_NUM_THREADS": "1",  # small products lose by more, on a busy machine
    }
    done = subprocess.run(
        [sys.executable, RUNNER, ROOT / f"{document}.md"],
        cwd=tmp_path,
        env=os.environ | chosen,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    if done.returncode:
        pytest.fail(f"{document}.md does not run:\n{done.stderr}", pytrace=False)
    left = [file.name for file in tmp_path.iterdir()]
    assert not left, f"{document}.md leaves files behind: {left}"


def chapter_with(*cells: str) -> Chapter:
    """Return a made-up chapter of these cells."""
    return Chapter("x.md", "\n".join(f"```{{code-cell}}\n{c}\n```" for c in cells))


def test_cells_share_their_names_and_errors_come_through():
    run(chapter_with("x = 1", "assert x == 1"))
    with pytest.raises(ZeroDivisionError):
        run(chapter_with("x = 1", "x / 0"))


def test_an_error_that_is_meant_must_happen():
    run(chapter_with(":tags: [raises-exception]\n1 / 0"))
    with pytest.raises(AssertionError, match=r"x\.md:1: nothing raised"):
        run(chapter_with(":tags: [raises-exception]\n1 / 1"))
