"""The recurrent layer, held against finite differences, autograd, SymPy and a loop."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from backprop import (
    Dense,
    InputError,
    Network,
    SoftmaxCrossEntropy,
    check_gradients,
    he,
    zeros,
)
from backprop.recurrent import Recurrent
from hypothesis import given
from hypothesis import strategies as st
from oracles import central_differences, error

small = st.integers(1, 4)
seeds = st.integers(0, 10_000)


def made(steps, features, width, batch, seed):
    """Return a layer in float64, a batch of sequences, and slopes from above."""
    rng = np.random.default_rng(seed)
    layer = Recurrent(steps, features, width)
    layer.initialize(rng, np.float64)
    layer.b[:] = rng.normal(size=width)
    X = rng.normal(size=(batch, steps * features))
    return layer, X, rng.normal(size=(batch, width))


def by_hand(W, U, b, X, steps):
    """Return the last state, sequence by sequence and step by step."""
    states = []
    for row in X:
        h = anp.zeros(len(b))
        for x in row.reshape(steps, -1):
            h = anp.tanh(anp.dot(x, W) + anp.dot(h, U) + b)
        states.append(h)
    return anp.array(states)


@given(small, small, small, small, seeds)
def test_forward_is_its_formula(steps, features, width, batch, seed):
    layer, X, _ = made(steps, features, width, batch, seed)
    expected = by_hand(layer.W, layer.U, layer.b, X, steps)
    np.testing.assert_allclose(layer.forward(X), expected, rtol=1e-12)


@given(small, small, small, small, seeds)
def test_backward_agrees_with_autograd(steps, features, width, batch, seed):
    layer, X, dA = made(steps, features, width, batch, seed)

    def loss(W, U, b, X):
        return anp.sum(by_hand(W, U, b, X, steps) * dA)

    theirs = autograd.grad(loss, argnum=(0, 1, 2, 3))(layer.W, layer.U, layer.b, X)
    layer.forward(X)
    dX = layer.backward(dA)
    for claimed, expected in zip(
        (layer.dW, layer.dU, layer.db, dX), theirs, strict=True
    ):
        assert error(claimed, expected) <= 1e-10


@given(small, small, small, small, seeds)
def test_backward_agrees_with_finite_differences(steps, features, width, batch, seed):
    layer, X, dA = made(steps, features, width, batch, seed)

    def loss():
        return float((layer.forward(X) * dA).sum())

    measured = {
        name: central_differences(loss, array)
        for name, array in {**layer.parameters, "X": X}.items()
    }
    layer.forward(X)
    found = {"X": layer.backward(dA), **layer.gradients}
    for name, expected in measured.items():
        assert error(found[name], expected) <= 1e-7


def test_backward_agrees_with_sympy_through_three_steps():
    """One number in, one in the state: the weight u acts three times."""
    w, u, b = sp.symbols("w u b")
    xs, h = sp.symbols("x1:4"), sp.Integer(0)
    for x in xs:
        h = sp.tanh(x * w + h * u + b)
    values = {w: 0.7, u: -1.2, b: 0.3, **dict(zip(xs, (0.5, -1.0, 2.0), strict=True))}
    layer = Recurrent(3, 1, 1)
    layer.initialize(np.random.default_rng(0), np.float64)
    layer.W[:], layer.U[:], layer.b[:] = 0.7, -1.2, 0.3
    layer.forward(np.array([[0.5, -1.0, 2.0]]))
    dX = layer.backward(np.ones((1, 1)))
    found = [layer.dW.item(), layer.dU.item(), layer.db.item(), *dX[0]]
    for claimed, symbol in zip(found, (w, u, b, *xs), strict=True):
        assert claimed == pytest.approx(float(sp.diff(h, symbol).subs(values)))


def test_the_slopes_by_each_state_are_kept():
    """Of one step to the next: dH[t - 1] = dZ Uᵀ."""
    layer, X, dA = made(4, 2, 3, 5, seed=1)
    layer.forward(X)
    layer.backward(dA)
    np.testing.assert_array_equal(layer.dH[-1], dA)
    for t in (1, 2, 3):
        dZ = layer.dH[t] * (1 - layer.H[t + 1] ** 2)
        np.testing.assert_allclose(layer.dH[t - 1], dZ @ layer.U.T)


def test_with_one_step_it_is_a_dense_layer_with_tanh():
    layer, X, _ = made(1, 3, 2, 4, seed=2)
    np.testing.assert_allclose(layer.forward(X), np.tanh(X @ layer.W + layer.b))


def test_a_second_batch_starts_from_rest():
    layer, X, _ = made(3, 2, 2, 4, seed=3)
    first = layer.forward(X).copy()
    layer.forward(X + 1)
    np.testing.assert_array_equal(layer.forward(X), first)


def test_gradients_of_a_batch_do_not_add_to_those_before():
    layer, X, dA = made(3, 2, 2, 4, seed=3)
    layer.forward(X)
    layer.backward(dA)
    kept = layer.dU.copy()
    layer.backward(dA)
    np.testing.assert_array_equal(layer.dU, kept)


def test_it_passes_the_check_in_a_network_and_keeps_float32():
    layers = [Recurrent(4, 3, 5), Dense(5, 3)]
    network = Network(layers, loss=SoftmaxCrossEntropy(), seed=0, dtype=np.float64)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 12)), rng.integers(3, size=6)
    assert check_gradients(network, X, y).worst < 1e-7
    layer = Recurrent(4, 3, 5)
    assert layer.forward(X.astype(np.float32)).dtype == np.float32
    assert layer.backward(np.ones((6, 5), np.float32)).dtype == np.float32
    assert layer.backward(np.ones((6, 5), np.float32), input_gradient=False) is None


def test_initializations_are_those_of_each_weight():
    layer = Recurrent(2, 300, 200, initialization=he)
    assert layer.W.std() == pytest.approx(np.sqrt(2 / 300), rel=0.05)
    assert layer.U.std() == pytest.approx(np.sqrt(2 / 200), rel=0.05)
    assert not Recurrent(2, 3, 4, initialization=zeros).U.any()
    assert repr(layer) == "Recurrent(2, 300, 200)"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Recurrent(0, 2, 3), "steps must be a whole number of at least 1"),
        (lambda: Recurrent(1, 2.5, 3), "features must be"),
        (lambda: Recurrent(1, 2, 0), "width must be"),
        (
            lambda: Recurrent(3, 2, 4).forward(np.zeros((5, 7), np.float32)),
            r"shape \(batch, 6\), 3 steps of 2 numbers a row, but has shape \(5, 7\)",
        ),
        (lambda: Recurrent(3, 2, 4).forward([[1.0]]), "NumPy array|floating"),
    ],
)
def test_wrong_input_is_refused(call, said):
    with pytest.raises(InputError, match=said):
        call()
