"""The figures that the chapters share, in one style.

Every function takes data, not a network, and returns a matplotlib ``Figure``.
Colors are those of Okabe and Ito (2008), told apart by color-blind readers too,
and never the only mark: lines carry their names, bars their hatches, points their
shapes. Blue is what flows forward, vermilion what flows backward, green parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil, floor
from typing import Literal, SupportsFloat

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import (
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
    PercentFormatter,
)
from numpy.typing import ArrayLike, NDArray

from backprop.errors import InputError
from backprop.training import History

BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE, GRAY, INK = "#56B4E9", "#E69F00", "#6B6B6B", "#222222"
LETTERS = {VERMILION: "#B34E00", GREEN: "#00704F", PURPLE: "#A8487F"}  # darker, to read
COLORS = (BLUE, VERMILION, GREEN, PURPLE)
LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")
HATCHES = ("", "//", "..", "xx")
WIDTH = 5.8  # inches: fits a page, and a phone without shrinking much
BOX = (0.68, 0.28)  # inches: a node of a drawn network


def use_book_style() -> None:
    """Set matplotlib, and the notebook if there is one, to the book's style.

    Examples
    --------
    >>> use_book_style()
    """
    mpl.rcParams.update(
        {
            "axes.edgecolor": GRAY,
            "axes.labelcolor": INK,
            "axes.prop_cycle": cycler(color=COLORS, marker=MARKERS),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 10.5,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "lines.linewidth": 2,
            "lines.markersize": 5,
            "pdf.fonttype": 42,  # real letters in the guide, not drawings of them
            "savefig.facecolor": "white",
            "svg.hashsalt": "backprop",  # the same figure gives the same file
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    if get_ipython() is not None:
        set_matplotlib_formats("svg", "pdf")  # type: ignore[no-untyped-call]


def image_grid(
    images: NDArray[np.floating],
    titles: Sequence[str] | None = None,
    columns: int = 10,
    emphasize: Sequence[bool] | None = None,
) -> Figure:
    """Show images of digits in rows, black ink on white.

    Parameters
    ----------
    images : array (n, 784)
        From 0, paper, to 1, ink.
    titles : n texts, optional
        One over each image.
    columns : int, optional
        Images in a row.
    emphasize : n truth values, optional
        Which titles are set bold and vermilion.

    Returns
    -------
    Figure

    Examples
    --------
    >>> len(image_grid(np.zeros((3, 784)), titles=["a", "b", "c"]).axes)
    10
    """
    check_some("image_grid", "images", len(images))
    check_titles("image_grid", titles, len(images))
    rows = ceil(len(images) / columns)
    cell = WIDTH / columns
    title_lines = (
        0 if titles is None else max(title.count("\n") + 1 for title in titles)
    )
    figure = Figure(figsize=(WIDTH, rows * (cell + 0.19 * title_lines)))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for i, (ax, image) in enumerate(zip(axes, images, strict=False)):
        show_digit(ax, image)
        if titles is not None:
            strong = emphasize is not None and emphasize[i]
            ax.set_title(
                titles[i],
                fontsize=9.5,
                pad=3,
                color=LETTERS[VERMILION] if strong else INK,
                fontweight="bold" if strong else "normal",
            )
    return figure


def check_some(figure: str, things: str, count: int) -> None:
    """Raise `InputError` if there is nothing to show."""
    if count == 0:
        raise InputError(f"{figure}: there are no {things} to show.")


def check_titles(figure: str, titles: Sequence[str] | None, count: int) -> None:
    """Raise `InputError` unless each image has a title, or none has."""
    if titles is not None and len(titles) != count:
        raise InputError(
            f"{figure}: {count} images need {count} titles, but there are "
            f"{len(titles)}. An empty text leaves one out."
        )


def show_digit(ax: Axes, image: NDArray[np.floating]) -> None:
    """Draw one digit, shape (784,), black ink on white, into given axes."""
    ax.imshow(image.reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
    ax.set_axis_off()


def digit_and_answer(
    image: NDArray[np.floating],
    answers: Mapping[str, NDArray[np.floating]],
    label: int,
) -> Figure:
    """Show a digit and, beside it, the ten probabilities that networks gave it.

    Parameters
    ----------
    image : array (784,)
        From 0, paper, to 1, ink.
    answers : mapping of name to array (10,)
        Probabilities; one bar chart for each name.
    label : int
        The right class: its bar is green and hatched, the others are blue.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = digit_and_answer(np.zeros(784), {"untrained": np.full(10, 0.1)}, 7)
    >>> len(figure.axes)
    2
    """
    figure = Figure(figsize=(WIDTH, 2.3))
    ratios = [1.0] + [1.6] * len(answers)
    axes = figure.subplots(1, 1 + len(answers), width_ratios=ratios)
    show_digit(axes[0], image)
    axes[0].set_title(f"label: {label}")
    for ax, (name, probabilities) in zip(axes[1:], answers.items(), strict=True):
        bars = ax.bar(range(10), probabilities, color=BLUE)
        bars[label].set(facecolor=GREEN, hatch="//", edgecolor="white")
        ax.set(title=name, xlabel="digit", xticks=range(10), ylim=(0, 1))
    axes[1].set_ylabel("probability")
    return figure


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
        xytext=(-18, 0),
        textcoords="offset points",
        color=LETTERS[VERMILION],
        ha="right",
        va="center",
        fontweight="bold",
    )
    ax.margins(y=0.15)
    ax.set(xlabel="change of one weight", ylabel="loss of one digit")
    return figure


def label_line(ax: Axes, x: float, y: float, text: str, color: str) -> None:
    """Write a line's name to the right of its last point, in the line's color."""
    ax.annotate(
        text,
        (x, y),
        xytext=(6, 0),
        textcoords="offset points",
        color=LETTERS.get(color, color),
        va="center",
        fontweight="bold",
        annotation_clip=False,
    )


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
    label_ends(ax, lines)
    return figure


def check_few(figure: str, things: str, count: int, limit: int, remedy: str) -> None:
    """Raise `InputError` if there are more things than can be told apart."""
    if count > limit:
        raise InputError(
            f"{figure}: at most {limit} {things} can be told apart, but there are "
            f"{count}. {remedy}"
        )


def checked(
    figure: str,
    name: str,
    values: ArrayLike,
    shape: tuple[int | None, ...],
    positive: bool = False,
) -> NDArray[np.floating]:
    """Return the values as an array; raise `InputError` if it can't be drawn.

    None in the shape stands for any length of at least 1.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim != len(shape) or any(
        found != wanted if wanted is not None else found < 1
        for found, wanted in zip(array.shape, shape, strict=True)
    ):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise InputError(
            f"{figure}: {name} must have shape ({wanted}), but has shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise InputError(
            f"{figure}: {name} has NaN or infinite values, which have no place in it; "
            f"leave them out or clip them, and say so in the caption."
        )
    if positive and array.min() <= 0:
        raise InputError(
            f"{figure}: {name} has the value {array.min():.3g}, but a logarithmic axis "
            f"has room for values above 0 only. Use a linear axis."
        )
    return array


