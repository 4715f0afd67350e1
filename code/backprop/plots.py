"""The figures that the chapters share, in one style.

Every function takes data, not a network, and returns a matplotlib ``Figure``.
Colors are those of Okabe and Ito (2008), told apart by color-blind readers too,
and never the only mark: lines carry their names, bars their hatches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from backprop.errors import InputError
from backprop.training import History

BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE, GRAY, INK = "#56B4E9", "#E69F00", "#6B6B6B", "#222222"
LINE_STYLES = ("-", "--", "-.", ":")
WIDTH = 5.8  # inches: fits a page, and a phone without shrinking much


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
            "axes.prop_cycle": cycler(
                color=[BLUE, VERMILION, GREEN, PURPLE],
                marker=["o", "s", "^", "D"],
            ),
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
                color=VERMILION if strong else INK,
                fontweight="bold" if strong else "normal",
            )
    return figure


def check_some(figure: str, things: str, count: int) -> None:
    """Raise `InputError` if there is nothing to show."""
    if count == 0:
        raise InputError(f"{figure}: there are no {things} to show.")


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
        color=VERMILION,
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
        color=color,
        va="center",
        fontweight="bold",
        annotation_clip=False,
    )


def line_chart(
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    x_label: str,
    y_label: str,
    log_y: bool = False,
    markers: bool = True,
) -> Figure:
    """Draw several lines over one axis, each with its name at its right end.

    Parameters
    ----------
    x : array (n,)
        Shared by all lines.
    series : mapping of name to array (n,)
        At most four lines.
    x_label, y_label : str
        What the axes show, with units.
    log_y : bool, optional
        Whether the vertical axis is logarithmic.
    markers : bool, optional
        Whether each point is marked; off for smooth curves.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no line, or more than four: they could not be told apart.

    Examples
    --------
    >>> figure = line_chart([1, 2], {"square": [1, 4]}, "side", "area")
    """
    check_some("line_chart", "series", len(series))
    if len(series) > len(LINE_STYLES):
        raise InputError(
            f"line_chart: at most {len(LINE_STYLES)} lines can be told apart, but "
            f"there are {len(series)}. Draw two charts."
        )
    figure = Figure(figsize=(WIDTH, 3.2))
    ax = figure.subplots()
    lines = []
    for (name, y), style in zip(series.items(), LINE_STYLES, strict=False):
        (line,) = ax.plot(x, np.asarray(y), ls=style, label=name)
        if not markers:
            line.set_marker("")
        lines.append(line)
    ax.set(xlabel=x_label, ylabel=y_label, yscale="log" if log_y else "linear")
    label_ends(ax, lines)
    return figure


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
            color=line.get_color(),
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
        color=VERMILION,
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
    spread_line(left, training, "training", BLUE, "-", "o", label_above=False)
    spread_line(left, validation, "validation", VERMILION, "--", "s")
    spread_line(right, accuracy, "validation", VERMILION, "--", "s")
    left.set(xlabel="epoch", ylabel="loss", yscale="log")
    left.margins(y=0.15)  # room for the name below the lowest line
    right.margins(y=0.15)  # and above the highest
    right.set(xlabel="epoch", ylabel="accuracy")
    right.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    for ax in (left, right):
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return figure


def spread_line(
    ax: Axes,
    runs: NDArray[np.floating],
    name: str,
    color: str,
    style: str,
    marker: str,
    label_above: bool = True,
) -> None:
    """Draw the mean of runs (runs, epochs) as a line, their span as a band."""
    epochs = np.arange(1, runs.shape[1] + 1)
    mean = runs.mean(axis=0)
    ax.fill_between(epochs, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.2)
    ax.plot(epochs, mean, color=color, ls=style, marker=marker, markersize=4)
    ax.annotate(
        name,
        (epochs[-1], mean[-1]),
        xytext=(0, 10 if label_above else -10),
        textcoords="offset points",
        color=color,
        ha="right",
        va="bottom" if label_above else "top",
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
                color=GREEN if i == j else INK,
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
    rows = ceil(units / columns)
    height = WIDTH / columns + (0 if titles is None else 0.2)
    figure = Figure(figsize=(WIDTH, rows * height + 0.1))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for unit, ax in enumerate(axes[:units]):
        image = W[:, unit].reshape(28, 28)
        limit = np.abs(image).max() or 1.0
        shown = ax.imshow(image / limit, cmap="PuOr_r", vmin=-1, vmax=1)
        if titles is not None:
            ax.set_title(titles[unit], fontsize=9.5, pad=3)
    bar = figure.colorbar(shown, ax=list(axes), shrink=0.8, ticks=[-1, 0, 1])
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
            color=color,
        )
    ax.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    for tick, (_, _, ours) in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if ours else "normal")
    ax.invert_yaxis()
    ax.set_xlim(0, 1.12 * max(error for _, error, _ in rows))
    ax.set_xlabel("test error (%)")
    return figure
