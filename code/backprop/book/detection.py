"""Finding digits in scenes: boxes, how well they fit, and a loss for class and place.

Section "Computer vision" of chapter "Applications" uses it. A box is a row (top, left,
bottom, right) in pixels; like a slice, it begins at the first two and ends before the
last two: ``scene[top:bottom, left:right]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.checks import check_share, check_whole, number
from backprop.dataset import Dataset
from backprop.errors import InputError
from backprop.losses import Loss, MeanSquaredError, SoftmaxCrossEntropy, check_outputs

Array = NDArray[np.floating]
TRIES = 20  # places that are tried for a digit before it is left out
GAP = 4  # pixels of paper at least between two boxes
PIECE = 9  # height and width of a torn-off piece of a digit, in pixels


@dataclass(frozen=True)
class Boxes:
    """Boxes in many scenes, true ones or found ones, a row for each.

    Attributes
    ----------
    scene : integer array (m,)
        The number of the scene that each box lies in.
    corners : array (m, 4)
        Top, left, bottom, right.
    labels : integer array (m,)
        The digit in each box.
    scores : array (m,)
        How sure its finder is; 1 for true boxes.

    Raises
    ------
    InputError
        If the lengths differ or the corners are not four a row.

    Examples
    --------
    >>> boxes = Boxes(np.array([0, 0, 1]), np.zeros((3, 4)), np.array([7, 1, 1]),
    ...               np.ones(3))
    >>> boxes, boxes[boxes.scene == 0].labels
    (Boxes(3), array([7, 1]))
    """

    scene: NDArray[np.integer]
    corners: NDArray[Any]
    labels: NDArray[np.integer]
    scores: Array

    def __post_init__(self) -> None:
        check_corners("Boxes", self.corners)
        lengths = [len(a) for a in (self.scene, self.labels, self.scores)]
        if set(lengths) - {len(self.corners)}:
            raise InputError(
                f"Boxes: each box needs a scene, corners, a label and a score, but "
                f"there are {lengths[0]}, {len(self.corners)}, {lengths[1]} and "
                f"{lengths[2]}."
            )

    def __len__(self) -> int:
        return len(self.corners)

    def __getitem__(self, chosen: slice | NDArray[Any]) -> Boxes:
        return Boxes(
            self.scene[chosen],
            self.corners[chosen],
            self.labels[chosen],
            self.scores[chosen],
        )

    def __repr__(self) -> str:
        return f"Boxes({len(self):,})"


def iou(A: NDArray[Any], B: NDArray[Any]) -> Array:
    """Intersection over union of each box of A with each box of B, equation (eq-iou).

    Parameters
    ----------
    A, B : arrays (n, 4) and (m, 4)
        Top, left, bottom, right.

    Returns
    -------
    array (n, m)
        From 0, apart, to 1, the same; 0 where both boxes are empty.

    Raises
    ------
    InputError
        If the corners are not four a row.

    Examples
    --------
    >>> iou(np.array([[0, 0, 10, 10]]), np.array([[0, 5, 10, 15]])).round(2)
    array([[0.33]])
    """
    check_corners("iou", A)
    check_corners("iou", B)
    first = np.maximum(A[:, np.newaxis, :2], B[np.newaxis, :, :2])  # (n, m, 2)
    last = np.minimum(A[:, np.newaxis, 2:], B[np.newaxis, :, 2:])
    shared = area(first, last)
    union = area(A[:, :2], A[:, 2:])[:, np.newaxis] + area(B[:, :2], B[:, 2:]) - shared
    return shared / np.maximum(union, np.finfo(float).tiny)


def area(first: NDArray[Any], last: NDArray[Any]) -> Array:
    """Return the areas between corners, arrays (…, 2); 0 where they are crossed."""
    return np.clip(last - first, 0.0, None).prod(axis=-1)


def non_maximum_suppression(
    corners: NDArray[Any], scores: Array, overlap: float = 0.3
) -> NDArray[np.integer]:
    """Keep the surest box and drop all that cover it too much, again and again.

    Parameters
    ----------
    corners : array (m, 4)
        Boxes found in one scene.
    scores : array (m,)
        How sure each of them is.
    overlap : float, optional
        A box is dropped if its `iou` with a surer one that is kept is larger.

    Returns
    -------
    integer array (kept,)
        Places of the boxes that are kept, the surest first.

    Raises
    ------
    InputError
        If corners and scores do not fit, or the overlap is no share.

    References
    ----------
    Girshick, Donahue, Darrell, Malik (2014), "Rich feature hierarchies for accurate
    object detection and semantic segmentation", section 2.2.

    Examples
    --------
    >>> corners = np.array([[0, 0, 9, 9], [0, 1, 9, 10], [20, 20, 29, 29]])
    >>> non_maximum_suppression(corners, np.array([0.8, 0.9, 0.7]))
    array([1, 2])
    """
    check_share("non_maximum_suppression", "overlap", overlap)
    check_scores(corners, scores)
    waiting = np.argsort(-scores, kind="stable")
    kept = []
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        covered = iou(corners[[best]], corners[waiting])[0]
        waiting = waiting[covered <= overlap]
    return np.array(kept, dtype=np.intp)


def hits(found: Boxes, truth: Boxes, overlap: float = 0.5) -> NDArray[np.bool_]:
    """Say of each found box, the surest first, whether it hits a true one.

    A hit lies in the scene of the true box, names its digit, and covers it well enough.
    Each true box can be hit once; a second box on it is a miss.

    Parameters
    ----------
    found, truth : Boxes
        What was found, and what is there.
    overlap : float, optional
        The least `iou` of a hit.

    Returns
    -------
    array of truth values (len(found),)
        In the order of falling scores.

    Raises
    ------
    InputError
        If the overlap is no share.

    Examples
    --------
    >>> truth = Boxes(np.array([0]), np.array([[0, 0, 9, 9]]), np.array([7]),
    ...               np.ones(1))
    >>> found = Boxes(np.array([0, 0]), np.array([[0, 1, 9, 9], [0, 0, 9, 9]]),
    ...               np.array([7, 7]), np.array([0.9, 0.8]))
    >>> hits(found, truth)
    array([ True, False])
    """
    check_share("hits", "overlap", overlap)
    free = np.ones(len(truth), dtype=bool)
    order = np.argsort(-found.scores, kind="stable")
    right = np.zeros(len(found), dtype=bool)
    for place, i in enumerate(order):
        here = np.flatnonzero(
            free & (truth.scene == found.scene[i]) & (truth.labels == found.labels[i])
        )
        if len(here) == 0:
            continue
        covered = iou(found.corners[[i]], truth.corners[here])[0]
        best = covered.argmax()
        if covered[best] >= overlap:
            right[place], free[here[best]] = True, False
    return right


def average_precision(right: NDArray[np.bool_], truths: int) -> float:
    """Mean, over all true boxes, of the precision at which each of them was found.

    Walk down the list of found boxes, the surest first. At each hit, note the share of
    hits so far. A true box that is never found counts 0.

    Parameters
    ----------
    right : array of truth values (found,)
        What `hits` returns.
    truths : int
        How many true boxes there are, at least 1 and no fewer than there are hits.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    InputError
        If there are no true boxes, or fewer than hits.

    Notes
    -----
    This is the area under the steps of precision over recall. PASCAL VOC and COCO
    smooth the steps first, which gives a slightly larger figure, and average over
    classes.

    Examples
    --------
    >>> average_precision(np.array([True, False, True]), truths=2)  # (1 + 2/3) / 2
    0.8333333333333333
    """
    check_whole("average_precision", truths=(truths, 1))
    right = np.asarray(right, dtype=bool)
    if right.sum() > truths:
        raise InputError(
            f"average_precision: there are {right.sum()} hits, but only {truths} true "
            f"boxes."
        )
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    return float(precision[right].sum() / truths)


class ClassAndBox(Loss):
    """Cross-entropy for what it is, plus squared error for where it is.

    Of the outputs of an example, the last four are a box a, the others the logits z.
    The last class means "nothing here": such an example has no box, and δ is 0 for it,
    else 1. With the true box t and N examples the loss is, equation (eq-joint-loss),

        L = 1/N · sum of ( -log p_y  +  weight · δ · 1/2 |a - t|² )

    and its gradient is two pieces side by side, (p - one_hot(y)) / N for the logits and
    weight · δ (a - t) / N for the box.

    Parameters
    ----------
    weight : float, optional
        How much a squared error counts beside cross-entropy, at least 0.

    Raises
    ------
    InputError
        If the weight is no number of at least 0.

    Examples
    --------
    >>> loss = ClassAndBox(weight=2)
    >>> outputs = np.array([[0.0, 0.0, 0.5, 0.5, 0.5, 0.5]])  # two logits, a box
    >>> round(loss.forward(outputs, np.array([[0, 0.5, 0.5, 0.5, 0.4]])), 3)
    0.703
    >>> loss.backward().round(2)
    array([[-0.5,  0.5,  0. ,  0. ,  0. ,  0.2]])
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = number(self, "weight", weight)
        self.what, self.where = SoftmaxCrossEntropy(), MeanSquaredError()

    def forward(self, outputs: Array, targets: NDArray[Any]) -> float:
        """Return the mean loss of a batch.

        Parameters
        ----------
        outputs : array (batch, classes + 4)
            Logits, then a box.
        targets : array (batch, 5)
            The label, then the true box (anything finite where there is none).

        Returns
        -------
        float
            At least 0.

        Raises
        ------
        InputError
            If shapes do not fit or a label is not one of the classes.
        """
        check_outputs(outputs)
        check_targets(outputs, targets)
        z, a = outputs[:, :-4], outputs[:, -4:]
        y, t = targets[:, 0].astype(int), targets[:, 1:]
        is_there = (y < z.shape[1] - 1)[:, np.newaxis]  # (batch, 1)
        what = self.what.forward(z, y)
        where = self.where.forward(a, np.where(is_there, t, a))
        return what + self.weight * where

    def backward(self) -> Array:
        """Return ∂L/∂outputs, shape (batch, classes + 4): two pieces side by side."""
        return np.hstack([self.what.backward(), self.weight * self.where.backward()])

    def decide(self, outputs: Array) -> NDArray[np.integer]:
        """Return the class of each example; its box are the last four outputs."""
        return self.what.decide(outputs[:, :-4])

    def answers(self, targets: NDArray[Any]) -> NDArray[np.integer] | None:
        """Return the labels (n,) among the targets (n, 5)."""
        return np.asarray(targets)[:, 0].astype(np.intp)


