"""Figures of digits: images, answers, weights as images, who is taken for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from backprop.errors import InputError
from backprop.plots.style import (
    BLUE,
    GRAY,
    GREEN,
    INK,
    LETTERS,
    VERMILION,
    WIDTH,
    check_some,
    check_titles,
)

if TYPE_CHECKING:
    from backprop.book.detection import Boxes


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


def boxes(
    images: Sequence[NDArray[np.floating]],
    found: Sequence[Boxes],
    truth: Sequence[Boxes],
    titles: Sequence[str] | None = None,
    columns: int = 3,
) -> Figure:
    """Show scenes with the boxes that are there and the boxes that were found.

    Parameters
    ----------
    images : n arrays (height, width)
        From 0, paper, to 1, ink.
    found : n Boxes
        Vermilion, with the digit that each is taken for at its upper left corner.
    truth : n Boxes
        Green and dashed.
    titles : n texts, optional
        One over each scene.
    columns : int, optional
        Scenes in a row.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no scene, or not one text and two `Boxes` for each.

    Examples
    --------
    >>> from backprop.book.detection import Boxes
    >>> one = Boxes(np.zeros(1, int), np.array([[2, 3, 9, 8]]), np.array([7]),
    ...             np.ones(1))
    >>> len(boxes([np.zeros((20, 20))], found=[one], truth=[one], columns=1).axes)
    1
    """
    check_some("boxes", "images", len(images))
    check_titles("boxes", titles, len(images))
    if not len(images) == len(found) == len(truth):
        raise InputError(
            f"boxes: each image needs the Boxes that were found and the true ones, but "
            f"there are {len(images)}, {len(found)} and {len(truth)}."
        )
    rows = ceil(len(images) / columns)
    cell = WIDTH / columns + (0 if titles is None else 0.25)
    figure = Figure(figsize=(WIDTH, rows * cell))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for i, (ax, image) in enumerate(zip(axes, images, strict=False)):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        frame(ax, 0, 0, *image.shape, color=GRAY, linewidth=0.8)
        for corners in truth[i].corners:
            frame(ax, *corners, color=GREEN, linewidth=2.2, linestyle="--")
        for corners, label in zip(found[i].corners, found[i].labels, strict=True):
            frame(ax, *corners, color=VERMILION, linewidth=1.4)
            ax.text(
                corners[1],
                corners[0],
                str(label),
                color=LETTERS[VERMILION],
                fontsize=9.5,
                fontweight="bold",
                ha="left",
                va="bottom",
                clip_on=False,
            )
        if titles is not None:
            ax.set_title(titles[i], fontsize=9.5, pad=10)
    return figure


def frame(
    ax: Axes, top: float, left: float, bottom: float, right: float, **style: Any
) -> None:
    """Draw the edge of a box of pixels; pixel 0 reaches from -0.5 to 0.5."""
    size = (right - left, bottom - top)
    ax.add_patch(Rectangle((left - 0.5, top - 0.5), *size, fill=False, **style))
