"""The report of a run: tables in Markdown, and a figure of the ratios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from backprop.plots import benchmark_bars, use_book_style
from matplotlib.figure import Figure

from benchmarks.goals import goals
from benchmarks.races import (
    AUTOGRAD,
    COMPILED,
    ONE_BY_ONE,
    OURS,
    PRODUCTS,
    PYTORCH,
    SCIKIT_LEARN,
    RaceResult,
)
from benchmarks.results import Results
from benchmarks.timing import Spread, ratio, spread
from benchmarks.to_accuracy import EPOCHS, SETTINGS, TARGET, WIDTHS, Finish

CONTESTANTS = (
    OURS,
    PYTORCH,
    COMPILED,
    SCIKIT_LEARN,
    AUTOGRAD,
    ONE_BY_ONE,
    PRODUCTS,
)
IN_THE_FIGURE = (PYTORCH, SCIKIT_LEARN, PRODUCTS)


def report(results: Results) -> str:
    """Return the whole report in Markdown.

    Parameters
    ----------
    results : Results
        Of a run.

    Returns
    -------
    str
        Goals, seconds by race, seconds to 98 %, growth, and who was left out.
    """
    parts = [
        "# Speed beside peers",
        heading(results),
        "## Goals\n\nThe median, with the quartiles in brackets; less is better.",
        goals_table(results),
        "## Seconds for an epoch of 60,000 images\n\n"
        "Measured on fewer images and scaled, the contestants by turns; the median, "
        "with the quartiles in brackets.",
        seconds_table(results.races),
        "## As multiples of this library's time",
        ratios_table(results.races),
        "## Agreement before the start\n\n"
        "Relative error of loss and gradient against this library's, at the same "
        "weights and batch, the largest of all races (one by one: against the library "
        "with sigmoid, squared error and float64).",
        agreement_table(results.races),
        f"## Seconds to {TARGET:.0%} of the test images right",
        finish_text(results.to_accuracy),
        "## How the cost of a step grows",
        growth_table(results),
        ways_and_absences(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def heading(results: Results) -> str:
    """Return what was measured where, when and with what."""
    machine = results.machine
    versions = ", ".join(
        f"{name} {number}" for name, number in machine["versions"].items() if number
    )
    pools = "; ".join(
        " ".join(
            str(pool[key])
            for key in ("internal_api", "version", "architecture")
            if key in pool
        )
        + f" with {pool['num_threads']} thread"
        + ("" if pool["num_threads"] == 1 else "s")
        for pool in machine["thread_pools"]
    )
    quick = "**A quick run: its numbers are worth little.** " if results.quick else ""
    size = "unknown" if machine["memory_GB"] is None else f"{machine['memory_GB']} GB"
    return (
        f"{quick}{machine['date']}; {machine['processor']}, cores: {machine['cores']}, "
        f"memory: {size}; {machine['system']}; Python {machine['python']}, {versions}; "
        f"{pools}; commit {machine['commit'] or 'unknown'}. Data: {results.data}."
    )


def goals_table(results: Results) -> str:
    """Return the goals beside what was measured."""
    rows = [
        (
            goal.what,
            in_brackets(goal.measured),
            f"≤ {short(goal.at_most)}",
            goal.verdict,
        )
        for goal in goals(results)
    ]
    return table(("what", "measured", "goal", "met"), rows)


def seconds_table(races: Sequence[RaceResult]) -> str:
    """Return the seconds of everybody in every race."""
    rows = [
        (
            race.name,
            *(
                in_brackets(
                    spread(race.seconds[name]) if name in race.seconds else None
                )
                for name in CONTESTANTS
            ),
        )
        for race in races
    ]
    return table(("race", *CONTESTANTS), rows)


def ratios_table(races: Sequence[RaceResult]) -> str:
    """Return everybody's time over ours, each taken within a round."""
    rows = [
        (
            race.name,
            *(
                in_brackets(
                    ratio(race.seconds[name], race.seconds[OURS])
                    if name in race.seconds
                    else None
                )
                for name in CONTESTANTS[1:]
            ),
        )
        for race in races
    ]
    return table(("race", *CONTESTANTS[1:]), rows)


