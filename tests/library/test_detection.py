"""Boxes held against counted pixels, scikit-learn, finite differences, SymPy."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from backprop import InputError, MeanSquaredError, SoftmaxCrossEntropy
from backprop.book.detection import (
    GAP,
    Boxes,
    ClassAndBox,
    average_precision,
    hits,
    ink_box,
    iou,
    non_maximum_suppression,
    paste_scenes,
)
from hypothesis import given
from hypothesis import strategies as st
from oracles import central_differences, error
from sklearn.metrics import average_precision_score

seeds = st.integers(0, 10_000)
counts = st.integers(1, 6)


def some_corners(rng, count):
    """Return boxes in whole pixels of a scene of 20 by 20, none of them empty."""
    first = rng.integers(0, 12, (count, 2))
    return np.hstack([first, first + rng.integers(1, 9, (count, 2))])


def pixels(box):
    """Return the places of the pixels in a box."""
    top, left, bottom, right = box
    return {(r, c) for r in range(top, bottom) for c in range(left, right)}


def boxes(*rows):
    """Return Boxes of rows (scene, corners, label, score)."""
    scene, corners, labels, scores = zip(*rows, strict=True)
    return Boxes(*map(np.array, (scene, corners, labels, scores)))


# Intersection over union ----------------------------------------------------------


@given(seeds, counts, counts)
def test_iou_is_a_count_of_pixels(seed, n, m):
    rng = np.random.default_rng(seed)
    A, B = some_corners(rng, n), some_corners(rng, m)
    expected = [
        [len(pixels(a) & pixels(b)) / len(pixels(a) | pixels(b)) for b in B] for a in A
    ]
    np.testing.assert_allclose(iou(A, B), expected, rtol=1e-12)


def test_iou_by_hand():
    """Two squares of 10 by 10, half a width apart: 50 of 150 pixels."""
    square = np.array([[0, 0, 10, 10]])
    assert iou(square, np.add(square, [0, 5, 0, 5])) == pytest.approx(1 / 3, rel=1e-15)


def test_iou_of_nothing_with_nothing_is_0():
    assert iou(np.array([[3, 3, 3, 3]]), np.array([[3, 3, 3, 3]])).tolist() == [[0]]


def test_iou_of_a_crossed_box_is_0():
    """A network may say a bottom above its top."""
    assert iou(np.array([[9.0, 0, 0, 9]]), np.array([[0.0, 0, 9, 9]])).tolist() == [[0]]


# Suppression ----------------------------------------------------------------------


@given(seeds, counts, st.sampled_from([0.0, 0.1, 0.3, 0.7, 0.99]))
def test_of_the_boxes_that_cover_each_other_the_surest_is_kept(seed, count, overlap):
    rng = np.random.default_rng(seed)
    corners, scores = some_corners(rng, count), rng.permutation(count) / count
    kept = non_maximum_suppression(corners, scores, overlap).tolist()
    assert scores[kept].tolist() == sorted(scores[kept], reverse=True)
    covered = iou(corners, corners)
    for i in kept:
        assert not any(covered[i, j] > overlap for j in kept if j != i)
    for i in set(range(count)) - set(kept):
        assert any(covered[i, j] > overlap and scores[j] > scores[i] for j in kept)


def test_of_no_boxes_none_are_kept():
    kept = non_maximum_suppression(np.zeros((0, 4)), np.zeros(0))
    assert kept.tolist() == []
    assert boxes((0, [0, 0, 1, 1], 1, 1.0))[kept].corners.shape == (0, 4)


# Hits and average precision -------------------------------------------------------

TRUTH = boxes(
    (0, [0, 0, 10, 10], 7, 1.0), (0, [20, 20, 30, 30], 1, 1.0), (1, [0, 0, 9, 9], 7, 1)
)


@pytest.mark.parametrize(
    ("row", "right"),
    [
        ((0, [0, 0, 10, 10], 7, 0.9), True),
        ((0, [0, 0, 10, 5], 7, 0.9), True),  # an IoU of one half is enough
        ((0, [0, 0, 10, 4], 7, 0.9), False),
        ((0, [0, 0, 10, 10], 1, 0.9), False),  # the place of a 7, the label of a 1
        ((2, [0, 0, 10, 10], 7, 0.9), False),  # no digit in this scene
        ((0, [20, 20, 30, 30], 1, 0.1), True),
    ],
)
def test_a_hit_has_scene_label_and_place(row, right):
    assert hits(boxes(row), TRUTH).tolist() == [right]


def test_a_true_box_is_hit_once_by_the_surest():
    found = boxes((0, [0, 0, 9, 10], 7, 0.2), (0, [0, 0, 10, 8], 7, 0.8))
    assert hits(found, TRUTH).tolist() == [True, False]
    assert hits(found, TRUTH, overlap=0.85).tolist() == [False, True]


def test_of_two_true_boxes_the_one_covered_better_is_hit():
    truth = boxes((0, [0, 0, 10, 10], 7, 1.0), (0, [0, 3, 10, 13], 7, 1.0))
    found = boxes((0, [0, 3, 10, 13], 7, 0.9), (0, [0, 0, 10, 10], 7, 0.8))
    assert hits(found, truth).tolist() == [True, True]


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 3))
def test_average_precision_agrees_with_scikit_learn(right, missed):
    """Which does not know of boxes that are never found: they only scale the mean."""
    found = sum(right)
    if found == 0:
        assert average_precision(np.array(right), missed + 1) == 0
        return
    theirs = average_precision_score(right, -np.arange(len(right)))
    ours = average_precision(np.array(right), found + missed)
    assert ours == pytest.approx(theirs * found / (found + missed), rel=1e-12)


def test_average_precision_by_hand():
    assert average_precision(np.array([True, False, True]), 2) == pytest.approx(5 / 6)
    assert average_precision(np.array([False, True, True]), 2) == pytest.approx(7 / 12)
    assert average_precision(np.array([], dtype=bool), 2) == 0


# Class and box --------------------------------------------------------------------

weights = st.sampled_from([0.0, 0.5, 10.0])


def made(batch, classes, seed):
    """Return outputs and targets; at random some examples show nothing."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=(batch, 1))
    return rng.normal(size=(batch, classes + 4)), np.hstack(
        [labels, rng.normal(size=(batch, 4))]
    )