def paste_scenes(
    data: Dataset,
    count: int,
    rng: np.random.Generator,
    size: int = 64,
    most: int = 3,
    pieces: int = 2,
) -> tuple[Array, Boxes]:
    """Paste digits and torn-off pieces of digits on empty scenes.

    Their boxes, drawn tightly around the ink, keep a little apart. A digit that
    finds no room in a few tries is left out; the first always finds some.

    Parameters
    ----------
    data : Dataset
        Digits to take; each scene takes the next ones in a random order.
    count : int
        Scenes, at least 1.
    rng : numpy.random.Generator
        Draws order, number and places.
    size : int, optional
        Height and width of a scene in pixels, at least 28.
    most : int, optional
        A scene is meant to have from 1 to so many digits.
    pieces : int, optional
        Pieces of other digits in a scene, at least 0: ink that is no digit.

    Returns
    -------
    images : float32 array (count, size, size)
        0 is paper, 1 is ink.
    truth : Boxes
        Of the digits.

    Raises
    ------
    InputError
        If there are no digits, or a number is out of its range.

    Examples
    --------
    >>> from backprop import load_mnist
    >>> images, truth = paste_scenes(load_mnist("embedded").train, 5,
    ...                              np.random.default_rng(0))
    >>> images.shape, truth
    ((5, 64, 64), Boxes(12))
    """
    check_whole(
        "paste_scenes",
        count=(count, 1),
        size=(size, 28),
        most=(most, 1),
        pieces=(pieces, 0),
        digits=(len(data), 1),
    )
    images = np.zeros((count, size, size), np.float32)
    rows: list[tuple[int, ...]] = []
    order = rng.permutation(len(data))
    taken = 0
    for scene, image in enumerate(images):
        boxes: list[tuple[int, int, int, int]] = []
        digits = int(rng.integers(1, most + 1))
        for part in range(digits + pieces):
            chosen = order[taken % len(order)]
            taken += 1
            ink = data.inputs[chosen].reshape(28, 28)
            if part >= digits:
                ink = torn(ink, rng)
            box = place(image, ink, boxes, rng)
            if box is not None and part < digits:
                rows.append((scene, *box, int(data.targets[chosen])))
    table = np.array(rows)
    truth = Boxes(table[:, 0], table[:, 1:5], table[:, 5], np.ones(len(table)))
    return images, truth


