"""The gradient check: it must pass what is right and catch what is wrong."""

import numpy as np
import pytest
from backprop import (
    Dense,
    InputError,
    MeanSquaredError,
    Network,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
    check_gradients,
    numerical_gradient,
    relative_error,
)
from hypothesis import given
from hypothesis import strategies as st


def made(layers, loss=SoftmaxCrossEntropy, dtype=np.float64):
    """Return a network with biases that are not zero, and a batch for it."""
    network = Network(layers, loss(), seed=0, dtype=dtype)
    rng = np.random.default_rng(1)
    for name, array in network.parameters.items():
        if name.endswith("b"):
            array[:] = rng.normal(size=array.shape)
    X = rng.normal(size=(6, layers[0].inputs))
    return network, X, rng.integers(layers[-1].outputs, size=6)


def check(*layers, loss=SoftmaxCrossEntropy, **settings):
    return check_gradients(*made(layers, loss), **settings)


# The tools ------------------------------------------------------------------------


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 1000))
def test_numerical_gradient_of_a_known_function(rows, columns, seed):
    """By sin(x) + x³, entry by entry: the gradient is cos(x) + 3x²."""
    x = np.random.default_rng(seed).normal(size=(rows, columns))
    kept = x.copy()
    measured = numerical_gradient(lambda: float(np.sum(np.sin(x) + x**3)), x)
    np.testing.assert_allclose(measured, np.cos(x) + 3 * x**2, rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(x, kept)


def test_numerical_gradient_is_central():
    """Forward differences of x² would be off by h: here by a tenth."""
    x = np.array([3.0])
    measured = numerical_gradient(lambda: float(x[0] ** 2), x, h=0.1)
    assert measured[0] == pytest.approx(6, rel=1e-12)


def test_numerical_gradient_restores_after_a_failure():
    x = np.array([1.0, 2.0])

    def fail():
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        numerical_gradient(fail, x)
    assert x.tolist() == [1, 2]


@pytest.mark.parametrize(
    "x", [np.array([1, 2]), np.array([1.0], np.float32), [1.0, 2.0], 3.0]
)
def test_what_cannot_be_nudged_finely_is_refused(x):
    """Integers would be cut back to where they were: a gradient of zeros."""
    with pytest.raises(InputError, match=r"must be a float64 array, .*dtype=np\.float"):
        numerical_gradient(lambda: float(np.sum(x)), x)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1, 2], [1, 2], 0),
        ([1, 2], [-1, -2], 1),
        ([1, 0], [0, 0], 1),
        ([0, 0], [0, 0], 0),
        ([3, 4], [3, 4.02], 0.02 / (5 + np.hypot(3, 4.02))),
        ([1e-20], [3e-20], 0.5),
    ],
)
def test_relative_error_is_its_formula(a, b, expected):
    a, b = np.array(a, float), np.array(b, float)
    assert relative_error(a, b) == pytest.approx(expected, rel=1e-9)
    assert relative_error(a, b) == relative_error(b, a)


# What is right passes -------------------------------------------------------------


@pytest.mark.parametrize("activation", [Sigmoid, Tanh, ReLU])
@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, MeanSquaredError])
def test_a_right_network_passes(activation, loss):
    report = check(Dense(4, 5), activation(), Dense(5, 3), loss=loss)
    assert report.worst <= 1e-7
    names = [row.name for row in report.rows]
    assert names == ["0.W", "0.b", "2.W", "2.b"]
    assert [row.entries for row in report.rows] == [20, 5, 15, 3]


def test_the_weights_are_restored_to_the_last_bit():
    network, X, y = made([Dense(4, 5), Tanh(), Dense(5, 3)])
    before = {name: W.copy() for name, W in network.parameters.items()}
    check_gradients(network, X, y)
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(W, before[name])


def test_only_some_entries_are_checked_if_asked():
    report = check(Dense(4, 5), Tanh(), Dense(5, 3), entries=4)
    assert [row.entries for row in report.rows] == [4, 4, 4, 3]
    assert report.worst <= 1e-7


