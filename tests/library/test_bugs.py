"""The patients of the find-the-bug lab: each is sick, its twin is not."""

import numpy as np
import pytest
from backprop import InputError, SoftmaxCrossEntropy, check_gradients
from backprop.book.bugs import PATIENTS, BatchMaximum, patient

SIZES = (5, 6, 6, 3)
every = pytest.mark.parametrize("number", PATIENTS)
# The parameters that the check accuses, layer by layer from the input: W and b.
ACCUSED = {
    1: "WbWbWb",
    2: "WbWb..",
    3: ".b.b.b",
    4: "......",  # its bug shows with an outlier only
    5: "WbWbWb",
    6: "WbWb..",
    7: "WbWb..",
    8: "WbWb..",
}


def examples():
    """Return examples that put no weighted sum next to a kink of ReLU."""
    rng = np.random.default_rng(3)
    return rng.normal(size=(8, 5)), rng.integers(0, 3, size=8)


def check(number, healthy):
    """Check the gradients of a network that went back and forth once before."""
    network = patient(number, SIZES, np.float64, healthy)
    X, y = examples()
    network.loss.forward(network.forward(X, training=True), y)
    network.backward(network.loss.backward())
    return check_gradients(network, X, y, training=True)


@every
def test_the_check_accuses_what_the_bug_spoils_and_nothing_else(number):
    rows = check(number, healthy=False).rows
    accused = "".join(
        row.name[-1] if row.relative_error > 1e-3 else "." for row in rows
    )
    assert accused == ACCUSED[number]
    assert all(row.relative_error > 1e-2 for row in rows if row.relative_error > 1e-7)


@every
def test_the_healthy_twin_passes(number):
    assert check(number, healthy=True).worst <= 1e-7


def test_the_maximum_of_the_batch_is_right_until_there_is_an_outlier():
    Z, y = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 1, 2, 0])
    wrong, right = BatchMaximum(), SoftmaxCrossEntropy()
    assert wrong.forward(Z, y) == pytest.approx(right.forward(Z, y), rel=1e-12)
    np.testing.assert_allclose(wrong.backward(), right.backward(), rtol=1e-12)
    Z[0] = [2000, 0, 0]
    assert np.isfinite(right.forward(Z, y))
    assert not np.isfinite(wrong.forward(Z, y))


@every
@pytest.mark.parametrize("seed", [0, 1])
def test_patient_and_twin_begin_alike(number, seed):
    sick = patient(number, SIZES, seed=seed)
    healthy = patient(number, SIZES, healthy=True, seed=seed)
    assert sick.dtype == np.float32
    for name, W in sick.parameters.items():
        np.testing.assert_array_equal(W, healthy.parameters[name])
    wrong, right = PATIENTS[number]
    parts = [*sick.layers, sick.loss]
    assert any(type(part) is wrong for part in parts)
    assert not any(type(part) is wrong for part in [*healthy.layers, healthy.loss])
    assert issubclass(wrong, right)


def test_each_seed_draws_other_weights():
    first, second = (patient(1, SIZES, seed=seed).parameters["0.W"] for seed in (0, 1))
    np.testing.assert_array_equal(first, patient(1, SIZES).parameters["0.W"])
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("number", [0, 9, "1"])
def test_there_are_eight(number):
    with pytest.raises(InputError, match=f"numbers 1 to 8, but not {number!r}"):
        patient(number)
