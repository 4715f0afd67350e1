"""A build that is interrupted anywhere, and made again, is what a clean one is."""

import os
import random
import signal
import time
from pathlib import Path

import cut_down

MOMENTS = 20 if "CI" in os.environ else 5


def in_state(root: Path, state: int) -> None:
    """Write one of two states of the book; nearly every page shows which it is."""
    first, second = (root / "chapters" / n for n in ("01-first.md", "02-second.md"))
    first.write_text(cut_down.FIRST.replace("Dense(3, 2)", f"Dense({3 + state}, 2)"))
    if state:
        second.write_text(
            cut_down.SECOND.replace("# Second", "# Another\n\n$$x$$ (eq-x)")
        )
    else:
        second.write_text(cut_down.SECOND)


def test_interrupted_anywhere_and_built_again_it_equals_a_clean_build(book):
    """Also at the moment itself: the site is one of the two, never a part of both.

    Builds are forked, so that no moment falls where there is nothing to interrupt yet;
    and few after the end, as the last one tells how long one takes.
    """
    clean = {}
    for state in (0, 1):
        in_state(book, state)
        began = time.monotonic()
        clean[state] = cut_down.clean_tree(book)
        took = time.monotonic() - began
    assert cut_down.differences(clean[0], clean[1])
    chance = random.Random(15)
    for moment in range(MOMENTS):
        state = moment % 2
        in_state(book, state)
        process = cut_down.Forked(book)
        time.sleep(chance.uniform(0, 0.8 * took))
        if chance.random() < 0.5:
            os.killpg(process.pid, signal.SIGINT)
        else:
            os.kill(process.pid, signal.SIGKILL)
        process.end()
        seen = cut_down.tree(book)
        assert seen in clean.values(), f"at moment {moment} the site is of two states"
        began = time.monotonic()
        cut_down.built(book)
        took = time.monotonic() - began
        found = cut_down.differences(cut_down.tree(book), clean[state])
        assert not found, f"after moment {moment}"