def set_x_ticks(ax: Axes, x: NDArray[np.floating], log: bool) -> None:
    """Put ticks at the points of a logarithmic axis if they fit, else round ones."""
    if not log:
        whole = bool((x == x.round()).all())
        steps = [1, 2, 5, 10] if whole else [1, 2, 2.5, 5, 10]
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=whole, steps=steps))
        return
    places = np.log(np.unique(x))
    if len(places) > 1 and np.diff(places).min() > np.ptp(places) / 8:
        ax.set_xticks(x, [f"{value:g}" for value in x])
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


def label_ends(ax: Axes, lines: Sequence[Line2D], gap: float = 0.08) -> None:
    """Write each line's name at its right end, no two closer than a gap.

    The gap is a share of the axes' height.
    """
    ax.autoscale_view()  # so that the limits are known before anything is drawn
    to_axes = ax.transData + ax.transAxes.inverted()
    ends = [(line.get_xydata()[-1], line) for line in lines]  # type: ignore[index]
    heights = sorted(
        ((float(to_axes.transform(end)[1]), line) for end, line in ends),
        key=lambda pair: pair[0],
    )
    lowest = -gap
    for height, line in heights:
        lowest = max(height, lowest + gap)
        x = to_axes.transform(line.get_xydata()[-1])[0]  # type: ignore[index]
        ax.annotate(
            str(line.get_label()),
            (x, lowest),
            xycoords="axes fraction",
            xytext=(6, 0),
            textcoords="offset points",
            color=LETTERS.get(str(line.get_color()), str(line.get_color())),
            va="center",
            fontweight="bold",
            annotation_clip=False,
        )


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
    ax.text(1, chance * 1.4, "knowing nothing: ln 10", color=GRAY)
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


