"""Time in rounds: everybody runs in every round, so that a slow moment hits all.

On a machine that other programs use, two medians taken one after the other compare two
moments. A ratio taken within a round compares two contestants at nearly the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """The middle of some measurements, and where the middle half of them lies.

    Attributes
    ----------
    median, lower, upper : float
        The median and the two quartiles.
    """

    median: float
    lower: float
    upper: float


def spread(values: Sequence[float]) -> Spread:
    """Return median and quartiles of at least one number.

    Examples
    --------
    >>> spread([1.0, 2.0, 3.0, 4.0, 5.0])
    Spread(median=3.0, lower=2.0, upper=4.0)
    """
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    return Spread(float(median), float(lower), float(upper))


def interleaved(
    runs: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """Run everybody once a round, in an order that rotates.

    Parameters
    ----------
    runs : mapping of name to function
        Each runs a contestant and returns its seconds.
    rounds : int
        How many are counted; one more goes before them to warm up.

    Returns
    -------
    dict of name to list of float
        Seconds by round: what stands at the same place was measured side by side.

    Examples
    --------
    >>> order = []
    >>> runs = {name: lambda name=name: order.append(name) or 1.0 for name in "ABC"}
    >>> interleaved(runs, rounds=2)
    {'A': [1.0, 1.0], 'B': [1.0, 1.0], 'C': [1.0, 1.0]}
    >>> "".join(order)
    'ABCABCBCA'
    """
    names = list(runs)
    for name in names:
        runs[name]()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(runs[name]())
    return seconds


def ratio(seconds: Sequence[float], others: Sequence[float]) -> Spread:
    """Return the spread of the ratios, each taken within one round.

    Examples
    --------
    >>> ratio([1.0, 3.0, 1.0], [2.0, 6.0, 4.0]).median
    0.5
    """
    return spread([mine / theirs for mine, theirs in zip(seconds, others, strict=True)])


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return p of the power law seconds = c · sizeᵖ: least squares of the logarithms.

    Examples
    --------
    >>> round(exponent([1, 2, 4, 8], [3.0, 12.0, 48.0, 192.0]), 6)
    2.0
    """
    slope, _ = np.polyfit(np.log(sizes), np.log(seconds), 1)
    return float(slope)
