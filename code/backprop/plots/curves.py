"""Figures of one number against another: losses, accuracies, activations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    MaxNLocator,
    NullLocator,
    PercentFormatter,
)
from numpy.typing import ArrayLike, NDArray

from backprop.errors import InputError
from backprop.plots.style import (
    BLUE,
    COLORS,
    GRAY,
    INK,
    LETTERS,
    LINE_STYLES,
    MARKERS,
    SKY,
    VERMILION,
    WIDTH,
    check_few,
    check_some,
    checked,
    label_ends,
    label_line,
    write_plainly,
)
from backprop.training import History


def line_chart(
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
    markers: bool = True,
) -> Figure:
    """Draw several lines over one axis, each with its name at its right end.

    Parameters
    ----------
    x : array (n,)
        Shared by all lines.
    series : mapping of name to array (n,) or (runs, n)
        At most four lines. Several runs, of different seeds for example, are drawn
        as their mean and, in a band, their span.
    x_label, y_label : str
        What the axes show, with units.
    log_x, log_y : bool, optional
        Whether the axis is logarithmic.
    markers : bool, optional
        Whether each point is marked; off for smooth curves.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no line, or more than four: they could not be told apart. If a
        line does not fit x, is not finite, or has no place on a logarithmic axis.

    Examples
    --------
    >>> figure = line_chart([1, 2], {"square": [1, 4]}, "side", "area")
    >>> seeds = [[0.91, 0.95], [0.93, 0.97]]
    >>> figure = line_chart([1, 2], {"momentum": seeds}, "epoch", "accuracy")
    """
    check_some("line_chart", "series", len(series))
    check_few("line_chart", "lines", len(series), len(LINE_STYLES), "Draw two charts.")
    x = checked("line_chart", "x", x, (None,), positive=log_x)
    figure = Figure(figsize=(WIDTH, 3.2))
    ax = figure.subplots()
    lines = []
    for (name, values), color, style, marker in zip(
        series.items(), COLORS, LINE_STYLES, MARKERS, strict=False
    ):
        runs = checked(
            "line_chart",
            f"{name!r} (runs, n)",
            np.atleast_2d(np.asarray(values, dtype=float)),
            (None, len(x)),
            positive=log_y,
        )
        line = spread_line(ax, x, runs, color, style, marker if markers else "")
        line.set_label(name)
        lines.append(line)
    ax.set(xlabel=x_label, ylabel=y_label)
    ax.set(xscale="log" if log_x else "linear", yscale="log" if log_y else "linear")
    set_x_ticks(ax, x, log_x)
    if log_y:
        write_plainly(ax.yaxis)
    label_ends(ax, lines)
    return figure


def set_x_ticks(ax: Axes, x: NDArray[np.floating], log: bool) -> None:
    """Put ticks at the points of a logarithmic axis if they fit, else round ones."""
    if not log:
        whole = bool((x == x.round()).all())
        steps = [1, 2, 5, 10] if whole else [1, 2, 2.5, 5, 10]
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=whole, steps=steps))
        return
    places = np.log(np.unique(x))
    if len(places) > 1 and np.diff(places).min() > np.ptp(places) / 8:
        ax.set_xticks(x, [f"{value:,g}" for value in x])
        ax.xaxis.set_minor_locator(NullLocator())


def spread_line(
    ax: Axes,
    x: NDArray[np.floating],
    runs: NDArray[np.floating],
    color: str,
    style: str,
    marker: str,
) -> Line2D:
    """Draw the mean of runs (runs, n) as a line, the span of several as a band."""
    if len(runs) > 1:
        low, high = runs.min(axis=0), runs.max(axis=0)
        ax.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
    (line,) = ax.plot(x, runs.mean(axis=0), color=color, ls=style, marker=marker)
    return line


def loss_along_weight(
    nudges: NDArray[np.floating], losses: NDArray[np.floating], slope: float
) -> Figure:
    """Draw the loss against one weight's nudge, with the tangent at no nudge.

    Parameters
    ----------
    nudges : array (n,)
        What was added to the weight, with 0 among them.
    losses : array (n,)
        The loss at each.
    slope : float
        The gradient by this weight, as backpropagation gives it.

    Returns
    -------
    Figure

    Examples
    --------
    >>> nudges = np.linspace(-1, 1, 11)
    >>> figure = loss_along_weight(nudges, (nudges - 1) ** 2, slope=-2.0)
    """
    here = int(np.argmin(np.abs(nudges)))
    figure = Figure(figsize=(WIDTH, 3.0))
    ax = figure.subplots()
    ax.plot(nudges, losses, color=BLUE, marker="")
    reach = 0.3 * np.ptp(nudges)
    ends = np.array([-reach, reach])
    ax.plot(ends, losses[here] + slope * ends, color=VERMILION, ls="--", marker="")
    ax.plot(0, losses[here], "o", color=INK, markersize=7)
    ax.annotate(
        "the weight as it is",
        (0, losses[here]),
        xytext=(10, 12),
        textcoords="offset points",
    )
    label_line(ax, nudges[-1], losses[-1], "loss", BLUE)
    ax.annotate(
        "slope from\nbackpropagation",
        (ends[1], losses[here] + slope * ends[1]),
        xytext=(6, -4),
        textcoords="offset points",
        color=LETTERS[VERMILION],
        va="center",
        fontweight="bold",
    )
    ax.margins(y=0.15)
    ax.set(xlabel="change of one weight", ylabel="loss of one digit")
    return figure


def activation_curves(
    z: NDArray[np.floating],
    curves: Mapping[str, tuple[NDArray[np.floating], NDArray[np.floating]]],
) -> Figure:
    """Draw activations and, below, their slopes, side by side.

    Parameters
    ----------
    z : array (n,)
        Where they are drawn.
    curves : mapping of name to (values, slopes), each an array (n,)
        One column each.

    Returns
    -------
    Figure

    Examples
    --------
    >>> z = np.linspace(-1, 1, 5)
    >>> len(activation_curves(z, {"tanh": (np.tanh(z), 1 - np.tanh(z) ** 2)}).axes)
    2
    """
    figure = Figure(figsize=(WIDTH, 3.6))
    axes = figure.subplots(2, len(curves), sharex=True, squeeze=False, sharey="row")
    for column, (name, (values, slopes)) in enumerate(curves.items()):
        above, below = axes[:, column]
        above.plot(z, values, color=BLUE, marker="")
        above.set_title(name)
        below.plot(z, slopes, color=VERMILION, ls="--", marker="")
        below.set_xlabel("weighted sum z")
        for ax in (above, below):
            ax.axhline(0, color=GRAY, lw=0.6)
            ax.axvline(0, color=GRAY, lw=0.6)
    axes[0, 0].set_ylabel("output")
    axes[1, 0].set_ylabel("slope")
    axes[0, 0].set_ylim(-1.2, 2.2)
    axes[1, 0].set_ylim(-0.1, 1.2)
    return figure


def batch_loss_curve(
    batch_loss: NDArray[np.floating], chance: float, steps_per_epoch: int
) -> Figure:
    """Draw the loss of each mini-batch of a training, step by step.

    Parameters
    ----------
    batch_loss : array (steps,)
        ``History.batch_loss``.
    chance : float
        The loss of a guesser who knows nothing, drawn as a level.
    steps_per_epoch : int
        Where the first epoch ends, drawn as a mark.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = batch_loss_curve(1 / np.arange(1.0, 100.0), np.log(10), 50)
    """
    steps = np.arange(1, len(batch_loss) + 1)
    figure = Figure(figsize=(WIDTH, 3.2))
    ax = figure.subplots()
    ax.plot(steps, batch_loss, color=SKY, marker="", lw=0.8)
    window = 50
    if len(batch_loss) > window:
        smooth = np.convolve(batch_loss, np.ones(window) / window, mode="valid")
        ax.plot(steps[window - 1 :], smooth, color=BLUE, marker="")
        label_line(ax, steps[-1], smooth[-1], "mean of\n50 steps", BLUE)
    ax.axhline(chance, color=GRAY, ls=":")
    ax.text(1, chance * 1.4, f"knowing nothing: {chance:.2f}", color=GRAY)
    ax.axvline(steps_per_epoch, color=VERMILION, ls="--", lw=1)
    ax.annotate(
        "end of the\nfirst epoch ",
        (steps_per_epoch, 0.04),
        xycoords=("data", "axes fraction"),
        color=LETTERS[VERMILION],
        ha="right",
    )
    ax.set(
        xscale="log",
        yscale="log",
        ylim=(None, 3 * chance),
        xlabel="step (one mini-batch each)",
        ylabel="loss of the batch",
    )
    return figure


def learning_curves(histories: Sequence[History]) -> Figure:
    """Draw loss and accuracy over epochs; the band spans all trainings.

    Parameters
    ----------
    histories : one or more History, all of the same length
        Trainings that differ by their seed; all with validation.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no training, or one without validation.

    Examples
    --------
    >>> e = np.array([0.5, 0.2])
    >>> figure = learning_curves([History(e, e, e, 1 - e, 1.0)])
    """
    figure = Figure(figsize=(WIDTH, 3.0))
    left, right = figure.subplots(1, 2)
    check_some("learning_curves", "trainings", len(histories))
    if any(len(h.validation_loss) == 0 for h in histories):
        raise InputError(
            "learning_curves: a training was not validated; give train() the argument "
            "validation=digits.validation."
        )
    training = np.array([h.training_loss for h in histories])
    validation = np.array([h.validation_loss for h in histories])
    accuracy = np.array([h.validation_accuracy for h in histories])
    epochs = np.arange(1.0, training.shape[1] + 1)
    line = spread_line(left, epochs, training, BLUE, "-", "o")
    name_end(left, line, "training", above=False)
    line = spread_line(left, epochs, validation, VERMILION, "--", "s")
    name_end(left, line, "validation", above=True)
    line = spread_line(right, epochs, accuracy, VERMILION, "--", "s")
    name_end(right, line, "validation", above=True)
    left.set(xlabel="epoch", ylabel="loss", yscale="log")
    left.margins(y=0.15)  # room for the name below the lowest line
    right.margins(y=0.15)  # and above the highest
    right.set(xlabel="epoch", ylabel="accuracy")
    right.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    for ax in (left, right):
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return figure


def name_end(ax: Axes, line: Line2D, name: str, above: bool) -> None:
    """Write a line's name above or below its last point, in the line's color."""
    color = str(line.get_color())
    ax.annotate(
        name,
        tuple(line.get_xydata()[-1]),  # type: ignore[index, arg-type]
        xytext=(0, 10 if above else -10),
        textcoords="offset points",
        color=LETTERS.get(color, color),
        ha="right",
        va="bottom" if above else "top",
        fontweight="bold",
    )
