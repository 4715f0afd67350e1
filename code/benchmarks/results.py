"""What a run found, in one record that goes into a file and comes back the same."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.footprint import Footprint
from benchmarks.races import RaceResult
from benchmarks.scaling import Growth
from benchmarks.to_accuracy import Finish


@dataclass(frozen=True)
class Results:
    """Everything that a run measured.

    Attributes
    ----------
    machine : dict
        As `benchmarks.machine.describe` says.
    quick : bool
        Whether it was a quick run, whose numbers are worth little.
    data : str
        Which digits were learned from.
    left_out : dict of name to str
        Who did not take part, and why.
    races : list of RaceResult
        Networks first, the convolution layer last.
    to_accuracy : Finish
        Seconds to 98 %.
    footprint : Footprint
        Memory and import.
    growth : list of Growth
        Cost against width, depth and batch size.
    """

    machine: dict[str, Any]
    quick: bool
    data: str
    left_out: dict[str, str]
    races: list[RaceResult]
    to_accuracy: Finish
    footprint: Footprint
    growth: list[Growth]


def write_results(path: Path, results: Results) -> None:
    """Write results as JSON; the folder has to exist."""
    text = json.dumps(asdict(results), indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_results(path: Path) -> Results:
    """Read what `write_results` wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return Results(
        **{
            **found,
            "races": [RaceResult(**race) for race in found["races"]],
            "to_accuracy": Finish(**found["to_accuracy"]),
            "footprint": Footprint(**found["footprint"]),
            "growth": [Growth(**series) for series in found["growth"]],
        }
    )
