"""Figures of networks: values on their nodes, and what goes on in their layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import SupportsFloat

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from numpy.typing import ArrayLike, NDArray

from backprop.errors import InputError
from backprop.plots.style import (
    BLUE,
    GREEN,
    INK,
    LETTERS,
    VERMILION,
    WIDTH,
    check_some,
    checked,
)

BOX = (0.68, 0.28)  # inches: a node of a drawn network
TALL = (0.68, 0.44)  # inches: a box of a drawn computation, two lines
BOW = 0.4  # how far the arrows bend apart that lead from one box to the same other


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


def computation_graph(
    names: Sequence[str],
    values: ArrayLike,
    arrows: Sequence[tuple[int, int, float]],
    gradients: ArrayLike | None = None,
) -> Figure:
    """Draw a small computation: a box for each number, arrows to what is made from it.

    A box holds name and value, an arrow the slope that it multiplies by. The gradient
    of the result by each number stands below it, vermilion in a dashed box.

    Parameters
    ----------
    names : sequence of str
        What each number is called, in about eight letters, in topological order: each
        after all that it is made from, as `topological_order` lists them.
    values : array (numbers,)
        The numbers.
    arrows : sequence of (start, end, slope)
        The place of a number in the list, that of one made from it, and the slope of
        the second by the first. Two arrows may join the same two boxes.
    gradients : array (numbers,), optional
        The slope of the last number by each.

    Returns
    -------
    Figure
        What was put in stands in the column before the one where it is used first.

    Raises
    ------
    InputError
        If lengths differ, an arrow leads backward or nowhere, or the computation has
        more than five columns or rows, which cannot be read.

    Examples
    --------
    >>> figure = computation_graph(
    ...     ["w", "x", "w x"],
    ...     values=[0.5, 2.0, 1.0],
    ...     arrows=[(0, 2, 2.0), (1, 2, 0.5)],
    ...     gradients=[2.0, 0.5, 1.0],
    ... )
    """
    count = (len(names),)
    values = checked("computation_graph", "values", values, count)
    if gradients is not None:
        gradients = checked("computation_graph", "gradients", gradients, count)
    for start, end, _ in arrows:
        if not 0 <= start < end < len(names):
            raise InputError(
                f"computation_graph: an arrow leads from {start} to {end}, but must "
                f"lead to a later one of {len(names)} boxes, counted from 0."
            )
    columns, rows = box_places(len(names), [arrow[:2] for arrow in arrows])
    if max(columns) > 4 or max(rows) > 4:
        raise InputError(
            f"computation_graph: five columns and five rows can be read, but there are "
            f"{max(columns) + 1} and {max(rows) + 1:.0f}. Draw a smaller computation."
        )

    step = TALL[1] + 0.14 + 0.24 * (gradients is not None)
    height = 0.5 + step * (max(rows) + 1)
    figure = Figure(figsize=(WIDTH, height))
    figure.set_layout_engine("none")  # the places are known
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, WIDTH), ylim=(0, height))
    ax.set_axis_off()
    xs = np.linspace(0.4, WIDTH - 0.4, max(columns) + 1)
    at = [
        (float(xs[column]), height - 0.05 - TALL[1] / 2 - step * row)
        for column, row in zip(columns, rows, strict=True)
    ]
    for arrow in arrows:
        draw_arrow(ax, arrow, at, arrows)
    for k, ((x, y), name, value) in enumerate(zip(at, names, values, strict=True)):
        draw_box(ax, x, y, f"{name}\n{short(value)}", TALL)
        if gradients is not None:
            write(ax, x, y - TALL[1] / 2 - 0.13, short(gradients[k]), VERMILION)
    draw_box(ax, 0.6, 0.2, "value", BOX)
    write(ax, 1.9, 0.2, "on arrows: slope", INK)
    if gradients is not None:
        write(ax, 4.3, 0.2, "gradient of the result by it", VERMILION)
    return figure


def box_places(
    count: int, arrows: Sequence[tuple[int, int]]
) -> tuple[list[int], list[float]]:
    """Return the columns and the rows, from 0, of the boxes of a computation.

    A column is the longest way from what was put in; a row lies midway between those
    of the boxes that lead to it, or lower if others stand there.
    """
    made_from = [[start for start, end, *_ in arrows if end == k] for k in range(count)]
    columns = [0] * count
    for k in range(count):
        columns[k] = max((columns[start] + 1 for start in made_from[k]), default=0)
    for k in range(count):
        if not made_from[k]:  # beside its first use
            uses = (columns[end] - 1 for start, end in arrows if start == k)
            columns[k] = min(uses, default=0)
    rows, free = [0.0] * count, [0.0] * (max(columns) + 1)
    for k in sorted(range(count), key=lambda k: columns[k]):
        before = [rows[start] for start in made_from[k]]
        rows[k] = max(free[columns[k]], float(np.mean(before)) if before else 0)
        free[columns[k]] = rows[k] + 1
    return columns, rows


def draw_arrow(
    ax: Axes,
    arrow: tuple[int, int, float],
    at: Sequence[tuple[float, float]],
    arrows: Sequence[tuple[int, int, float]],
) -> None:
    """Draw an arrow between two boxes, its slope at most half of the way on.

    Arrows that join the same two boxes bow, so that each can be seen.
    """
    start, end, slope = arrow
    alike = [k for k, other in enumerate(arrows) if other[:2] == arrow[:2]]
    nth = next(i for i, k in enumerate(alike) if arrows[k] is arrow)
    bow = BOW * (2 * nth - (len(alike) - 1))
    x0, y0 = at[start][0] + TALL[0] / 2, at[start][1]
    x1, y1 = at[end][0] - TALL[0] / 2, at[end][1]
    line = FancyArrowPatch(
        (x0, y0),
        (x1, y1),
        connectionstyle=f"arc3,rad={bow}",
        arrowstyle="-|>",
        mutation_scale=10,
        shrinkA=0,
        shrinkB=0,
        color=BLUE,
        linewidth=1,
        zorder=1,
    )
    ax.add_patch(line)
    # A long arrow passes other boxes, so its slope stands before the first of them.
    gone = min(0.5, 0.45 / (x1 - x0))
    aside = 2 * gone * (1 - gone) * bow  # how far a bow lies off the straight line
    x = x0 + gone * (x1 - x0) + aside * (y1 - y0)
    y = y0 + gone * (y1 - y0) - aside * (x1 - x0)
    write(ax, x, y, short(slope), INK)


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
    """Return inches: from node to node, and of what is above and below a node."""
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
        draw_box(ax, x, y, short(values[k]), BOX)
        if slopes is not None:
            write(ax, x, y - BOX[1] / 2 - 0.12, short(slopes[k]), VERMILION)


def draw_box(
    ax: Axes, x: float, y: float, text: str, size: tuple[float, float]
) -> None:
    """Draw a box of a size in inches around a center, with a text in it."""
    width, height, pad = size[0] - 0.1, size[1] - 0.1, 0.05
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
    draw_box(ax, 0.6, 0.2, "value", BOX)
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
        color=LETTERS.get(color, color),
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