def confusion_matrix(counts: NDArray[np.integer]) -> Figure:
    """Show how often each digit was taken for which.

    Parameters
    ----------
    counts : integer array (classes, classes)
        Row: what it is; column: what the network said. The mistakes are shaded;
        the diagonal, right answers, is left white so that they can be seen.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = confusion_matrix(np.array([[9, 1], [2, 8]]))
    """
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    figure = Figure(figsize=(5.2, 4.8))
    ax = figure.subplots()
    ax.imshow(mistakes, cmap="Oranges", vmax=max(1.4 * mistakes.max(), 1))
    for (i, j), count in np.ndenumerate(counts):
        if count:
            ax.text(
                j,
                i,
                str(count),
                ha="center",
                va="center",
                fontsize=9,
                color=LETTERS[GREEN] if i == j else INK,
                fontweight="bold" if i == j else "normal",
            )
    classes = range(len(counts))
    ax.set(
        xlabel="the network's answer",
        ylabel="label",
        xticks=classes,
        yticks=classes,
    )
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return figure


def weight_images(
    W: NDArray[np.floating], titles: Sequence[str] | None = None, columns: int = 8
) -> Figure:
    """Show incoming weights of units as images: what each of them looks for.

    Parameters
    ----------
    W : array (784, units)
        One column a unit, as in ``Dense.W``. Each image has its own scale.
    titles : texts, optional
        One over each image.
    columns : int, optional
        Images in a row.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = weight_images(np.random.default_rng(0).normal(size=(784, 3)))
    """
    units = W.shape[1]
    check_some("weight_images", "units", units)
    check_titles("weight_images", titles, units)
    rows = ceil(units / columns)
    height = rows * (WIDTH / columns + (0 if titles is None else 0.2))
    figure = Figure(figsize=(WIDTH, max(height, 1.3) + 0.1))  # the bar needs 1.3
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for unit, ax in enumerate(axes[:units]):
        image = W[:, unit].reshape(28, 28)
        limit = np.abs(image).max() or 1.0
        shown = ax.imshow(image / limit, cmap="PuOr_r", vmin=-1, vmax=1)
        if titles is not None:
            ax.set_title(titles[unit], fontsize=9.5, pad=3)
    bar = figure.colorbar(shown, ax=list(axes), ticks=[-1, 0, 1])
    bar.ax.set_yticklabels(["ink\nagainst", "no\nmatter", "ink\nfor"], fontsize=9)
    return figure


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


def loss_surface(
    x: ArrayLike,
    y: ArrayLike,
    losses: ArrayLike,
    x_label: str,
    y_label: str,
    paths: Mapping[str, ArrayLike] | None = None,
    log: bool = False,
) -> Figure:
    """Draw a loss over two directions as a map, with the paths of optimizers on it.

    Both axes have one scale, so that a step straight down the slope stands at a
    right angle to the contours. A ring marks where a path starts.

    Parameters
    ----------
    x, y : array (columns,), array (rows,)
        Where the loss was computed, ascending: two weights, or how far the weights
        were moved along two directions.
    losses : array (rows, columns)
        ``losses[i, j]`` is the loss at ``x[j]``, ``y[i]``: white low, gray high.
    x_label, y_label : str
        What was moved, with units.
    paths : mapping of name to array (steps, 2), optional
        At most four: x and y of each step, the first being the start. What leaves
        the map is cut off at its edge; of a long path not every step is marked.
    log : bool, optional
        Whether the contours stand at 1, 2, 5, 10 …, for losses from 0 upward that
        differ by powers of ten.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If shapes do not fit, a number is not finite, the loss is the same everywhere
        or too low for logarithmic contours, there are more than four paths, or a path
        has no step on the map.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 5)
    >>> bowl = x**2 + x[:, np.newaxis] ** 2
    >>> figure = loss_surface(x, x, bowl, "weight 1", "weight 2",
    ...                       paths={"plain": [[1, 1], [0.5, 0.5]]})
    """
    x, y = checked_grid("loss_surface", x, y)
    losses = checked("loss_surface", "losses", losses, (len(y), len(x)))
    named = list((paths or {}).items())
    check_few("loss_surface", "paths", len(named), len(COLORS), "Draw two maps.")
    tall = float(np.clip((WIDTH - 1.6) * np.ptp(y) / np.ptp(x), 1.0, 5.0))
    height = tall + (1.0 if named else 0.7)
    figure = Figure(figsize=(WIDTH, height), layout="compressed")
    ax = figure.subplots()
    draw_contours(figure, ax, x, y, losses, contour_levels(losses, log))
    lines = []
    for (name, steps), color, style, marker in zip(
        named, COLORS, LINE_STYLES, MARKERS, strict=False
    ):
        path = checked("loss_surface", f"path {name!r}", steps, (None, 2))
        if not on_grid(path, x, y).any():
            raise InputError(
                f"loss_surface: path {name!r} has no step on the map; widen x and y."
            )
        lines.append(draw_path(ax, path, name, color, style, marker))
    ax.set(xlabel=x_label, ylabel=y_label, aspect="equal")
    ax.locator_params(nbins=6)
    ax.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    if lines:
        names_above(figure, lines)
    return figure