def joint_loss(outputs, targets, weight):
    """Return the loss of equation (eq-joint-loss), in code that shares none of ours."""
    total = 0.0
    for row, target in zip(outputs, targets, strict=True):
        z, a, y = row[:-4], row[-4:], int(target[0])
        total = total + anp.log(anp.sum(anp.exp(z))) - z[y]
        if y < len(z) - 1:
            total = total + weight * anp.sum((a - target[1:]) ** 2) / 2
    return total / len(outputs)


@given(counts, st.integers(2, 5), seeds, weights)
def test_class_and_box_agrees_with_its_formula_and_autograd(
    batch, classes, seed, weight
):
    outputs, targets = made(batch, classes, seed)
    loss = ClassAndBox(weight)
    value = loss.forward(outputs, targets)
    assert value == pytest.approx(joint_loss(outputs, targets, weight), rel=1e-12)
    expected = autograd.grad(joint_loss)(outputs, targets, weight)
    assert error(loss.backward(), expected) <= 1e-12


@given(counts, st.integers(2, 5), seeds, weights)
def test_class_and_box_agrees_with_finite_differences(batch, classes, seed, weight):
    outputs, targets = made(batch, classes, seed)
    loss = ClassAndBox(weight)
    measured = central_differences(lambda: loss.forward(outputs, targets), outputs)
    loss.forward(outputs, targets)
    assert error(loss.backward(), measured) <= 1e-7


