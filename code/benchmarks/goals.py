"""What was to be reached, beside what was: the ratios that the project promises."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.races import (
    ONE_BY_ONE,
    OURS,
    PRODUCTS,
    PYTORCH,
    SCIKIT_LEARN,
    RaceResult,
)
from benchmarks.results import Results
from benchmarks.timing import Spread, ratio, spread

# The race (by the beginning of its name), against whom, and the largest ratio.
RATIOS = (
    ("784-100-10, batch 128", PYTORCH, 0.55),
    ("784-100-10, batch 128", SCIKIT_LEARN, 0.7),
    ("784-100-10, batch 128", ONE_BY_ONE, 1 / 22),
    ("784-100-10, batch 128", PRODUCTS, 1.5),
    ("784-300-100-10, batch 128", PYTORCH, 0.75),
    ("784-1024-1024-10, batch 128", PYTORCH, 0.95),
    ("small CNN", PYTORCH, 2.0),
    ("convolution", PRODUCTS, 1.8),
)
MEMORY_MB, IMPORT_SECONDS = 20.0, 0.3


@dataclass(frozen=True)
class Goal:
    """A goal and how far the run came.

    Attributes
    ----------
    what : str
        What was measured, with its unit.
    measured : Spread or None
        Less is better; None if it was not measured.
    at_most : float
        The goal.
    """

    what: str
    measured: Spread | None
    at_most: float

    @property
    def verdict(self) -> str:
        """Whether the median reaches the goal."""
        if self.measured is None:
            return "not measured"
        return "yes" if self.measured.median <= self.at_most else "no"


def goals(results: Results) -> list[Goal]:
    """Return all goals with what the run measured.

    Parameters
    ----------
    results : Results
        Of a run.

    Returns
    -------
    list of Goal
        Ratios first, then memory and import.
    """
    footprint = results.footprint
    found = [
        Goal(f"{start}: this library / {peer}", ratio_in(results, start, peer), limit)
        for start, peer, limit in RATIOS
    ]
    memory = (
        ("allocated", footprint.allocated_MB),
        ("resident", footprint.resident_MB),
    )
    found += [
        Goal(
            f"memory in training above network and data, {how}, MB",
            None if peak is None else Spread(peak, peak, peak),
            MEMORY_MB,
        )
        for how, peak in memory
    ]
    import_time = spread(footprint.import_seconds)
    found.append(Goal("import beyond NumPy's, seconds", import_time, IMPORT_SECONDS))
    return found


def ratio_in(results: Results, start: str, peer: str) -> Spread | None:
    """Return our seconds over a peer's in the race whose name starts so."""
    for race in results.races:
        if race.name.startswith(start):
            return ratio_to(race, peer)
    return None


def ratio_to(race: RaceResult, peer: str) -> Spread | None:
    """Return our seconds over a peer's, None if the peer did not run."""
    if peer not in race.seconds:
        return None
    return ratio(race.seconds[OURS], race.seconds[peer])