def test_a_report_prints_a_row_for_each_parameter():
    lines = str(check(Dense(4, 2))).splitlines()
    assert len(lines) == 3
    assert "relative error" in lines[0]
    assert lines[1].split()[:2] == ["0.W", "8"]
    assert float(lines[1].split()[2]) <= 1e-7


# What is wrong is caught ----------------------------------------------------------


class LostTranspose(Dense):
    """Fits all shapes as long as the layer is square."""

    def backward(self, dZ, input_gradient=True):
        super().backward(dZ, input_gradient)
        return dZ @ self.W


class BiasOfTheFirstRow(Dense):
    def backward(self, dZ, input_gradient=True):
        dX = super().backward(dZ, input_gradient)
        self.db[:] = dZ[0]
        return dX


class AlwaysOneReLU(ReLU):
    """The derivative ``output >= 0`` of the output: always 1."""

    def backward(self, dA, input_gradient=True):
        return dA * (self.A >= 0)


class SlopeForgotten(Sigmoid):
    def backward(self, dA, input_gradient=True):
        return dA.copy()


class MeanTwice(SoftmaxCrossEntropy):
    def backward(self):
        return super().backward() / len(self.labels)


class AddedUp(Dense):
    """Gradients that nobody reset."""

    def backward(self, dZ, input_gradient=True):
        old = self.dW.copy()
        dX = super().backward(dZ, input_gradient)
        self.dW += old + 1
        return dX


@pytest.mark.parametrize(
    ("layers", "wrong"),
    [
        ([Dense(4, 5), Tanh(), LostTranspose(5, 5), Tanh(), Dense(5, 3)], "0.W"),
        ([Dense(4, 5), Tanh(), BiasOfTheFirstRow(5, 3)], "2.b"),
        ([Dense(4, 5), AlwaysOneReLU(), Dense(5, 3)], "0.W"),
        ([Dense(4, 5), SlopeForgotten(), Dense(5, 3)], "0.b"),
        ([Dense(4, 5), Tanh(), AddedUp(5, 3)], "2.W"),
    ],
    ids=["transpose", "bias", "relu", "slope", "reset"],
)
def test_a_wrong_layer_is_caught_where_it_is_wrong(layers, wrong):
    report = check(*layers)
    errors = {row.name: row.relative_error for row in report.rows}
    assert errors[wrong] > 0.01
    assert report.worst > 0.01
    last = list(errors)[-2:]
    right = [name for name in last if name != wrong]
    assert all(errors[name] <= 1e-7 for name in right)


def test_a_mean_taken_twice_is_caught():
    assert check(Dense(4, 3), loss=MeanTwice).worst > 0.5


def test_a_gradient_that_is_no_number_is_never_called_right():
    """Wherever in the report it stands: NaN compares with nothing."""

    class NoNumber(Dense):
        def backward(self, dZ, input_gradient=True):
            dX = super().backward(dZ, input_gradient)
            self.db[:] = np.nan
            return dX

    for layers in ([NoNumber(4, 3)], [Dense(4, 3), Tanh(), NoNumber(3, 3)]):
        assert not check(*layers).worst <= 1e-7


def test_float32_is_refused():
    network, X, y = made([Dense(4, 3)], dtype=np.float32)
    with pytest.raises(InputError, match=r"needs a network with dtype=np\.float64;"):
        check_gradients(network, X, y)


@pytest.mark.parametrize("entries", [0, -1, 2.5, "all"])
def test_a_check_of_no_entries_is_refused(entries):
    """It would find nothing wrong."""
    with pytest.raises(InputError, match="entries must be a whole number of at least"):
        check(Dense(4, 3), entries=entries)


@pytest.mark.parametrize("h", [0, -1e-5, float("nan"), float("inf")])
def test_a_nudge_of_no_size_is_refused(h):
    with pytest.raises(InputError, match=rf"h must be above 0, but is {h}"):
        check(Dense(4, 3), h=h)


def test_a_network_without_parameters_is_refused():
    network = Network([Tanh()], SoftmaxCrossEntropy(), seed=0, dtype=np.float64)
    with pytest.raises(InputError, match="a network with parameters"):
        check_gradients(network, np.ones((2, 3)), np.array([0, 1]))