@pytest.mark.parametrize(("label", "delta"), [(0, 1), (1, 1), (2, 0)])
def test_class_and_box_agrees_with_sympy(label, delta):
    """Three classes, of which the last is nothing."""
    z, a, t = sp.symbols("z:3"), sp.symbols("a:4"), sp.symbols("t:4")
    what = -sp.log(sp.exp(z[label]) / sum(map(sp.exp, z)))
    where = sum((a[k] - t[k]) ** 2 for k in range(4)) / 2
    total = what + 10 * delta * where
    slopes = sp.lambdify((*z, *a, *t), [sp.diff(total, output) for output in (*z, *a)])
    outputs, targets = made(1, 3, seed=5)
    targets[0, 0] = label
    loss = ClassAndBox(10)
    loss.forward(outputs, targets)
    assert error(loss.backward()[0], slopes(*outputs[0], *targets[0, 1:])) <= 1e-12


def test_class_and_box_is_two_losses_side_by_side():
    outputs, targets = made(6, 4, seed=1)
    targets[:, 0] = [0, 1, 2, 0, 1, 2]  # a digit everywhere
    loss, what, where = ClassAndBox(2), SoftmaxCrossEntropy(), MeanSquaredError()
    value = loss.forward(outputs, targets)
    parts = what.forward(outputs[:, :4], targets[:, 0].astype(int))
    parts += 2 * where.forward(outputs[:, 4:], targets[:, 1:])
    assert value == pytest.approx(parts, rel=1e-14)
    np.testing.assert_allclose(loss.backward()[:, :4], what.backward(), rtol=1e-14)
    np.testing.assert_allclose(loss.backward()[:, 4:], 2 * where.backward())


def test_the_box_of_nothing_is_never_read():
    outputs, targets = made(4, 3, seed=2)
    targets[:, 0] = 2
    loss = ClassAndBox(10)
    value = loss.forward(outputs, targets)
    assert (loss.backward()[:, 3:] == 0).all()
    targets[:, 1:] += 100
    assert loss.forward(outputs, targets) == value


def test_class_and_box_keeps_float32():
    outputs, targets = made(3, 4, seed=0)
    loss = ClassAndBox(10)
    loss.forward(outputs.astype(np.float32), targets.astype(np.float32))
    assert loss.backward().dtype == np.float32


# Scenes ---------------------------------------------------------------------------


def scenes_of(digits, count=40, seed=0, **settings):
    return paste_scenes(digits.train, count, np.random.default_rng(seed), **settings)


def test_scenes_are_the_same_for_the_same_seed(digits):
    (one, truth), (same, again) = scenes_of(digits), scenes_of(digits)
    np.testing.assert_array_equal(one, same)
    np.testing.assert_array_equal(truth.corners, again.corners)
    assert not np.array_equal(one, scenes_of(digits, seed=1)[0])


def test_without_pieces_all_ink_lies_in_the_boxes_and_touches_their_edges(digits):
    images, truth = scenes_of(digits, pieces=0)
    outside = images > 0.2
    for scene, (top, left, bottom, right) in zip(
        truth.scene, truth.corners, strict=True
    ):
        inside = images[scene, top:bottom, left:right] > 0.2
        edges = inside[0], inside[-1], inside[:, 0], inside[:, -1]
        assert all(edge.any() for edge in edges)
        outside[scene, top:bottom, left:right] = False
    assert not outside.any()


def test_the_digit_in_a_box_is_the_one_of_its_label(digits):
    """Found again among all training images by its ink."""
    images, truth = scenes_of(digits, count=5, pieces=0)
    shapes = {}
    for ink, label in zip(digits.train.inputs, digits.train.targets, strict=True):
        ink = ink.reshape(28, 28)
        top, left, bottom, right = ink_box(ink)
        shapes[ink[top:bottom, left:right].tobytes()] = label
    for scene, (top, left, bottom, right), label in zip(
        truth.scene, truth.corners, truth.labels, strict=True
    ):
        assert shapes[images[scene, top:bottom, left:right].tobytes()] == label