def torn(ink: Array, rng: np.random.Generator) -> Array:
    """Return a small square piece of an image (28, 28), from its middle part."""
    top, left = rng.integers(4, 28 - 4 - PIECE, size=2)
    return ink[top : top + PIECE, left : left + PIECE]


def place(
    image: Array,
    ink: Array,
    boxes: list[tuple[int, int, int, int]],
    rng: np.random.Generator,
) -> tuple[int, int, int, int] | None:
    """Put ink where no box is near; return its own box, or None if there is no room.

    Both the image and the list of boxes are changed.
    """
    inside = ink_box(ink)
    if inside is None:
        return None
    height, width = ink.shape
    tries = rng.integers(0, np.array(image.shape) - ink.shape + 1, size=(TRIES, 2))
    for top, left in tries.tolist():
        first, second, third, fourth = inside.tolist()
        box = (first + top, second + left, third + top, fourth + left)
        if not any(touch(box, other) for other in boxes):
            part = image[top : top + height, left : left + width]
            np.maximum(part, ink, out=part)
            boxes.append(box)
            return box
    return None


def touch(
    one: tuple[int, int, int, int], other: tuple[int, int, int, int], gap: int = GAP
) -> bool:
    """Tell whether two boxes overlap or lie closer together than a gap of pixels.

    Examples
    --------
    >>> touch((0, 0, 5, 5), (0, 8, 5, 9), gap=3), touch((0, 0, 5, 5), (0, 8, 5, 9), 4)
    (False, True)
    """
    return (
        one[0] < other[2] + gap
        and other[0] < one[2] + gap
        and one[1] < other[3] + gap
        and other[1] < one[3] + gap
    )


