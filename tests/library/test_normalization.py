"""Batch normalization, held against SymPy, autograd, and what it promises."""

import copy

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from backprop import (
    SGD,
    BatchNormalization,
    Dataset,
    Dense,
    InputError,
    Network,
    ReLU,
    SoftmaxCrossEntropy,
    load_mnist,
    train,
)
from backprop.oracles import symbolic
from oracles import error


def made(width=3, batch=6, seed=0, **settings):
    """Return a layer in float64 with numbers of its own, a batch, and slopes."""
    rng = np.random.default_rng(seed)
    layer = BatchNormalization(width, **settings)
    layer.initialize(rng, np.float64)
    layer.gamma[:], layer.beta[:] = rng.normal(size=(2, width))
    X = rng.normal(5, 3, size=(batch, width))
    return layer, X, rng.normal(size=(batch, width))


def test_in_training_each_feature_has_mean_0_and_variance_1():
    layer, X, _ = made(epsilon=1e-12)
    layer.gamma[:], layer.beta[:] = 1, 0
    A = layer.forward(X, training=True)
    np.testing.assert_allclose(A.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(A.var(axis=0), 1)


@pytest.mark.parametrize("batch", [2, 3, 4])
def test_forward_and_backward_agree_with_sympy(batch):
    derived = symbolic.batch_normalization(batch)
    layer, X, dA = made(1, batch, seed=batch, epsilon=1e-3)
    values = {
        derived.gamma: layer.gamma[0],
        derived.beta: layer.beta[0],
        derived.epsilon: layer.epsilon,
        **dict(zip(derived.X, X.ravel(), strict=True)),
        **dict(zip(derived.dA, dA.ravel(), strict=True)),
    }

    def value(expression):
        return np.array(sp.Matrix([expression]).subs(values), float).ravel()

    A = layer.forward(X, training=True)
    assert error(A.ravel(), value(derived.A)) < 1e-12
    assert error(layer.backward(dA).ravel(), value(derived.dX)) < 1e-9
    assert error(layer.dgamma, value(derived.dgamma)) < 1e-12
    assert error(layer.dbeta, value(derived.dbeta)) < 1e-12


@pytest.mark.parametrize("training", [True, False])
def test_backward_agrees_with_autograd(training):
    layer, X, dA = made()
    layer.mean[:], layer.variance[:] = 4.0, 2.5

    def loss(X, gamma, beta):
        mean, variance = layer.mean, layer.variance
        if training:
            mean, variance = anp.mean(X, axis=0), anp.var(X, axis=0)
        N = (X - mean) / anp.sqrt(variance + layer.epsilon)
        return anp.sum(dA * (gamma * N + beta))

    given = (X, layer.gamma, layer.beta)
    expected = [autograd.grad(loss, place)(*given) for place in range(3)]
    layer.forward(X, training)
    found = [layer.backward(dA), layer.dgamma, layer.dbeta]
    for ours, theirs in zip(found, expected, strict=True):
        assert error(ours, theirs) < 1e-12


def test_the_three_paths_cancel_what_all_examples_share():
    """Adding one number to a whole feature changes nothing; the slopes know it."""
    layer, X, dA = made()
    layer.forward(X, training=True)
    np.testing.assert_allclose(layer.backward(dA).sum(axis=0), 0, atol=1e-12)


def test_the_running_averages_forget_and_serve_outside_of_training():
    layer, X, _ = made(memory=0.75)
    layer.forward(X, training=True)
    np.testing.assert_allclose(layer.mean, 0.25 * X.mean(axis=0))
    np.testing.assert_allclose(layer.variance, 0.75 + 0.25 * X.var(axis=0))
    kept = layer.mean.copy()
    one, all_of_them = layer.forward(X[:1]), layer.forward(X)
    np.testing.assert_allclose(one, all_of_them[:1])
    np.testing.assert_array_equal(layer.mean, kept)


def with_normalization(seed=0):
    layers = [Dense(784, 20), BatchNormalization(20), ReLU(), Dense(20, 10)]
    return Network(layers, SoftmaxCrossEntropy(), seed=seed)


def test_it_learns_and_its_averages_go_along(tmp_path):
    digits = load_mnist("embedded")
    network = with_normalization()
    settings = {"validation": digits.validation, "patience": 1, "progress": False}
    history = train(
        network, digits.train[:1000], optimizer=SGD(0.5), epochs=6, **settings
    )
    assert history.validation_accuracy.max() > 0.8
    found = network.evaluate(digits.validation)
    assert found.loss == history.validation_loss.min()
    assert copy.deepcopy(network).evaluate(digits.validation) == found
    network.save(tmp_path / "network.npz")
    other = with_normalization(seed=1)
    other.load(tmp_path / "network.npz")
    assert other.evaluate(digits.validation) == found
    assert network.layers[1].mean.dtype == np.float32


def test_scale_and_shift_are_not_decayed():
    network = with_normalization()
    SGD(0.1, weight_decay=0.5).step(network)  # all gradients are still 0
    assert (network.layers[1].gamma == 1).all()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"width": 0}, "width must be a whole number of at least 1, but is 0"),
        ({"width": 3, "memory": 1}, "memory must be a number from 0 to below 1"),
        ({"width": 3, "epsilon": 0}, "epsilon must be a number above 0, but is 0"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(settings, told):
    with pytest.raises(InputError, match=told):
        BatchNormalization(**settings)


@pytest.mark.parametrize(
    ("X", "told"),
    [
        (np.zeros((4, 2)), r"X must have shape \(batch, 3\), but has shape \(4, 2\)"),
        (np.zeros((4, 3), np.float32), r"X is float32, but the parameters are float64"),
        (np.zeros((1, 3)), r"at least two examples, but has 1"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(X, told):
    layer, _, _ = made()
    with pytest.raises(InputError, match=told):
        layer.forward(X, training=True)


def test_a_last_example_left_alone_is_told():
    digits = load_mnist("embedded").train[:33]
    data = Dataset(digits.inputs, digits.targets)
    settings = {"epochs": 1, "batch_size": 32, "progress": False}
    with pytest.raises(InputError, match="Take another batch_size"):
        train(with_normalization(), data, optimizer=SGD(0.1), **settings)
