"""Figures that compare: settings of a sweep, contestants, published errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import (
    LogLocator,
    NullFormatter,
)
from numpy.typing import ArrayLike, NDArray

from backprop.errors import InputError
from backprop.plots.style import (
    BLUE,
    COLORS,
    GRAY,
    HATCHES,
    INK,
    LETTERS,
    VERMILION,
    WIDTH,
    check_few,
    check_some,
    checked,
    names_above,
)


def heat_map(
    means: ArrayLike,
    columns: Sequence[object],
    rows: Sequence[object],
    x_label: str,
    y_label: str,
    title: str,
    spreads: ArrayLike | None = None,
    works_from: float | None = None,
    decimals: int = 1,
) -> Figure:
    """Show the outcome of a sweep over two settings, a cell with its number for each.

    Parameters
    ----------
    means : array (rows, columns)
        ``means[i, j]`` belongs to ``rows[i]`` and ``columns[j]``; the higher, the
        darker, from the lower quartile up: one that failed must not make all others
        look alike. NaN, where there is no number, is a hatched cell with a dash.
    columns, rows : sequences
        The two settings, from the left and from the bottom; at most ten columns.
    x_label, y_label : str
        What the settings are, with units.
    title : str
        What the numbers are, with units: "validation accuracy (%), mean of 3 seeds".
    spreads : array (rows, columns), optional
        Written below each mean after ±; the title should say what it is.
    works_from : float, optional
        Cells with at least this mean, as it is written, are outlined.
    decimals : int, optional
        Digits after the point.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If shapes do not fit, a number is infinite, all are NaN, a spread is missing or
        negative, or there are more columns than numbers fit into.

    Examples
    --------
    >>> figure = heat_map([[91.2, 95.1], [94.0, 10.3]], columns=[32, 128],
    ...                   rows=[0.1, 1.0], x_label="batch size",
    ...                   y_label="learning rate", title="accuracy (%)",
    ...                   works_from=94)
    """
    shape = (len(rows), len(columns))
    check_some("heat_map", "cells", min(shape))
    absent = np.isnan(np.asarray(means, dtype=float))
    means = checked_cells("means", means, shape, absent)
    texts = [[f"{mean:.{decimals}f}" for mean in row] for row in means]
    if spreads is not None:
        spreads = checked_cells("spreads", spreads, shape, absent)
        if spreads.min() < 0:
            raise InputError(
                f"heat_map: spreads must be at least 0, but one is "
                f"{spreads.min():.3g}. Swap the ends of the difference."
            )
        texts = [
            [
                f"{text}\n±{spread:.{decimals}f}"
                for text, spread in zip(*row, strict=True)
            ]
            for row in zip(texts, spreads, strict=True)
        ]
    check_few("heat_map", "columns", len(columns), 10, "Swap rows and columns.")
    tall = (0.34 if spreads is None else 0.46) * len(rows)
    figure = Figure(figsize=(WIDTH, tall + (1.1 if works_from is None else 1.3)))
    ax = figure.subplots()
    shown = ax.imshow(
        np.ma.array(means, mask=absent),
        cmap="Blues",
        vmin=np.quantile(means[~absent], 0.25),
        origin="lower",
        aspect="auto",
    )
    shades = np.asarray(shown.cmap(shown.norm(means)))  # (rows, columns, 4)
    for i, j in np.ndindex(shape):
        if absent[i, j]:
            draw_absent(ax, i, j)
            continue
        color = "white" if luminance(shades[i, j]) < 0.18 else "black"
        ax.text(j, i, texts[i][j], ha="center", va="center", fontsize=9, color=color)
    if works_from is not None:
        outline(ax, ~absent & (means.round(decimals) >= works_from))
        title += f"\noutlined: {works_from:g} and more"
    ax.set_title(title, loc="left")
    ax.set(xlabel=x_label, ylabel=y_label)
    ax.set_xticks(range(len(columns)), [str(value) for value in columns])
    ax.set_yticks(range(len(rows)), [str(value) for value in rows])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return figure


def checked_cells(
    name: str,
    values: ArrayLike,
    shape: tuple[int, int],
    absent: NDArray[np.bool_],
) -> NDArray[np.floating]:
    """Return a number for each cell, 0 where there is none."""
    array = np.array(values, dtype=float)
    if array.shape == absent.shape and not absent.all():
        array[absent] = 0
    return checked("heat_map", name, array, shape)


def draw_absent(ax: Axes, row: int, column: int) -> None:
    """Draw a cell of a heat map that has no number."""
    corner = (column - 0.5, row - 0.5)
    ax.add_patch(Rectangle(corner, 1, 1, fc="white", ec=GRAY, hatch="///", lw=0))
    ax.text(
        column,
        row,
        "–",
        ha="center",
        va="center",
        bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none"},
    )


def luminance(color: NDArray[np.floating]) -> float:
    """Return how light a color is, from 0 to 1, as WCAG 2 defines it.

    On what is darker than 0.18 white is easier to read, on the rest black; the
    contrast is then at least 4.5 to 1.
    """
    parts = color[:3]
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def outline(ax: Axes, cells: NDArray[np.bool_]) -> None:
    """Draw a line around the true cells (rows, columns) of a heat map."""
    inside = np.pad(cells, 1)
    sides = []
    for i, j in np.argwhere(cells):
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            if not inside[i + 1 + down, j + 1 + right]:
                middle = np.array([j + right / 2, i + down / 2])
                along = np.array([down, right]) / 2
                sides.append([middle - along, middle + along])
    lines = LineCollection(sides, colors=VERMILION, lw=2.5, capstyle="round")
    lines.set_clip_on(False)  # at the margin, half of the line is outside
    lines.set_path_effects([Stroke(linewidth=4.5, foreground="white"), Normal()])
    ax.add_collection(lines, autolim=False)


def benchmark_bars(
    tasks: Mapping[str, Mapping[str, ArrayLike]],
    x_label: str,
    reference: float | None = None,
) -> Figure:
    """Compare the speed of contestants at several tasks on a logarithmic axis.

    A bar ends at the median of the runs, where its number stands; the whisker reaches
    from the least to the largest. Of a logarithmic axis the ends are to be read: how
    long a bar is depends on where the axis begins.

    Parameters
    ----------
    tasks : mapping of task to mapping of contestant to array (runs,)
        Seconds or ratios, all above 0, of at most four contestants. A task may be
        without some of them, and a single number stands for a single run.
    x_label : str
        What the numbers are, with units.
    reference : float, optional
        Where the bars begin; 1 for ratios, so that they grow to both sides.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no task, a task has no contestant, there are more than four, or a
        number is not finite or not above 0.

    Examples
    --------
    >>> figure = benchmark_bars({"an epoch": {"this book": [0.9, 1.0, 1.2],
    ...                                       "PyTorch": [2.1, 2.0, 2.2]}}, "seconds")
    """
    check_some("benchmark_bars", "tasks", len(tasks))
    for entries in tasks.values():
        check_some("benchmark_bars", "contestants", len(entries))
    contestants = list(dict.fromkeys(name for task in tasks.values() for name in task))
    check_few("benchmark_bars", "contestants", len(contestants), 4, "Draw two charts.")
    runs = {
        (task, name): checked(
            "benchmark_bars",
            f"{name!r} at {task!r}",
            np.atleast_1d(np.asarray(numbers, dtype=float)),
            (None,),
            positive=True,
        )
        for task, entries in tasks.items()
        for name, numbers in entries.items()
    }
    least = min(numbers.min() for numbers in runs.values())
    start = 10.0 ** floor(np.log10(least / 1.5)) if reference is None else reference
    checked("benchmark_bars", "reference", [start], (1,), positive=True)
    figure = Figure(figsize=(WIDTH, 0.27 * (len(runs) + 1.4 * len(tasks)) + 0.6))
    ax = figure.subplots()
    ticks: dict[float, str] = {}
    y = 0.0
    for task, entries in tasks.items():
        ticks[y] = task
        for name in entries:
            y += 1
            ticks[y] = name
            k = contestants.index(name)
            draw_bar(ax, y, start, runs[task, name], COLORS[k], HATCHES[k])
        y += 1.4
    ax.axvline(start, color=INK, lw=1)
    ax.set_yticks(list(ticks), list(ticks.values()))
    for tick in ax.get_yticklabels():
        tick.set_fontweight("bold" if tick.get_text() in tasks else "normal")
    most = max(numbers.max() for numbers in runs.values())
    right = 1.05 * max(most, start)
    left = start if least >= start else least / (right / least) ** 0.2  # for numbers
    ax.set(xscale="log", xlabel=x_label, xlim=(left, right))
    if most < 100 * least:
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.invert_yaxis()
    return figure


def draw_bar(
    ax: Axes,
    y: float,
    start: float,
    runs: NDArray[np.floating],
    color: str,
    hatch: str,
) -> None:
    """Draw a bar from the start to the median of runs, its number at its end."""
    median = float(np.median(runs))
    ax.barh(y, median - start, left=start, color=color, hatch=hatch, ec="white", lw=0)
    whisker = [[median - runs.min()], [runs.max() - median]]
    ax.errorbar(
        median, y, xerr=whisker, fmt="none", ecolor=INK, elinewidth=1.2, capsize=3
    )
    rightward = median >= start
    ax.annotate(
        f"{median:,.0f}" if median >= 100 else f"{median:.3g}",
        (float(runs.max() if rightward else runs.min()), y),
        xytext=(6 if rightward else -6, 0),
        textcoords="offset points",
        ha="left" if rightward else "right",
        va="center",
        annotation_clip=False,
    )


def bar_chart(
    bars: Mapping[str, float], x_label: str, form: str = "{:,.0f}", marked: str = ""
) -> Figure:
    """Compare a few numbers from 0 upward as bars, each with its number at its end.

    Parameters
    ----------
    bars : mapping of name to number
        At least 0, in the order in which they are drawn, from the top.
    x_label : str
        What the numbers are, with units.
    form : str, optional
        How a number is written, for ``str.format``.
    marked : str, optional
        The name of a bar that is set off, vermilion and hatched.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no bar, a number is negative or not finite, or no bar has the
        name of the marked one.

    Examples
    --------
    >>> figure = bar_chart({"guessing": 10.0, "nearest mean": 82.0}, "accuracy (%)",
    ...                    form="{:.1f} %", marked="nearest mean")
    """
    check_some("bar_chart", "bars", len(bars))
    lengths = checked("bar_chart", "bars", list(bars.values()), (None,))
    if lengths.min() < 0:
        raise InputError("bar_chart: bars begin at 0; a number is negative.")
    if marked and marked not in bars:
        raise InputError(
            f"bar_chart: no bar is named {marked!r}; there are {list(bars)}."
        )
    figure = Figure(figsize=(WIDTH, 0.29 * len(bars) + 0.65))
    ax = figure.subplots()
    for y, (name, length) in enumerate(zip(bars, lengths, strict=True)):
        strong = name == marked
        ax.barh(
            y,
            length,
            height=0.7,
            color=VERMILION if strong else BLUE,
            hatch="///" if strong else "",
            ec="white",
            lw=0,
        )
        ax.annotate(
            form.format(length),
            (length, y),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontweight="bold" if strong else "normal",
        )
    ax.set_yticks(range(len(bars)), list(bars))
    ax.invert_yaxis()
    ax.set(xlabel=x_label, xlim=(0, 1.15 * max(lengths.max(), 1e-9)))
    ax.tick_params(axis="y", length=0)
    return figure


def loss_beside_check(
    steps: ArrayLike,
    losses: Mapping[str, tuple[ArrayLike, ArrayLike]],
    errors: Mapping[str, ArrayLike],
    names: tuple[str, str] = ("this network", "a right one"),
) -> Figure:
    """Show in a row for each network how its loss falls and what its check says.

    On the left its loss, a dashed line, beside that of another network, a solid one.
    On the right a point for each parameter array on a logarithmic axis: a dot where
    the gradients agree (up to 1e-7), a cross where they do not.

    Parameters
    ----------
    steps : array (n,)
        When the losses were measured.
    losses : mapping of name to two arrays (n,) or (runs, n)
        Of the network itself and of the one beside it; of several runs the mean.
    errors : mapping of name to array (parameters,)
        Relative errors of a gradient check, at least 0; those below 1e-12 stand there.
    names : two texts, optional
        What the two lines are called.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no network, one has no check, a length does not fit, a number is
        not finite, or an error is negative.

    Examples
    --------
    >>> losses = {"no. 1": ([2.3, 0.5], [2.3, 0.4])}
    >>> figure = loss_beside_check([1, 2], losses, {"no. 1": [0.33, 1e-10]})
    """
    check_some("loss_beside_check", "networks", len(losses))
    if list(losses) != list(errors):
        raise InputError(
            f"loss_beside_check: losses are of {list(losses)}, but errors of "
            f"{list(errors)}. Give both for the same networks, in the same order."
        )
    steps = checked("loss_beside_check", "steps", steps, (None,))
    figure = Figure(figsize=(WIDTH, 0.5 * len(losses) + 1.2))
    axes = figure.subplots(
        len(losses), 2, squeeze=False, sharex="col", gridspec_kw={"hspace": 0.05}
    )
    highest = 0.0
    for (left, right), (name, pair) in zip(axes, losses.items(), strict=True):
        lines = []
        for values, color, style, label in zip(
            pair, (VERMILION, BLUE), ("--", "-"), names, strict=True
        ):
            runs = checked(
                "loss_beside_check",
                f"losses of {name!r} (runs, n)",
                np.atleast_2d(np.asarray(values, dtype=float)),
                (None, len(steps)),
            )
            lines += left.plot(steps, runs.mean(axis=0), color=color, ls=style)
            lines[-1].set(label=label, marker="", zorder=3 if style == "--" else 2)
            highest = max(highest, float(runs.mean(axis=0).max()))
        left.set_ylabel(name, rotation=0, ha="right", va="center")
        draw_check(right, name, errors[name])
    for left in axes[:, 0]:
        left.set(yticks=[], ylim=(0, 1.05 * highest or 1.0))
    axes[0, 0].set_title("training loss")
    axes[0, 1].set_title("gradient check")
    axes[-1, 0].set_xlabel("step")
    axes[-1, 1].set_xlabel("relative error")
    names_above(figure, lines)
    return figure


def draw_check(ax: Axes, name: str, errors: ArrayLike) -> None:
    """Draw the errors of a gradient check as points, agreement on a gray ground."""
    found = checked("loss_beside_check", f"errors of {name!r}", errors, (None,))
    if found.min() < 0:
        raise InputError(
            f"loss_beside_check: an error of {name!r} is negative. Take its size."
        )
    least, agree = 1e-12, 1e-7
    ax.axvspan(least / 3, agree, color="#EEEEEE", lw=0)
    found = np.maximum(found, least)
    for chosen, color, marker in (
        (found <= agree, BLUE, "o"),
        (found > agree, VERMILION, "X"),
    ):
        ax.plot(
            found[chosen],
            np.zeros(chosen.sum()),
            color=color,
            marker=marker,
            markersize=7,
            ls="",
            alpha=0.7,
        )
    ax.set(xscale="log", xlim=(least / 3, 3), yticks=[])
    ax.set_xticks([1e-11, 1e-7, 1e-3])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.spines["left"].set_visible(False)


def published_errors(rows: Sequence[tuple[str, float, bool]]) -> Figure:
    """Compare test errors as dots on one axis: published and this build's own.

    Parameters
    ----------
    rows : (name, test error in percent, whether it is ours)
        In the order in which they are drawn, from the top.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = published_errors([("linear", 12.0, False), ("ours", 1.7, True)])
    """
    figure = Figure(figsize=(WIDTH, 0.36 * len(rows) + 0.7))
    ax = figure.subplots()
    for place, (_, error, ours) in enumerate(rows):
        color = VERMILION if ours else BLUE
        ax.plot([0, error], [place, place], color=color, lw=1, marker="")
        ax.plot(error, place, marker="D" if ours else "o", color=color, markersize=7)
        ax.annotate(
            f"{error:.3g}",
            (error, place),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=LETTERS.get(color, color),
        )
    ax.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    for tick, (_, _, ours) in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if ours else "normal")
    ax.invert_yaxis()
    ax.set_xlim(0, 1.12 * max(error for _, error, _ in rows))
    ax.set_xlabel("test error (%)")
    return figure
