"""The losses, held against formulas, finite differences, autograd and SymPy."""

import copy
import math
import re

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from backprop import (
    InputError,
    MeanSquaredError,
    SmoothedCrossEntropy,
    SoftmaxCrossEntropy,
    softmax,
)
from backprop.losses import one_hot
from backprop.oracles import symbolic
from hypothesis import given
from hypothesis import strategies as st
from oracles import central_differences, error

batches = st.integers(1, 6)
classes = st.integers(2, 6)
seeds = st.integers(0, 10_000)


def made(batch, outputs, seed):
    """Return random logits and labels."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 2, (batch, outputs)), rng.integers(outputs, size=batch)


# Softmax --------------------------------------------------------------------------


@given(batches, classes, seeds)
def test_softmax_is_its_formula(batch, outputs, seed):
    logits, _ = made(batch, outputs, seed)
    expected = [[math.exp(z) / sum(map(math.exp, row)) for z in row] for row in logits]
    np.testing.assert_allclose(softmax(logits), expected, rtol=1e-13)


@given(batches, classes, seeds, st.floats(-1000, 1000))
def test_softmax_does_not_see_a_shift_of_a_row(batch, outputs, seed, shift):
    logits, _ = made(batch, outputs, seed)
    shifts = shift * np.arange(1, batch + 1)[:, np.newaxis]
    shifted = softmax(logits + shifts)
    np.testing.assert_allclose(shifted, softmax(logits), rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_does_not_overflow(dtype):
    p = softmax(np.array([[1e4, -1e4, 1e4], [-1e4, -1e4, -1e4]], dtype))
    assert p.dtype == dtype
    np.testing.assert_allclose(p, [[0.5, 0, 0.5], [1 / 3] * 3], rtol=1e-6)


def test_softmax_takes_the_maximum_of_each_row():
    """With one maximum for the whole batch the second row would be 0 / 0."""
    p = softmax(np.array([[1e4, 0.0], [-1e4, -1e4]]))
    assert p.tolist() == [[1, 0], [0.5, 0.5]]


def test_softmax_takes_a_single_example_too():
    logits = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])
    for row, expected in zip(logits, softmax(logits), strict=True):
        np.testing.assert_array_equal(softmax(row), expected)


def test_softmax_leaves_the_logits_alone():
    logits = np.array([[1.0, 2.0]])
    softmax(logits)
    assert logits.tolist() == [[1, 2]]


# Softmax with cross-entropy -------------------------------------------------------


@given(batches, classes, seeds)
def test_cross_entropy_is_its_formula(batch, outputs, seed):
    logits, y = made(batch, outputs, seed)
    expected = -np.mean([math.log(softmax(logits)[i, k]) for i, k in enumerate(y)])
    loss = SoftmaxCrossEntropy().forward(logits, y)
    assert isinstance(loss, float)
    assert loss == pytest.approx(expected, rel=1e-12)


@given(batches, classes, seeds)
def test_cross_entropy_backward_agrees_with_finite_differences(batch, outputs, seed):
    logits, y = made(batch, outputs, seed)
    loss = SoftmaxCrossEntropy()
    measured = central_differences(lambda: loss.forward(logits, y), logits)
    loss.forward(logits, y)
    assert error(loss.backward(), measured) <= 1e-7


@given(batches, classes, seeds)
def test_cross_entropy_backward_agrees_with_autograd(batch, outputs, seed):
    logits, y = made(batch, outputs, seed)

    def theirs(Z):
        log_sums = anp.log(anp.sum(anp.exp(Z), axis=1))
        return anp.mean(log_sums - Z[anp.arange(batch), y])

    loss = SoftmaxCrossEntropy()
    assert loss.forward(logits, y) == pytest.approx(theirs(logits), rel=1e-12)
    assert error(loss.backward(), autograd.grad(theirs)(logits)) <= 1e-12


@pytest.mark.parametrize(("outputs", "label"), [(2, 0), (3, 2), (10, 7)])
def test_cross_entropy_backward_agrees_with_sympy(outputs, label):
    derived = symbolic.softmax_cross_entropy(outputs, label)
    logits, _ = made(1, outputs, seed=5)
    in_numbers = sp.lambdify(derived.logits, [derived.loss, derived.gradient])
    value, gradient = in_numbers(*logits[0])
    loss = SoftmaxCrossEntropy()
    assert loss.forward(logits, np.array([label])) == pytest.approx(value, rel=1e-12)
    assert error(loss.backward()[0], gradient) <= 1e-12


def test_cross_entropy_backward_agrees_with_sympy_for_a_symbolic_number_of_classes():
    _, derived = symbolic.softmax_cross_entropy_any_size()
    logits, _ = made(1, 4, seed=6)
    label = 2
    symbols = {str(s): s for s in derived.free_symbols}
    z, y, j, n = sp.IndexedBase("z"), symbols["y"], symbols["j"], symbols["n"]
    expected = []
    for place in range(4):
        entry = derived.subs({n: 4, y: label + 1, j: place + 1}).doit()
        numbers = {z[k + 1]: logits[0, k] for k in range(4)}
        expected.append(float(entry.subs(numbers)))
    loss = SoftmaxCrossEntropy()
    loss.forward(logits, np.array([label]))
    assert error(loss.backward()[0], expected) <= 1e-12


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_does_not_overflow(dtype):
    logits = np.array([[1e4, -1e4], [1e4, -1e4], [-1e4, -1e4]], dtype)
    loss = SoftmaxCrossEntropy()
    value = loss.forward(logits, np.array([0, 1, 0]))
    assert value == pytest.approx((0 + 2e4 + math.log(2)) / 3, rel=1e-6)
    gradient = loss.backward()
    assert gradient.dtype == dtype
    expected = np.array([[0, 0], [1, -1], [-0.5, 0.5]]) / 3
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)


def test_cross_entropy_takes_the_maximum_of_each_row():
    rows, y = np.array([[900.0, 0.0], [-1.0, 1.0]]), np.array([0, 1])
    together, alone = SoftmaxCrossEntropy(), SoftmaxCrossEntropy()
    total = sum(alone.forward(rows[[i]], y[[i]]) for i in range(2))
    assert together.forward(rows, y) == pytest.approx(total / 2, rel=1e-14)
    np.testing.assert_allclose(2 * together.backward()[[1]], alone.backward())


def test_cross_entropy_knowing_nothing_is_the_logarithm_of_the_classes():
    loss = SoftmaxCrossEntropy()
    assert loss.forward(np.zeros((4, 10)), np.arange(4)) == pytest.approx(math.log(10))


# Smoothed cross-entropy -----------------------------------------------------------

shares = st.floats(0, 0.99)


@given(batches, classes, seeds, shares)
def test_smoothed_cross_entropy_is_that_against_softer_rows(
    batch, outputs, seed, smoothing
):
    logits, y = made(batch, outputs, seed)
    Q = (1 - smoothing) * one_hot(y, outputs) + smoothing / outputs

    def theirs(Z):
        log_sums = anp.log(anp.sum(anp.exp(Z), axis=1, keepdims=True))
        return anp.sum(Q * (log_sums - Z)) / batch

    loss = SmoothedCrossEntropy(smoothing)
    value = loss.forward(logits, y)
    assert isinstance(value, float)
    assert value == pytest.approx(theirs(logits), rel=1e-12)
    gradient = loss.backward()
    assert error(gradient, autograd.grad(theirs)(logits)) <= 1e-12
    measured = central_differences(lambda: loss.forward(logits, y), logits)
    assert error(gradient, measured) <= 1e-7


@pytest.mark.parametrize(("outputs", "label"), [(2, 0), (3, 2), (10, 7)])
def test_smoothed_cross_entropy_agrees_with_sympy(outputs, label):
    derived = symbolic.smoothed_cross_entropy(outputs, label)
    logits, _ = made(1, outputs, seed=5)
    symbols = [*derived.logits, sp.Symbol("s", positive=True)]
    in_numbers = sp.lambdify(symbols, [derived.loss, derived.gradient])
    value, gradient = in_numbers(*logits[0], 0.3)
    loss = SmoothedCrossEntropy(0.3)
    assert loss.forward(logits, np.array([label])) == pytest.approx(value, rel=1e-12)
    assert error(loss.backward()[0], gradient) <= 1e-12


def test_without_smoothing_it_is_cross_entropy():
    logits, y = made(5, 4, seed=0)
    plain, smoothed = SoftmaxCrossEntropy(), SmoothedCrossEntropy(0)
    assert plain.forward(logits, y) == smoothed.forward(logits, y)
    np.testing.assert_array_equal(plain.backward(), smoothed.backward())


def test_smoothing_is_a_tenth_unless_said_and_stays_in_a_copy():
    assert repr(SmoothedCrossEntropy()) == "SmoothedCrossEntropy()"
    loss = SmoothedCrossEntropy(0.25)
    loss.forward(*made(5, 4, seed=0))
    copied = copy.deepcopy(loss)
    assert vars(copied) == {"smoothing": 0.25}


# Squared error --------------------------------------------------------------------


@given(batches, classes, seeds)
def test_squared_error_is_its_formula(batch, outputs, seed):
    rng = np.random.default_rng(seed)
    A, T = rng.normal(size=(2, batch, outputs))
    expected = sum((a - t) ** 2 for a, t in zip(A.flat, T.flat, strict=True))
    loss = MeanSquaredError().forward(A, T)
    assert isinstance(loss, float)
    assert loss == pytest.approx(expected / (2 * batch), rel=1e-12)


@given(batches, classes, seeds)
def test_squared_error_backward_agrees_with_finite_differences(batch, outputs, seed):
    rng = np.random.default_rng(seed)
    A, T = rng.normal(size=(2, batch, outputs))
    loss = MeanSquaredError()
    measured = central_differences(lambda: loss.forward(A, T), A)
    loss.forward(A, T)
    assert error(loss.backward(), measured) <= 1e-7


@given(batches, classes, seeds)
def test_squared_error_backward_agrees_with_autograd(batch, outputs, seed):
    rng = np.random.default_rng(seed)
    A, T = rng.normal(size=(2, batch, outputs))
    loss = MeanSquaredError()
    loss.forward(A, T)
    expected = autograd.grad(lambda A: anp.sum((A - T) ** 2) / (2 * batch))(A)
    assert error(loss.backward(), expected) <= 1e-12


def test_squared_error_backward_agrees_with_sympy():
    """By the loss of the chain: half the squared distance, one example."""
    a, t = sp.symbols("a t", real=True)
    derivative = sp.lambdify((a, t), sp.diff((a - t) ** 2 / 2, a))
    loss = MeanSquaredError()
    loss.forward(np.array([[0.7]]), np.array([[0.2]]))
    assert error(loss.backward(), [[derivative(0.7, 0.2)]]) <= 1e-12


@given(batches, classes, seeds)
def test_squared_error_takes_labels_for_their_one_hot_rows(batch, outputs, seed):
    A, y = made(batch, outputs, seed)
    T = np.array([[float(k == label) for k in range(outputs)] for label in y])
    by_label, by_row = MeanSquaredError(), MeanSquaredError()
    assert by_label.forward(A, y) == by_row.forward(A, T)
    np.testing.assert_array_equal(by_label.backward(), by_row.backward())


def test_squared_error_keeps_float32():
    loss = MeanSquaredError()
    loss.forward(np.zeros((3, 2), np.float32), np.ones((3, 2)))
    assert loss.backward().dtype == np.float32


# All losses ----------------------------------------------------------------------

all_losses = pytest.mark.parametrize(
    "make", [SoftmaxCrossEntropy, SmoothedCrossEntropy, MeanSquaredError]
)


@all_losses
@given(batch=batches, outputs=classes, seed=seeds, times=st.integers(2, 4))
def test_repeated_rows_have_the_same_loss_and_gradient(
    make, batch, outputs, seed, times
):
    """The 1/batch is there, and once: each copy carries its share."""
    A, y = made(batch, outputs, seed)
    once, repeated = make(), make()
    value = once.forward(A, y)
    again = repeated.forward(np.tile(A, (times, 1)), np.tile(y, times))
    assert again == pytest.approx(value, rel=1e-12)
    shares = repeated.backward().reshape(times, batch, outputs)
    for share in shares:
        np.testing.assert_allclose(times * share, once.backward(), rtol=1e-12)


@all_losses
@given(batch=batches, outputs=classes, seed=seeds)
def test_order_of_examples_and_classes_does_not_matter(make, batch, outputs, seed):
    A, y = made(batch, outputs, seed)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(batch), rng.permutation(outputs)
    renamed = np.argsort(columns)[y]  # where each label's column has gone
    plain, permuted = make(), make()
    value = plain.forward(A, y)
    again = permuted.forward(A[rows][:, columns], renamed[rows])
    assert again == pytest.approx(value, rel=1e-12)
    expected = plain.backward()[rows][:, columns]
    np.testing.assert_allclose(permuted.backward(), expected, rtol=1e-9, atol=1e-15)


@all_losses
def test_a_loss_leaves_the_outputs_alone(make):
    A, y = made(3, 4, seed=0)
    kept = A.copy()
    loss = make()
    loss.forward(A, y)
    loss.backward()
    loss.backward()
    np.testing.assert_array_equal(A, kept)


@all_losses
def test_backward_twice_gives_the_same(make):
    A, y = made(3, 4, seed=0)
    loss = make()
    loss.forward(A, y)
    np.testing.assert_array_equal(loss.backward(), loss.backward())


@all_losses
@pytest.mark.parametrize("label", [-1, 10, 255])
def test_a_label_out_of_range_is_named(make, label):
    y = np.array([3, label, 9])
    with pytest.raises(
        InputError,
        match=rf"With 10 outputs, labels run from 0 to 9, .* label {label}\.",
    ):
        make().forward(np.zeros((3, 10)), y)


@all_losses
def test_backward_before_forward_is_said(make):
    said = rf"{re.escape(repr(make()))}: call forward first"
    with pytest.raises(InputError, match=said):
        make().backward()


@all_losses
def test_labels_for_a_single_output_are_refused_with_the_remedy(make):
    with pytest.raises(
        InputError, match=r"label 1\. .*MeanSquaredError and float .* \(batch, 1\)"
    ):
        make().forward(np.zeros((3, 1)), np.array([0, 1, 0]))


def test_flat_targets_for_a_single_output_are_refused_with_the_remedy():
    with pytest.raises(InputError, match=r"shape \(3,\)\. .*float .* \(batch, 1\)"):
        MeanSquaredError().forward(np.zeros((3, 1)), np.array([0.5, 1.0, 0.0]))


def test_float_labels_are_refused_with_the_remedy():
    with pytest.raises(InputError, match=r"whole numbers .* float64.*astype\(int\)"):
        SoftmaxCrossEntropy().forward(np.zeros((2, 3)), np.array([0.0, 1.0]))


def test_float_labels_for_squared_error_are_a_wrong_shape():
    with pytest.raises(InputError, match=r"outputs' shape \(2, 3\).* shape \(2,\)"):
        MeanSquaredError().forward(np.zeros((2, 3)), np.array([0.0, 1.0]))


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((3,), r"one label for each of the 2 outputs.*\(2,\)"),
        ((), r"one label for each of the 2 outputs.*\(2,\)"),
        ((2, 3), r"rows, of shape \(2, 3\).*labels\.argmax\(axis=1\)"),
        ((2, 1), r"rows, of shape \(2, 1\).*labels\.ravel\(\)"),
    ],
)
def test_labels_of_a_wrong_shape_are_refused(shape, told):
    with pytest.raises(InputError, match=told):
        SoftmaxCrossEntropy().forward(np.zeros((2, 3)), np.zeros(shape, int))


def test_targets_of_a_wrong_shape_are_refused():
    with pytest.raises(InputError, match=r"shape \(2, 3\) .* have shape \(3, 2\)"):
        MeanSquaredError().forward(np.zeros((2, 3)), np.zeros((3, 2)))


@all_losses
@pytest.mark.parametrize("shape", [(3,), (0, 3), (2, 0), (2, 3, 4)])
def test_outputs_that_are_no_batch_are_refused(make, shape):
    with pytest.raises(InputError, match=r"batch of outputs.*but got shape \("):
        make().forward(np.zeros(shape), np.zeros(2, int))
