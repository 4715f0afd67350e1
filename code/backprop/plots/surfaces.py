"""Figures of two numbers and what follows from them: losses and decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    MaxNLocator,
)
from numpy.typing import ArrayLike, NDArray

from backprop.errors import InputError
from backprop.plots.style import (
    COLORS,
    GRAY,
    INK,
    LINE_STYLES,
    MARKERS,
    WIDTH,
    check_few,
    checked,
    names_above,
)


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