def ink_box(ink: Array, least: float = 0.2) -> NDArray[np.integer] | None:
    """Return the tight box (top, left, bottom, right) of ink; None if there is none.

    Examples
    --------
    >>> ink_box(np.array([[0.0, 0.0, 0.0], [0.0, 0.9, 0.7]]))
    array([1, 1, 2, 3])
    """
    dark = ink > least
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    if len(rows) == 0:
        return None
    return np.array([rows[0], columns[0], rows[-1] + 1, columns[-1] + 1])


def check_corners(owner: str, corners: NDArray[Any]) -> None:
    """Raise `InputError` unless these are boxes, four numbers a row."""
    shape = np.shape(corners)
    if len(shape) != 2 or shape[1] != 4:
        raise InputError(
            f"{owner}: boxes must have shape (m, 4), a row (top, left, bottom, right) "
            f"for each, but have shape {shape}."
        )


def check_scores(corners: NDArray[Any], scores: Array) -> None:
    """Raise `InputError` unless each box has a score."""
    check_corners("non_maximum_suppression", corners)
    if np.shape(scores) != (len(corners),):
        raise InputError(
            f"non_maximum_suppression: there must be one score for each of the "
            f"{len(corners)} boxes, but scores have shape {np.shape(scores)}."
        )


def check_targets(outputs: Array, targets: NDArray[Any]) -> None:
    """Raise `InputError` unless there are logits and a box, and targets fit them."""
    if outputs.shape[1] < 6:
        raise InputError(
            f"ClassAndBox: outputs must be at least two logits and a box of four, but "
            f"are {outputs.shape[1]} a row."
        )
    if np.shape(targets) != (len(outputs), 5):
        raise InputError(
            f"ClassAndBox: targets must have shape ({len(outputs)}, 5), a label and a "
            f"box a row, but have shape {np.shape(targets)}."
        )