def test_boxes_keep_apart(digits):
    images, truth = scenes_of(digits, count=60)
    assert len(np.unique(truth.scene)) == 60
    for scene in range(60):
        corners = truth.corners[truth.scene == scene]
        wider = np.add(corners, [-GAP, -GAP, 0, 0])  # a gap above and to the left
        shared = iou(wider, corners) - np.eye(len(corners)) * iou(wider, corners)
        assert not shared.any()
    assert images.min() >= 0
    assert images.max() <= 1


def test_pieces_are_ink_without_a_box(digits):
    plain, _ = scenes_of(digits, most=1, pieces=0)
    torn, truth = scenes_of(digits, most=1, pieces=3)
    assert torn.sum() > plain.sum()
    assert len(truth) == 40


def test_a_scene_has_up_to_the_digits_asked_for(digits):
    _, truth = scenes_of(digits, count=200, size=200, most=4, pieces=0)
    assert set(np.bincount(truth.scene, minlength=200)) == {1, 2, 3, 4}


def test_ink_box_of_empty_paper_is_none():
    assert ink_box(np.zeros((28, 28))) is None


# Wrong input ----------------------------------------------------------------------

ONE = boxes((0, [0, 0, 9, 9], 7, 1.0))
REFUSED = [
    (lambda _: iou(np.zeros(4), np.zeros((1, 4))), r"iou: .*shape \(4,\)"),
    (lambda _: iou(np.zeros((1, 4)), np.zeros((1, 5))), r"iou: .*shape \(1, 5\)"),
    (
        lambda _: Boxes(np.zeros(1, int), np.zeros((2, 4)), np.zeros(2), np.ones(2)),
        "there are 1, 2, 2 and 2",
    ),
    (lambda _: Boxes(np.zeros(1), np.zeros((1, 3)), np.zeros(1), np.ones(1)), "four|4"),
    (
        lambda _: non_maximum_suppression(np.zeros((2, 4)), np.zeros(3)),
        r"one score for each of the 2 boxes, .*\(3,\)",
    ),
    (
        lambda _: non_maximum_suppression(np.zeros((2, 4)), np.zeros(2), 1.5),
        "overlap must be",
    ),
    (lambda _: hits(ONE, ONE, overlap=-0.1), "overlap must be"),
    (lambda _: average_precision(np.ones(3, bool), 2), "3 hits, but only 2 true"),
    (lambda _: average_precision(np.ones(0, bool), 0), "truths must be"),
    (lambda _: ClassAndBox(-1), "weight must be .* but is -1"),
    (lambda _: ClassAndBox("1"), "weight must be .* but is '1'"),
    (
        lambda _: ClassAndBox().forward(np.zeros((2, 5)), np.zeros((2, 5))),
        "two logits and a box of four, but are 5",
    ),
    (
        lambda _: ClassAndBox().forward(np.zeros((2, 6)), np.zeros((2, 4))),
        r"shape \(2, 5\), .*\(2, 4\)",
    ),
    (
        lambda _: ClassAndBox().forward(np.zeros((1, 6)), np.full((1, 5), 2.0)),
        "labels run from 0 to 1, but there is a label 2",
    ),
    (lambda digits: scenes_of(digits, count=0), "count must be"),
    (lambda digits: scenes_of(digits, size=27), "size must be"),
    (lambda digits: scenes_of(digits, most=0), "most must be"),
    (lambda digits: scenes_of(digits, pieces=-1), "pieces must be"),
    (
        lambda digits: paste_scenes(digits.train[:0], 1, np.random.default_rng(0)),
        "digits must be",
    ),
]


@pytest.mark.parametrize(("call", "said"), REFUSED)
def test_wrong_input_is_refused_with_a_sentence(digits, call, said):
    with pytest.raises(InputError, match=said):
        call(digits)