def agreement_table(races: Sequence[RaceResult]) -> str:
    """Return the largest error of each contestant."""
    errors: dict[str, float] = {}
    for race in races:
        for name, error in race.disagreement.items():
            errors[name] = max(error, errors.get(name, 0.0))
    return table(
        ("contestant", "error"), [(n, f"{error:.0e}") for n, error in errors.items()]
    )


def finish_text(finish: Finish) -> str:
    """Return the seconds to the target, or why there are none."""
    if finish.skipped:
        return f"Skipped: {finish.skipped}."
    rows = [
        (
            name,
            ", ".join("never" if s is None else short(s) for s in seconds),
            ", ".join(str(epoch or "never") for epoch in finish.epochs[name]),
        )
        for name, seconds in finish.seconds.items()
    ]
    return (
        f"{'-'.join(map(str, WIDTHS))} from the same weights on the same mini-batches "
        f"(batch {SETTINGS.batch_size}, rate {SETTINGS.learning_rate} falling to 0 in "
        f"{EPOCHS} epochs, momentum {SETTINGS.momentum}), looked at after each epoch; "
        f"a number for each seed.\n\n"
        + table(("contestant", "seconds", "epochs"), rows)
    )


def growth_table(results: Results) -> str:
    """Return the power laws."""
    rows = [
        (
            series.what,
            f"{series.sizes[0]} to {series.sizes[-1]}",
            " ".join(short(1e3 * second) for second in series.seconds),
            f"{series.exponent:.2f}",
            f"{series.last:.2f}",
        )
        for series in results.growth
    ]
    columns = ("what grows", "sizes", "milliseconds", "exponent", "at the end")
    return table(columns, rows)


def ways_and_absences(results: Results) -> str:
    """Return who was left out, and which of several ways the others took."""
    lines = [f"- {name} is left out: {why}." for name, why in results.left_out.items()]
    lines += [
        f"- {race.name}: {name}, {way}."
        for race in results.races
        for name, way in race.notes.items()
    ]
    return "## Who ran how\n\n" + "\n".join(lines) if lines else ""


def figure(results: Results) -> Figure | None:
    """Return a chart of the peers' times over ours; None if no peer ran."""
    use_book_style()
    tasks = {
        race.name: {
            name: np.divide(race.seconds[name], race.seconds[OURS])
            for name in IN_THE_FIGURE
            if name in race.seconds
        }
        for race in results.races
    }
    tasks = {name: entries for name, entries in tasks.items() if entries}
    if not tasks:
        return None
    return benchmark_bars(tasks, "times as long as this library", reference=1.0)


def save_figure(results: Results, folder: Path) -> None:
    """Draw the chart into a folder, as SVG and as PDF."""
    chart = figure(results)
    if chart is None:
        return
    for kind in ("svg", "pdf"):
        # Without a date, the same numbers give the same file.
        undated = {"Date" if kind == "svg" else "CreationDate": None}
        chart.savefig(folder / f"speed.{kind}", metadata=undated)


def in_brackets(measured: Spread | None) -> str:
    """Return the median with the quartiles in brackets, – for nothing.

    Examples
    --------
    >>> in_brackets(Spread(0.5, 0.25, 12.345)), in_brackets(None)
    ('0.5 (0.25–12.3)', '–')
    """
    if measured is None:
        return "–"
    low, high = short(measured.lower), short(measured.upper)
    if low == high:
        return short(measured.median)
    return f"{short(measured.median)} ({low}–{high})"


def short(number: float) -> str:
    """Return a number with three significant digits.

    Examples
    --------
    >>> short(0.0454545), short(12.345), short(1234.5)
    ('0.0455', '12.3', '1,234')
    """
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown.

    Examples
    --------
    >>> print(table(("a", "b"), [("1", "2")]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
