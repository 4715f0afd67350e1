"""What all figures share: colors, names on lines, and checks of what is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatterSciNotation
from numpy.typing import ArrayLike, NDArray

from backprop.errors import InputError

BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE, GRAY, INK = "#56B4E9", "#E69F00", "#6B6B6B", "#222222"
LETTERS = {VERMILION: "#B34E00", GREEN: "#00704F", PURPLE: "#A8487F"}  # darker, to read
COLORS = (BLUE, VERMILION, GREEN, PURPLE)
LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")
HATCHES = ("", "//", "..", "xx")
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


class PlainLogarithms(LogFormatterSciNotation):
    """Writes 30 and 0.6 on a logarithmic axis of less than three decades.

    There matplotlib's 3 × 10¹ and 6 × 10⁻¹ are longer than the numbers.
    """

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return what stands beside a tick, if something does."""
        text = super().__call__(x, pos)
        low, high = self.axis.get_view_interval()  # type: ignore[union-attr]
        return f"{x:,g}" if text and high < 1000 * low else text


def write_plainly(axis: Axis) -> None:
    """Let the ticks of a logarithmic axis be plain numbers, where that is shorter."""
    axis.set_major_formatter(PlainLogarithms())
    thresholds = (1.5, 0.6)  # decades below which some, or all, small ticks are named
    axis.set_minor_formatter(
        PlainLogarithms(labelOnlyBase=False, minor_thresholds=thresholds)
    )


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


def label_ends(ax: Axes, lines: Sequence[Line2D], gap: float = 0.08) -> None:
    """Write each line's name at its right end, no two closer than a gap.

    The gap is a share of the axes' height. A thin stroke leads to a name that had to
    move.
    """
    ax.autoscale_view()  # so that the limits are known before anything is drawn
    to_axes = ax.transData + ax.transAxes.inverted()
    ends = []
    for line in lines:
        points = to_axes.transform(line.get_xydata())
        ends.append((*points[points[:, 0].argmax()], line))
    ends.sort(key=lambda end: float(end[1]))
    heights = moved_apart([float(y) for _, y, _ in ends], gap)
    for (x, y, line), height in zip(ends, heights, strict=True):
        moved = abs(height - y) > gap / 4
        color = LETTERS.get(str(line.get_color()), str(line.get_color()))
        ax.annotate(
            str(line.get_label()),
            (x, y),
            xycoords="axes fraction",
            xytext=(x + 0.045 if moved else x + 0.015, height),
            textcoords="axes fraction",
            color=color,
            va="center",
            fontweight="bold",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.8, "shrinkA": 1}
            if moved
            else None,
        )


def moved_apart(heights: Sequence[float], gap: float) -> list[float]:
    """Return sorted heights, moved as little as leaves a gap between each two.

    Least squares under an order, by pooling neighbors that violate it
    (Ayer et al. 1955).
    """
    pools: list[tuple[float, int]] = []
    for number, height in enumerate(heights):
        pools.append((height - number * gap, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (below, n), (above, m) = pools[-2:]
            pools[-2:] = [((below * n + above * m) / (n + m), n + m)]
    starts = [mean for mean, count in pools for _ in range(count)]
    return [start + number * gap for number, start in enumerate(starts)]


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


def check_some(figure: str, things: str, count: int) -> None:
    """Raise `InputError` if there is nothing to show."""
    if count == 0:
        raise InputError(f"{figure}: there are no {things} to show.")


def check_few(figure: str, things: str, count: int, limit: int, remedy: str) -> None:
    """Raise `InputError` if there are more things than can be told apart."""
    if count > limit:
        raise InputError(
            f"{figure}: at most {limit} {things} can be told apart, but there are "
            f"{count}. {remedy}"
        )


def check_titles(figure: str, titles: Sequence[str] | None, count: int) -> None:
    """Raise `InputError` unless each image has a title, or none has."""
    if titles is not None and len(titles) != count:
        raise InputError(
            f"{figure}: {count} images need {count} titles, but there are "
            f"{len(titles)}. An empty text leaves one out."
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
