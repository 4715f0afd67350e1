"""A whole run: all races, one file of results, the report and the figure."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import numpy as np
from backprop import Dataset, load_mnist

from benchmarks.footprint import measure_footprint
from benchmarks.layer_race import convolution_race
from benchmarks.machine import describe
from benchmarks.races import missing, races, run_race
from benchmarks.report import report, save_figure
from benchmarks.results import Results, read_results, write_results
from benchmarks.scaling import measure_growth
from benchmarks.threads import pin_libraries
from benchmarks.to_accuracy import race_to_accuracy

HERE = Path(__file__).parent
FULL, QUICK = HERE / "results", HERE.parents[1] / "_build" / "benchmarks"


def run(quick: bool) -> None:
    """Measure everything, write it, and print the report.

    Parameters
    ----------
    quick : bool
        A minute instead of ten; its results go to ``_build/benchmarks``, so that they
        never take the place of real ones.
    """
    folder = QUICK if quick else FULL
    folder.mkdir(parents=True, exist_ok=True)
    write_results(folder / "speed.json", measure(quick))
    results = read_results(folder / "speed.json")
    (folder / "speed.md").write_text(report(results), encoding="utf-8")
    save_figure(results, folder)
    print("\n" + report(results))


def measure(quick: bool) -> Results:
    """Run all races and measurements, saying what is at work."""
    start = perf_counter()

    def say(what: str) -> None:
        print(f"{perf_counter() - start:5.0f} s  {what}", flush=True)

    say("looking who is here")
    digits = load_mnist()
    left_out = missing(quick)
    pin_libraries()
    machine = describe()
    print(f"         threads: {machine['thread_pools']}")
    found = []
    for race in races(quick):
        say(f"{race.name}: {race.rounds} rounds of {race.images:,} images")
        enough = repeated(digits.train, race.images)
        found.append(run_race(race, enough, left_out))
    say("a convolution layer alone")
    found.append(convolution_race(quick))
    say("seconds to 98 %")
    finish = race_to_accuracy(digits, left_out, quick)
    say("memory and import")
    footprint = measure_footprint(quick)
    say("width, depth and batch size")
    growth = measure_growth(quick)
    say("done")
    return Results(
        machine,
        quick,
        digits.description,
        left_out,
        found,
        finish,
        footprint,
        growth,
    )


def repeated(data: Dataset, n: int) -> Dataset:
    """Return n examples, those of a smaller data set again and again.

    Examples
    --------
    >>> data = Dataset(np.eye(2), np.array([0, 1]))
    >>> repeated(data, 5).targets
    array([0, 1, 0, 1, 0])
    """
    return data[np.arange(n) % len(data)]
