"""How the cost of training grows with width, depth and batch size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from backprop import Dataset
from backprop.book.recipes import mlp

from benchmarks.contestants import Settings
from benchmarks.contestants.ours import Ours
from benchmarks.timing import exponent, interleaved

Sizes = tuple[int, ...]
WIDTHS: Sizes = (64, 128, 256, 512, 1024, 2048)
DEPTHS: Sizes = (1, 2, 4, 8, 16)
BATCHES: Sizes = (8, 16, 32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True)
class Growth:
    """The seconds of a step at several sizes, and the power law through them.

    Attributes
    ----------
    what : str
        What grows, and on which network.
    sizes : list of int
        Its sizes.
    seconds : list of float
        Median seconds of a step at each.
    exponent : float
        p of seconds = c · sizeᵖ, by least squares over all sizes.
    last : float
        p between the two largest sizes alone, where fixed costs count least.
    """

    what: str
    sizes: list[int]
    seconds: list[float]
    exponent: float
    last: float


def measure_growth(quick: bool) -> list[Growth]:
    """Measure the three series; a quick run goes only half as far."""
    widths, depths, batches = WIDTHS, DEPTHS, BATCHES
    if quick:
        widths, depths, batches = widths[:3], depths[:3], batches[:4]
    return [
        growth(
            "width w of w-w-w-10, batch 128",
            {width: runner((width,) * 3, 128, 5) for width in widths},
            quick,
        ),
        growth(
            "number of hidden layers, 256 wide, batch 128",
            {depth: runner((256,) * (depth + 1), 128, 5) for depth in depths},
            quick,
        ),
        growth(
            "batch size, 784-100-10",
            {batch: runner((784, 100), batch, 10) for batch in batches},
            quick,
        ),
    ]


def runner(widths: Sizes, batch_size: int, steps: int) -> Ours:
    """Return the library with a network of these widths and 10 outputs."""
    rng = np.random.default_rng(0)
    n = batch_size * steps
    images = rng.random((n, widths[0]), dtype=np.float32)
    data = Dataset(images, rng.integers(0, 10, n))
    return Ours(mlp(*widths, 10, seed=0), data, Settings(batch_size))


def growth(what: str, runners: dict[int, Ours], quick: bool) -> Growth:
    """Time one series, all sizes in every round."""
    runs = {str(size): contestant.epoch for size, contestant in runners.items()}
    measured = interleaved(runs, rounds=3 if quick else 9)
    seconds = [
        float(np.median(measured[str(size)]))
        * contestant.batch_size
        / len(contestant.data)
        for size, contestant in runners.items()
    ]
    sizes = list(runners)
    return Growth(
        what,
        sizes,
        seconds,
        exponent(sizes, seconds),
        exponent(sizes[-2:], seconds[-2:]),
    )