def checked_grid(
    figure: str, x: ArrayLike, y: ArrayLike
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the two axes of a grid; raise `InputError` unless both ascend."""
    axes = []
    for name, places in (("x", x), ("y", y)):
        axis = checked(figure, name, places, (None,))
        if len(axis) < 2 or (np.diff(axis) <= 0).any():
            raise InputError(
                f"{figure}: {name} must hold two or more places in ascending order, as "
                f"np.linspace gives them."
            )
        axes.append(axis)
    return axes[0], axes[1]


def on_grid(
    points: NDArray[np.floating], x: NDArray[np.floating], y: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Return for each point (n, 2) whether it lies between the ends of x and of y."""
    ends = np.array([[x[0], y[0]], [x[-1], y[-1]]])
    return ((points >= ends[0]) & (points <= ends[1])).all(axis=1)


def contour_levels(losses: NDArray[np.floating], log: bool) -> NDArray[np.floating]:
    """Return some ten round losses at which contours stand, ascending."""
    low, high = float(losses.min()), float(losses.max())
    if low == high:
        raise InputError(
            f"loss_surface: the loss is {low:.3g} everywhere, so there is no contour. "
            f"Widen x and y."
        )
    if not log:
        return np.array(MaxNLocator(10).tick_values(low, high))
    if low < 0:
        raise InputError(
            f"loss_surface: the least loss is {low:.3g}, but logarithmic contours need "
            f"losses from 0 upward. Use log=False."
        )
    top = ceil(np.log10(high))
    levels = np.array([k * 10.0**e for e in range(top - 4, top) for k in (1, 2, 5)])
    levels = np.append(levels, 10.0**top)
    first = max(int(np.searchsorted(levels, low, side="right")) - 1, 0)
    return levels[first : int(np.searchsorted(levels, high)) + 1]


def draw_contours(
    figure: Figure,
    ax: Axes,
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    losses: NDArray[np.floating],
    levels: NDArray[np.floating],
) -> None:
    """Draw a map, white low and gray high, with a bar that says how high."""
    grays = LinearSegmentedColormap.from_list("grays", ["white", "#CCCCCC"])
    extend: Literal["min", "neither"] = "min" if losses.min() < levels[0] else "neither"
    shades = BoundaryNorm(levels, grays.N, extend=extend)
    filled = ax.contourf(x, y, losses, levels, cmap=grays, norm=shades, extend=extend)
    ax.contour(x, y, losses, levels, colors=GRAY, linewidths=0.6, linestyles="solid")
    figure.colorbar(filled, ax=ax, label="loss", format="{x:g}", ticks=levels)


def draw_path(
    ax: Axes,
    path: NDArray[np.floating],
    name: str,
    color: str,
    style: str,
    marker: str,
) -> Line2D:
    """Draw the steps of an optimizer, path (steps, 2), and a ring at the first."""
    (line,) = ax.plot(
        path[:, 0],
        path[:, 1],
        color=color,
        ls=style,
        lw=1.4,
        marker=marker,
        markersize=4,
        markevery=max(1, len(path) // 40),
        label=name,
    )
    ax.plot(*path[0], marker="o", markersize=11, color=INK, fillstyle="none")
    return line


def names_above(figure: Figure, lines: Sequence[Line2D]) -> None:
    """Name lines or points above the axes, where their ends leave no room."""
    letters = sum(len(str(line.get_label())) for line in lines)
    figure.legend(
        handles=lines,
        loc="outside upper center",
        ncols=len(lines) if letters <= 40 else 2,
        frameon=False,
        handlelength=3,
    )


def layer_histograms(
    layers: Mapping[str, ArrayLike],
    x_label: str,
    log: bool = False,
    backward: bool = False,
) -> Figure:
    """Show how the values of each layer are spread, one histogram below the other.

    All have the same bins, so that they can be compared from side to side. Each has
    its own height: one bin with nearly all values would flatten the others.

    Parameters
    ----------
    layers : mapping of name to array
        Activations or gradients of each layer, of any shape.
    x_label : str
        What the values are, with units.
    log : bool, optional
        Whether the axis is logarithmic and shows the values without their sign.
        Zeros have no place there; beside the histogram stands how many there are.
    backward : bool, optional
        Whether the values are gradients: vermilion and hatched instead of blue.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no layer, a layer is empty, a value is not finite, or there are
        only zeros for a logarithmic axis.

    Examples
    --------
    >>> gradients = {"layer 1": [1e-6, -2e-6, 0.0], "layer 2": [0.01, -0.03, 0.02]}
    >>> figure = layer_histograms(gradients, "size of a gradient", log=True)
    """
    check_some("layer_histograms", "layers", len(layers))
    values = {
        name: checked("layer_histograms", f"{name!r}", np.ravel(array), (None,))
        for name, array in layers.items()
    }
    if log:
        values = {name: np.abs(array) for name, array in values.items()}
    edges = shared_bins(np.concatenate(list(values.values())), log)
    figure = Figure(figsize=(WIDTH, 0.5 * len(values) + 0.7))
    axes = figure.subplots(len(values), sharex=True, squeeze=False)[:, 0]
    for ax, (name, array) in zip(axes, values.items(), strict=True):
        shares = np.histogram(array, edges)[0] / len(array)
        look = (VERMILION, "////") if backward else (BLUE, None)
        ax.stairs(shares, edges, fill=True, fc=look[0], hatch=look[1], ec="white", lw=0)
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        ax.set(yticks=[], ylim=(0, 1.05 * shares.max() or 1.0))
        ax.spines["left"].set_visible(False)
        if log and (array == 0).any():
            note_zeros(ax, float((array == 0).mean()))
    axes[-1].set(xlabel=x_label, xscale="log" if log else "linear")
    figure.supylabel("share of values", fontsize=10)
    return figure


def shared_bins(values: NDArray[np.floating], log: bool) -> NDArray[np.floating]:
    """Return the edges of 40 bins from the least to the largest value."""
    if not log:
        return np.histogram_bin_edges(values, 40)
    above = values[values > 0]
    if len(above) == 0:
        raise InputError(
            "layer_histograms: all values are 0, which have no place on a logarithmic "
            "axis. Use log=False."
        )
    low, high = above.min(), above.max()
    return np.geomspace(low, high, 41) if low < high else np.array([low / 2, 2 * low])


def note_zeros(ax: Axes, share: float) -> None:
    """Write beside a histogram which share of its values are exactly 0."""
    percent = f"{share:.0%}" if 0.01 <= share <= 0.99 or share == 1 else "< 1%"
    if 0.99 < share < 1:
        percent = "> 99%"
    ax.annotate(f"{percent}\nare 0", (1.01, 0.5), xycoords="axes fraction", va="center")


def decision_boundary(
    x: ArrayLike,
    y: ArrayLike,
    predictions: NDArray[np.integer],
    points: ArrayLike,
    labels: NDArray[np.integer],
    x_label: str,
    y_label: str,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draw the regions in which a network gives each answer, and examples over them.

    Parameters
    ----------
    x, y : array (columns,), array (rows,)
        The grid on which the network was asked, ascending.
    predictions : integer array (rows, columns)
        ``predictions[i, j]`` is the class that it gave at ``x[j]``, ``y[i]``; the
        regions are tinted, with a line between them.
    points : array (n, 2)
        The examples, each class with its color and shape.
    labels : integer array (n,)
        Their classes, from 0 to 3.
    x_label, y_label : str
        What the two features are, with units.
    names : texts, optional
        What the classes are called, from class 0.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If shapes do not fit, a class is not a whole number from 0 to 3 or has no
        name, or an example lies outside the grid, with no answer under it.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 50)
    >>> inside = (x**2 + x[:, np.newaxis] ** 2 < 0.5).astype(int)
    >>> points, labels = np.array([[0.0, 0.1], [0.9, 0.9]]), np.array([1, 0])
    >>> figure = decision_boundary(x, x, inside, points, labels, "width (cm)",
    ...                            "height (cm)", names=["outside", "inside"])
    """
    x, y = checked_grid("decision_boundary", x, y)
    points = checked("decision_boundary", "points", points, (None, 2))
    answers = checked_classes("predictions", predictions, (len(y), len(x)), names)
    truth = checked_classes("labels", labels, (len(points),), names)
    outside = len(points) - int(on_grid(points, x, y).sum())
    if outside:
        raise InputError(
            f"decision_boundary: {outside} of {len(points)} points lie outside the "
            f"grid, with no answer under them. Widen x and y."
        )
    figure = Figure(figsize=(WIDTH, 4.2))
    ax = figure.subplots()
    tints = np.array([[0.75 + 0.25 * part for part in to_rgb(c)] for c in COLORS])
    ax.pcolormesh(x, y, tints[answers], shading="nearest", rasterized=True)
    for k in np.unique(answers)[:-1]:  # the last one's border is drawn by then
        region = (answers == k).astype(float)
        ax.contour(x, y, region, [0.5], colors=INK, linewidths=1.2)
    kinds = []
    for k in np.union1d(answers, truth):
        (kind,) = ax.plot(
            *points[truth == k].T,
            ls="",
            marker=MARKERS[k],
            color=COLORS[k],
            markersize=6,
            markeredgecolor="white",
            markeredgewidth=0.6,
            label=f"class {k}" if names is None else names[k],
        )
        kinds.append(kind)
    ax.set(xlabel=x_label, ylabel=y_label, xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    names_above(figure, kinds)
    return figure


def checked_classes(
    name: str,
    classes: NDArray[np.integer],
    shape: tuple[int, ...],
    names: Sequence[str] | None,
) -> NDArray[np.integer]:
    """Return classes; raise `InputError` unless each has a color and a name."""
    classes = np.asarray(classes)
    if classes.shape != shape:
        raise InputError(
            f"decision_boundary: {name} must have shape {shape}, but has shape "
            f"{classes.shape}. Answers for a grid get its rows and columns back with "
            f"reshape(len(y), len(x))."
        )
    if not np.issubdtype(classes.dtype, np.integer):
        raise InputError(
            f"decision_boundary: {name} must be whole numbers, but is {classes.dtype}. "
            f"Probabilities P become classes with P.argmax(axis=1)."
        )
    limit = min(len(COLORS), len(COLORS if names is None else names))
    if classes.min() < 0 or classes.max() >= limit:
        raise InputError(
            f"decision_boundary: {name} has classes from {classes.min()} to "
            f"{classes.max()}, but only those from 0 to {limit - 1} have a color and a "
            f"name."
        )
    return classes


def network_drawing(
    values: Mapping[str, ArrayLike],
    parameters: Mapping[str, ArrayLike],
    gradients: Mapping[str, ArrayLike] | None = None,
    value_gradients: Mapping[str, ArrayLike] | None = None,
) -> Figure:
    """Draw a small network with the numbers of one example on its nodes and edges.

    Values stand in blue boxes, weights and biases in green on the edges and above the
    boxes. The gradient by each stands below it, vermilion in a dashed box.

    Parameters
    ----------
    values : mapping of name to array (width,)
        The columns of nodes from left to right, named as they shall be: two or three,
        of at most four nodes each.
    parameters : mapping of name to array
        ``Network.parameters``: between two columns the weights ``"0.W"`` (inputs,
        outputs), ``"2.W"`` …, and the biases ``"0.b"`` (outputs,) … if there are any.
    gradients : mapping of name to array, optional
        ``Network.gradients``, under the same names.
    value_gradients : mapping of name to array (width,), optional
        Gradients by the values, under the names of their columns; columns may be
        left out.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there are too many nodes to be legible, shapes do not fit, a number is not
        finite, or a gradient belongs to nothing that is drawn.

    Examples
    --------
    >>> figure = network_drawing(
    ...     {"input": [1.0, 2.0], "output": [0.5]},
    ...     parameters={"0.W": [[0.5], [-0.25]], "0.b": [0.5]},
    ...     gradients={"0.W": [[-0.5], [-1.0]], "0.b": [-0.5]},
    ... )
    """
    values = checked_all("values", values, dict.fromkeys(values, (None,)))
    widths = [len(column) for column in values.values()]
    if len(widths) not in (2, 3) or max(widths) > 4:
        raise InputError(
            f"network_drawing: two or three columns of at most four nodes can be read, "
            f"but there are columns of {widths}. Draw a smaller network."
        )
    layers = [name.removesuffix("W") for name in parameters if name.endswith(".W")]
    if len(layers) != len(widths) - 1:
        raise InputError(
            f"network_drawing: between {len(widths)} columns stand {len(widths) - 1} "
            f"arrays of weights, but parameters has {list(parameters)}."
        )
    shapes: dict[str, tuple[int | None, ...]] = {}
    for layer, (n, m) in zip(layers, pairwise(widths), strict=True):
        shapes |= {f"{layer}W": (n, m), f"{layer}b": (m,)}
    parameters = checked_all("parameters", parameters, shapes)
    shapes = {name: array.shape for name, array in parameters.items()}
    gradients = checked_all("gradients", gradients or {}, shapes)
    shapes = {name: column.shape for name, column in values.items()}
    slopes = checked_all("value_gradients", value_gradients or {}, shapes)

    biases = len(parameters) > len(layers)
    step, above, below = node_spacing(widths, biases, bool(gradients), bool(slopes))
    places = node_places(widths, step, below)
    top = places[widths.index(max(widths))][0][1] + above
    figure = Figure(figsize=(WIDTH, top + 0.35))
    figure.set_layout_engine("none")  # the places are known
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, WIDTH), ylim=(0, top + 0.35))
    ax.set_axis_off()
    for layer, left, right in zip(layers, places, places[1:], strict=False):
        draw_edges(ax, left, right, parameters[f"{layer}W"], gradients.get(f"{layer}W"))
        if f"{layer}b" in parameters:
            b, db = parameters[f"{layer}b"], gradients.get(f"{layer}b")
            draw_biases(ax, right, b, db)
    for (name, column), at in zip(values.items(), places, strict=True):
        draw_nodes(ax, at, column, slopes.get(name))
        ax.text(at[0][0], top + 0.2, name, ha="center", va="center", weight="bold")
    draw_key(ax, bool(gradients or slopes))
    return figure


def checked_all(
    what: str,
    arrays: Mapping[str, ArrayLike],
    shapes: Mapping[str, tuple[int | None, ...]],
) -> dict[str, NDArray[np.floating]]:
    """Return arrays that belong to a drawn network; see `checked`."""
    if unknown := [name for name in arrays if name not in shapes]:
        raise InputError(
            f"network_drawing: {what} has {unknown}, which belongs to nothing in the "
            f"drawing; there are {list(shapes)}."
        )
    return {
        name: checked("network_drawing", f"{name!r} of {what}", array, shapes[name])
        for name, array in arrays.items()
    }


def node_spacing(
    widths: Sequence[int], biases: bool, gradients: bool, slopes: bool
) -> tuple[float, float, float]:
    """Return the inches from node to node, and what stands above and below one."""
    above = BOX[1] / 2 + (0.2 + 0.2 * gradients) * biases
    below = BOX[1] / 2 + 0.22 * slopes
    labels = max(min(pair) + 1 for pair in pairwise(widths))
    step = max(above + below + 0.12, labels * (0.41 if gradients else 0.2))
    return step, above, below


def node_places(
    widths: Sequence[int], step: float, below: float
) -> list[list[tuple[float, float]]]:
    """Return for each column where its nodes stand, in inches from below left."""
    lowest = 0.5 + below  # the key stands under it
    return [
        [(float(x), lowest + step * ((max(widths) + n) / 2 - 1 - i)) for i in range(n)]
        for x, n in zip(np.linspace(0.6, WIDTH - 0.6, len(widths)), widths, strict=True)
    ]


def draw_edges(
    ax: Axes,
    left: Sequence[tuple[float, float]],
    right: Sequence[tuple[float, float]],
    W: NDArray[np.floating],
    dW: NDArray[np.floating] | None,
) -> None:
    """Draw the edges of a layer, each weight at its own height.

    With m targets, m not above the number of sources, the labels of all edges stand
    at equal distances where 1/(m + 1) of the way is gone; else the same from the right.
    """
    n, m = W.shape
    share = 1 / (m + 1) if m <= n else n / (n + 1)
    for i, j in np.ndindex(n, m):
        x0, y0 = left[i][0] + BOX[0] / 2, left[i][1]
        x1, y1 = right[j][0] - BOX[0] / 2, right[j][1]
        ax.plot([x0, x1], [y0, y1], color=BLUE, lw=1, marker="", zorder=1)
        x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
        if dW is None:
            write(ax, x, y, short(W[i, j]), GREEN)
        else:
            write(ax, x, y + 0.09, short(W[i, j]), GREEN)
            write(ax, x, y - 0.09, short(dW[i, j]), VERMILION)


def draw_biases(
    ax: Axes,
    places: Sequence[tuple[float, float]],
    b: NDArray[np.floating],
    db: NDArray[np.floating] | None,
) -> None:
    """Write the biases of a layer, and the gradients by them, above its nodes."""
    for k, (x, y) in enumerate(places):
        up = y + BOX[1] / 2 + 0.12
        if db is not None:
            write(ax, x, up, short(db[k]), VERMILION)
            up += 0.18
        write(ax, x, up, f"b {short(b[k])}", GREEN)


def draw_nodes(
    ax: Axes,
    places: Sequence[tuple[float, float]],
    values: NDArray[np.floating],
    slopes: NDArray[np.floating] | None,
) -> None:
    """Draw nodes as boxes with their values; the gradients stand below them."""
    for k, (x, y) in enumerate(places):
        draw_box(ax, x, y, short(values[k]))
        if slopes is not None:
            write(ax, x, y - BOX[1] / 2 - 0.12, short(slopes[k]), VERMILION)


def draw_box(ax: Axes, x: float, y: float, text: str) -> None:
    """Draw a box of the size BOX around a center, with a text in it."""
    width, height, pad = BOX[0] - 0.1, BOX[1] - 0.1, 0.05
    box = FancyBboxPatch(
        (x - width / 2, y - height / 2),
        width,
        height,
        boxstyle=f"round,pad={pad}",
        facecolor="#E3F0F8",
        edgecolor=BLUE,
        linewidth=1.5,
        zorder=2,
    )
    ax.add_patch(box)
    ax.text(x, y, text, fontsize=9, ha="center", va="center")


def draw_key(ax: Axes, backward: bool) -> None:
    """Say at the bottom of a drawn network what is written how."""
    draw_box(ax, 0.6, 0.2, "value")
    write(ax, 1.7, 0.2, "weight, bias b", GREEN)
    if backward:
        text = "gradient of the loss by what stands above"
        write(ax, 3.9, 0.2, text, VERMILION)


def write(ax: Axes, x: float, y: float, text: str, color: str) -> None:
    """Write into a drawn network; gradients, vermilion, stand in a dashed box."""
    box = {
        "boxstyle": "round,pad=0.12",
        "facecolor": "white",
        "edgecolor": VERMILION if color == VERMILION else "none",
        "linestyle": "--",
        "linewidth": 0.7,
    }
    ax.text(
        x,
        y,
        text,
        color=LETTERS[color],
        fontsize=9,
        ha="center",
        va="center_baseline",
        bbox=box,
    )


def short(number: SupportsFloat) -> str:
    """Return a number in about seven letters: two or three digits, a true minus."""
    value, size = float(number), abs(float(number))
    if value == 0 or 0.01 <= size < 999.5:
        text = f"{value:.3g}"
    else:
        text = f"{value:.2g}" if 0.001 <= size < 0.01 else f"{value:.1e}"
    return text.replace("e-0", "e-").replace("e+0", "e").replace("-", "−")


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
