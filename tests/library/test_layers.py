"""The layers, held against loops, finite differences, autograd and SymPy."""

import copy
import pickle

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from backprop import (
    Dataset,
    Dense,
    Dropout,
    InputError,
    Network,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
    check_gradients,
    glorot,
    he,
    zeros,
)
from backprop.oracles import symbolic
from hypothesis import given
from hypothesis import strategies as st
from oracles import away_from_zero, central_differences, error

ACTIVATIONS = {"sigmoid": Sigmoid, "tanh": Tanh, "relu": ReLU}
IN_AUTOGRAD = {
    "sigmoid": lambda Z: 1 / (1 + anp.exp(-Z)),
    "tanh": anp.tanh,
    "relu": lambda Z: anp.maximum(Z, 0),
}
activations = pytest.mark.parametrize("name", ACTIVATIONS)
widths = st.integers(1, 6)
seeds = st.integers(0, 10_000)


def made_dense(inputs, outputs, rng):
    """Return a float64 layer whose biases are not zero either."""
    layer = Dense(inputs, outputs)
    layer.initialize(rng, np.float64)
    layer.b[:] = rng.normal(size=outputs)
    return layer


# Dense ----------------------------------------------------------------------------


@given(widths, widths, widths, seeds)
def test_dense_forward_is_a_weighted_sum(batch, inputs, outputs, seed):
    rng = np.random.default_rng(seed)
    layer = made_dense(inputs, outputs, rng)
    X = rng.normal(size=(batch, inputs))
    expected = [
        [
            sum(x[i] * layer.W[i, k] for i in range(inputs)) + layer.b[k]
            for k in range(outputs)
        ]
        for x in X
    ]
    assert error(layer.forward(X), expected) <= 1e-14


@given(widths, widths, widths, seeds)
def test_dense_backward_agrees_with_finite_differences(batch, inputs, outputs, seed):
    rng = np.random.default_rng(seed)
    layer = made_dense(inputs, outputs, rng)
    X, dZ = rng.normal(size=(batch, inputs)), rng.normal(size=(batch, outputs))

    def loss():
        return np.sum(dZ * layer.forward(X))

    loss()
    dX = layer.backward(dZ)
    assert error(dX, central_differences(loss, X)) <= 1e-7
    assert error(layer.dW, central_differences(loss, layer.W)) <= 1e-7
    assert error(layer.db, central_differences(loss, layer.b)) <= 1e-7


@given(widths, widths, widths, seeds)
def test_dense_backward_agrees_with_autograd(batch, inputs, outputs, seed):
    rng = np.random.default_rng(seed)
    layer = made_dense(inputs, outputs, rng)
    X, dZ = rng.normal(size=(batch, inputs)), rng.normal(size=(batch, outputs))

    def loss(X, W, b):
        return anp.sum(dZ * (anp.dot(X, W) + b))

    layer.forward(X)
    dX = layer.backward(dZ)
    theirs = autograd.grad(loss, (0, 1, 2))(X, layer.W, layer.b)
    for claimed, expected in zip((dX, layer.dW, layer.db), theirs, strict=True):
        assert error(claimed, expected) <= 1e-12


@pytest.mark.parametrize("shape", [(3, 2, 2), (2, 3, 4), (1, 1, 1), (3, 3, 3)])
def test_dense_backward_agrees_with_sympy(shape):
    """Square shapes are among them, where a lost transpose breaks no shape."""
    derived = symbolic.dense_layer(*shape)
    rng = np.random.default_rng(0)
    layer = made_dense(shape[1], shape[2], rng)
    X, dZ = rng.normal(size=shape[:2]), rng.normal(size=(shape[0], shape[2]))
    layer.forward(X)
    dX = layer.backward(dZ)
    symbols = [*derived.X, *derived.W, *derived.b, *derived.dZ]
    numbers = np.concatenate([a.ravel() for a in (X, layer.W, layer.b, dZ)])
    results = sp.lambdify(symbols, [derived.dX, derived.dW, derived.db])(*numbers)
    assert error(dX, results[0]) <= 1e-12
    assert error(layer.dW, results[1]) <= 1e-12
    assert error(layer.db[np.newaxis], results[2]) <= 1e-12


def test_dense_without_input_gradient_returns_none_and_fills_the_others():
    rng = np.random.default_rng(0)
    layer = made_dense(4, 3, rng)
    X, dZ = rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    layer.forward(X)
    assert layer.backward(dZ, input_gradient=False) is None
    np.testing.assert_allclose(layer.dW, X.T @ dZ, rtol=1e-14)
    np.testing.assert_allclose(layer.db, dZ.sum(axis=0), rtol=1e-14)


def test_dense_has_parameters_and_gradients_under_the_same_keys():
    layer = Dense(3, 2)
    assert list(layer.parameters) == list(layer.gradients) == ["W", "b"]
    assert layer.parameters["W"] is layer.W
    assert layer.parameters["b"] is layer.b
    assert layer.gradients["W"] is layer.dW
    assert layer.gradients["b"] is layer.db
    assert layer.W.shape == layer.dW.shape == (3, 2)
    assert layer.b.shape == layer.db.shape == (2,)


@given(st.integers(2, 6), widths, widths, seeds)
def test_dense_treats_rows_alike_in_any_order(batch, inputs, outputs, seed):
    rng = np.random.default_rng(seed)
    layer = made_dense(inputs, outputs, rng)
    X, dZ = rng.normal(size=(batch, inputs)), rng.normal(size=(batch, outputs))
    order = rng.permutation(batch)
    Z = layer.forward(X).copy()
    dX, dW, db = layer.backward(dZ).copy(), layer.dW.copy(), layer.db.copy()
    np.testing.assert_allclose(layer.forward(X[order]), Z[order], rtol=1e-12)
    np.testing.assert_allclose(layer.backward(dZ[order]), dX[order], rtol=1e-12)
    assert error(layer.dW, dW) <= 1e-14
    assert error(layer.db, db) <= 1e-14


def test_dense_backward_is_called_by_the_names_of_its_equation():
    layer = made_dense(2, 1, np.random.default_rng(0))
    layer.forward(np.ones((3, 2)))
    assert layer.backward(dZ=np.ones((3, 1))).shape == (3, 2)


def test_gradients_are_replaced_not_added_up():
    rng = np.random.default_rng(0)
    layer = made_dense(3, 2, rng)
    layer.forward(rng.normal(size=(4, 3)))
    dZ = rng.normal(size=(4, 2))
    layer.backward(dZ)
    once = layer.dW.copy()
    layer.backward(dZ)
    np.testing.assert_array_equal(layer.dW, once)


# Activations ----------------------------------------------------------------------


@activations
def test_activation_forward_is_its_formula(name):
    Z = np.linspace(-30, 30, 240).reshape(-1, 3)
    expected = sp.lambdify(symbolic.z, symbolic.ACTIVATIONS[name])(Z)
    np.testing.assert_allclose(ACTIVATIONS[name]().forward(Z), expected, atol=1e-15)


@activations
@given(batch=widths, width=widths, seed=seeds)
def test_activation_backward_agrees_with_finite_differences(name, batch, width, seed):
    rng = np.random.default_rng(seed)
    layer, dA = ACTIVATIONS[name](), rng.normal(size=(batch, width))
    Z = away_from_zero(rng, (batch, width))

    def loss():
        return np.sum(dA * layer.forward(Z))

    loss()
    assert error(layer.backward(dA), central_differences(loss, Z)) <= 1e-7


@activations
@given(batch=widths, width=widths, seed=seeds)
def test_activation_backward_agrees_with_autograd(name, batch, width, seed):
    rng = np.random.default_rng(seed)
    layer, dA = ACTIVATIONS[name](), rng.normal(size=(batch, width))
    Z = away_from_zero(rng, (batch, width))
    expected = autograd.grad(lambda Z: anp.sum(dA * IN_AUTOGRAD[name](Z)))(Z)
    layer.forward(Z)
    assert error(layer.backward(dA), expected) <= 1e-12


@activations
def test_activation_backward_agrees_with_sympy(name):
    derivative = sp.lambdify(symbolic.z, symbolic.activation_derivative(name))
    rng = np.random.default_rng(0)
    layer, Z = ACTIVATIONS[name](), rng.normal(0, 3, (20, 7))
    dA = rng.normal(size=Z.shape)
    layer.forward(Z)
    assert error(layer.backward(dA), dA * derivative(Z)) <= 1e-12


def test_relu_has_slope_0_at_0_exactly():
    layer = ReLU()
    layer.forward(np.array([[0.0, -0.0, 1e-300, -1e-300]]))
    assert layer.backward(np.full((1, 4), 5.0)).tolist() == [[0, 0, 5, 0]]


@activations
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activation_does_not_overflow(name, dtype):
    """A warning would fail this test too."""
    layer, Z = ACTIVATIONS[name](), np.array([[-1e4, 1e4, 0.0]], dtype)
    A = layer.forward(Z)
    dZ = layer.backward(np.ones_like(Z))
    assert np.isfinite(A).all()
    assert np.isfinite(dZ).all()
    assert A.dtype == dZ.dtype == dtype


@activations
def test_activation_backward_is_called_by_the_names_of_its_equation(name):
    layer = ACTIVATIONS[name]()
    layer.forward(np.ones((3, 2)))
    assert layer.backward(dA=np.ones((3, 2))).shape == (3, 2)


def test_sigmoid_is_exact_in_the_middle_and_0_far_below():
    Z = np.array([[-100.0, -12.0, -3.0, 0.0]], np.float32)
    layer = Sigmoid()
    A = layer.forward(Z).copy()
    slopes = layer.backward(np.ones_like(Z))
    exact = 1 / (1 + np.exp(-Z.astype(np.float64)))
    np.testing.assert_allclose(A[:, 1:], exact[:, 1:], rtol=0.01)
    assert A[0, 0] == slopes[0, 0] == 0


@activations
def test_activation_has_no_parameters(name):
    assert ACTIVATIONS[name]().parameters == {}
    assert ACTIVATIONS[name]().gradients == {}


# Dropout --------------------------------------------------------------------------

rates = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9])


def made_dropout(rate, seed=0):
    """Return a layer that draws its masks from a generator of its own."""
    layer = Dropout(rate)
    layer.initialize(np.random.default_rng(seed))
    return layer


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(rate=rates, batch=widths, width=widths, seed=seeds)
def test_dropout_silences_or_scales(dtype, rate, batch, width, seed):
    X = np.random.default_rng(seed).normal(size=(batch, width)).astype(dtype)
    dropout = made_dropout(rate, seed)
    A = dropout.forward(X, training=True)
    assert A.dtype == dropout.M.dtype == dtype
    assert set(dropout.M.flat) <= {0, dtype(1) / dtype(1 - rate)}
    np.testing.assert_array_equal(A, X * dropout.M)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.25, 0.5, 0.9])
def test_dropout_silences_its_share(rate):
    """Within five standard deviations of a fair coin; each row and column too."""
    rows, columns = 400, 300
    silent = made_dropout(rate).forward(np.ones((rows, columns)), training=True) == 0
    spread = 5 * np.sqrt(rate * (1 - rate))
    assert abs(silent.mean() - rate) <= spread / np.sqrt(silent.size)
    assert np.abs(silent.mean(axis=0) - rate).max() <= spread / np.sqrt(rows)
    assert np.abs(silent.mean(axis=1) - rate).max() <= spread / np.sqrt(columns)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_over_many_masks_dropout_gives_what_it_gives_outside_of_training(rate):
    masks = 4000
    X = np.random.default_rng(1).normal(size=(3, 5))
    dropout = made_dropout(rate)
    mean = sum(dropout.forward(X, training=True) for _ in range(masks)) / masks
    deviation = np.abs(X) * np.sqrt(rate / (1 - rate) / masks)
    assert (np.abs(mean - dropout.forward(X)) <= 5 * deviation).all()


def test_each_batch_and_each_place_has_a_mask_of_its_own():
    """Two that hang together agree more often than every second time."""
    dropout, X = made_dropout(0.5), np.ones((200, 50))
    first = dropout.forward(X, training=True).copy()
    second = dropout.forward(X, training=True)
    pairs = (first, second), (first[1:], first[:-1]), (first[:, 1:], first[:, :-1])
    for one, other in pairs:
        assert abs(np.mean(one == other) - 0.5) <= 5 * 0.5 / np.sqrt(one.size)


@given(rate=rates, batch=widths, width=widths, seed=seeds)
def test_dropout_backward_has_the_mask_and_the_scale_of_forward(
    rate, batch, width, seed
):
    rng = np.random.default_rng(seed)
    X, dA = rng.normal(size=(batch, width)), rng.normal(size=(batch, width))
    dropout = made_dropout(rate, seed)
    dropout.forward(X, training=True)
    M = dropout.M.copy()
    expected = autograd.grad(lambda X: anp.sum(dA * (X * M)))(X)
    np.testing.assert_array_equal(dropout.backward(dA), expected)

    def loss():
        dropout.initialize(np.random.default_rng(seed))  # the same mask again
        return np.sum(dA * dropout.forward(X, training=True))

    assert error(expected, central_differences(loss, X)) <= 1e-7


def test_outside_of_training_dropout_hands_on_what_it_is_given():
    """Even after a step of training, whose mask is over."""
    dropout, X, dA = Dropout(0.5), np.ones((3, 4)), np.full((3, 4), 2.0)
    dropout.forward(X, training=True)
    kept = copy.deepcopy(dropout.rng).random()
    assert dropout.forward(X) is X
    assert dropout.backward(dA) is dA
    assert dropout.rng.random() == kept


def test_dropout_of_none_changes_nothing_in_training_either():
    X = np.random.default_rng(0).normal(size=(50, 40))
    dropout = Dropout(0)
    np.testing.assert_array_equal(dropout.forward(X, training=True), X)
    np.testing.assert_array_equal(dropout.backward(2 * X), 2 * X)


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_a_chance_of_the_rate_exactly_is_kept(rate):
    """Once in 16 million draws the chance is 0: dropout of none must not silence it."""

    class Exactly:
        def random(self, shape, dtype):
            return np.full(shape, rate, dtype)

    dropout = Dropout(rate)
    dropout.initialize(Exactly())
    X = np.ones((2, 3))
    np.testing.assert_array_equal(dropout.forward(X, training=True), X / (1 - rate))


def test_a_mask_hangs_neither_on_the_type_nor_on_the_order_in_memory():
    X = np.random.default_rng(0).normal(size=(6, 5, 4, 3))
    same = [X, X.astype(np.float32), np.asfortranarray(X), X.repeat(2, 3)[..., ::2]]
    silent = [made_dropout(0.5).forward(Y, training=True) == 0 for Y in same]
    for other in silent[1:]:
        np.testing.assert_array_equal(other, silent[0])


@pytest.mark.parametrize(
    "rate", [1, 1.0, 1.5, 50, -0.1, np.nan, np.inf, "0.5", None, 1j, [0.5], True]
)
def test_a_rate_that_is_no_probability_below_1_is_refused(rate):
    with pytest.raises(InputError) as caught:
        Dropout(rate)
    assert str(caught.value) == (
        f"Dropout: rate must be a number from 0 to below 1, but is {rate!r}."
    )


@pytest.mark.parametrize("rate", [0, 0.5, np.float64(0.5), np.float32(0.25)])
def test_dropout_prints_as_it_is_typed(rate):
    assert repr(Dropout(rate)) == f"Dropout({float(rate)})"


def made_dropout_network(layers, seed=0, dtype=np.float64):
    """Return a network and a batch for it."""
    network = Network(layers, SoftmaxCrossEntropy(), seed=seed, dtype=dtype)
    rng = np.random.default_rng(1)
    return network, rng.normal(size=(6, 8)), rng.integers(3, size=6)


def between(dropout, *, first=0.25):
    """Return layers with dropout before the first and before the last weights."""
    return [Dropout(first), Dense(8, 20), Tanh(), dropout, Dense(20, 3)]


def masks_of(network, X):
    network.forward(X, training=True)
    return [layer.M.copy() for layer in network.layers if isinstance(layer, Dropout)]


def test_the_seed_of_the_network_decides_the_masks():
    made = [made_dropout_network(between(Dropout(0.5)), seed) for seed in (3, 3, 4)]
    first, same, other = (
        [M for _ in range(3) for M in masks_of(network, X)] for network, X, _ in made
    )
    for one, two in zip(first, same, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not any(map(np.array_equal, first, other))


def test_the_masks_are_the_next_numbers_of_the_networks_generator():
    network, X, _ = made_dropout_network(between(Dropout(0.5)))
    rng = copy.deepcopy(network.rng)
    for _ in range(2):
        for M, rate, shape in zip(
            masks_of(network, X), (0.25, 0.5), ((6, 8), (6, 20)), strict=True
        ):
            kept = rng.random(shape, np.float32) >= rate
            np.testing.assert_array_equal(M, kept / (1 - rate))


def test_two_dropouts_of_a_network_draw_different_masks():
    layers = [Dropout(0.5), Dropout(0.5), Dense(8, 3)]
    network, X, _ = made_dropout_network(layers)
    assert not np.array_equal(*masks_of(network, X))


def test_measuring_silences_nothing_and_draws_nothing():
    network, X, y = made_dropout_network(between(Dropout(0.9)))
    without, _, _ = made_dropout_network(between(Dropout(0), first=0))
    for name, W in without.parameters.items():
        W[:] = network.parameters[name]
    before = network.rng.bit_generator.state
    data = Dataset(X, y)
    assert network.evaluate(data) == without.evaluate(data)
    np.testing.assert_array_equal(network.predict(X), without.predict(X))
    np.testing.assert_array_equal(network.forward(X), without.forward(X))
    assert network.rng.bit_generator.state == before


@pytest.mark.parametrize("training", [True, False])
def test_a_network_with_dropout_passes_the_gradient_check(training):
    network, X, y = made_dropout_network(between(Dropout(0.5)))
    before = network.rng.bit_generator.state
    report = check_gradients(network, X, y, training=training)
    assert report.worst <= 1e-7
    assert network.rng.bit_generator.state == before


def test_the_gradient_check_looks_at_the_masks_if_asked():
    """A check that goes another way than the training would prove nothing."""
    network, X, y = made_dropout_network(between(Dropout(0.5)))
    check_gradients(network, X, y)
    assert network.layers[3].M is None
    check_gradients(network, X, y, training=True)
    assert (network.layers[3].M == 0).any()


class MaskMissing(Dropout):
    def backward(self, dA, input_gradient=True):
        return dA if self.M is None else dA / (1 - self.rate)


class ScaleMissing(Dropout):
    def backward(self, dA, input_gradient=True):
        return dA if self.M is None else dA * (self.M > 0)


class AnotherMask(Dropout):
    def backward(self, dA, input_gradient=True):
        if self.M is None:
            return dA
        return dA * (self.rng.random(dA.shape) >= self.rate) / (1 - self.rate)


@pytest.mark.parametrize("wrong", [MaskMissing, ScaleMissing, AnotherMask])
def test_a_wrong_dropout_is_caught_in_training_and_only_there(wrong):
    network, X, y = made_dropout_network(between(wrong(0.5)))
    report = check_gradients(network, X, y, training=True)
    errors = {row.name: row.relative_error for row in report.rows}
    assert errors["1.W"] > 0.01
    assert errors["1.b"] > 0.01
    assert errors["4.W"] <= 1e-7
    assert check_gradients(network, X, y).worst <= 1e-7


# All layers -----------------------------------------------------------------------


class InTraining(Dropout):
    """Dropout that stands among the other layers, always at work."""

    def forward(self, X, training=True):
        return super().forward(X, training)


LAYERS = {
    "dense": lambda: made_dense(3, 3, np.random.default_rng(1)),
    **ACTIVATIONS,
    "dropout": lambda: InTraining(0.5),
}
layers = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


@layers
def test_a_layer_changes_nothing_it_is_given(make):
    rng = np.random.default_rng(0)
    X, d_output = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    kept = X.copy(), d_output.copy()
    layer = make()
    layer.forward(X)
    layer.backward(d_output)
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(d_output, kept[1])


@layers
def test_a_layer_reused_for_other_batches_is_like_a_fresh_one(make):
    """A larger, then a smaller batch must not see what is left in the buffers."""
    rng = np.random.default_rng(0)
    used = make()
    for batch in (4, 7, 2, 7, 1):
        X, d_output = rng.normal(size=(batch, 3)), rng.normal(size=(batch, 3))
        fresh = make()
        if isinstance(used, Dropout):
            fresh.rng = copy.deepcopy(used.rng)
        np.testing.assert_array_equal(used.forward(X), fresh.forward(X))
        np.testing.assert_array_equal(used.backward(d_output), fresh.backward(d_output))
        for name, gradient in fresh.gradients.items():
            np.testing.assert_array_equal(used.gradients[name], gradient)


@layers
def test_a_layer_keeps_forward_and_backward_apart(make):
    """The gradient must not be written over the output that it needs."""
    rng = np.random.default_rng(0)
    layer, X = make(), rng.normal(size=(4, 3))
    A = layer.forward(X)
    kept = A.copy()
    layer.backward(rng.normal(size=(4, 3)))
    np.testing.assert_array_equal(A, kept)


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
}
copied = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)


@layers
@copied
def test_a_copy_of_a_layer_works_alike_and_apart(make, copied):
    rng = np.random.default_rng(0)
    layer, X = make(), rng.normal(size=(4, 3))
    dA = rng.normal(size=(4, 3))
    layer.backward(layer.forward(X))
    other = copied(layer)
    assert repr(other) == repr(layer)
    outputs = layer.forward(X).copy(), layer.backward(dA).copy()
    np.testing.assert_array_equal(other.forward(X), outputs[0])
    np.testing.assert_array_equal(other.backward(dA), outputs[1])
    for name, W in layer.parameters.items():
        np.testing.assert_array_equal(other.parameters[name], W)
        np.testing.assert_array_equal(other.gradients[name], layer.gradients[name])
        assert not np.shares_memory(other.parameters[name], W)


@layers
@copied
def test_a_copy_of_a_layer_holds_nothing_of_the_batch(make, copied):
    layer = make()
    untouched = len(pickle.dumps(layer))
    layer.backward(layer.forward(np.ones((1000, 3))).copy())
    assert len(pickle.dumps(layer)) <= untouched + 100
    other = copied(layer)
    learned = {id(a) for a in (*other.parameters.values(), *other.gradients.values())}
    held = [a for a in vars(other).values() if isinstance(a, np.ndarray)]
    assert {id(a) for a in held} == learned


def test_a_copy_of_dropout_goes_on_with_the_same_masks():
    dropout, X = made_dropout(0.5), np.ones((4, 3))
    dropout.forward(X, training=True)
    other = copy.deepcopy(dropout)
    for _ in range(3):
        np.testing.assert_array_equal(
            other.forward(X, training=True), dropout.forward(X, training=True)
        )


# Initialization -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("initialization", "variance"), [(he, 2 / 300), (glorot, 2 / 500), (zeros, 0)]
)
def test_initialization_has_its_variance(initialization, variance):
    W = initialization(np.random.default_rng(0), 300, 200)
    assert W.shape == (300, 200)
    # 60,000 draws: their variance is within 3 % unless the formula is another.
    np.testing.assert_allclose(W.var(), variance, rtol=0.03)
    assert abs(W.mean()) < 0.002


def test_initialization_hangs_on_the_generator_alone():
    first, second = Dense(5, 4), Dense(5, 4)
    first.initialize(np.random.default_rng(3))
    second.initialize(np.random.default_rng(3))
    np.testing.assert_array_equal(first.W, second.W)
    second.initialize(np.random.default_rng(4))
    assert not np.array_equal(first.W, second.W)
    assert not first.b.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dense_has_one_type_throughout(dtype):
    layer = Dense(3, 2, initialization=glorot)
    layer.initialize(np.random.default_rng(0), dtype)
    Z = layer.forward(np.ones((4, 3), dtype))
    dX = layer.backward(np.ones((4, 2), dtype))
    arrays = (Z, dX, layer.W, layer.b, layer.dW, layer.db)
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_dense_uses_the_initialization_it_is_given():
    assert not Dense(3, 2, initialization=zeros).W.any()


@pytest.mark.parametrize("shape", [(2, 3), (3,), (3, 2, 1), (1, 2)])
def test_an_initialization_of_another_shape_is_refused(shape):
    """One row would be spread over all rows without a word."""
    with pytest.raises(
        InputError, match=r"Dense\(3, 2\): the initialization must .* \(3, 2\), but"
    ):
        Dense(3, 2, initialization=lambda rng, inputs, outputs: np.zeros(shape))


# Errors ---------------------------------------------------------------------------


@pytest.mark.parametrize("width", [0, -3, 2.5, "4", None])
def test_dense_refuses_a_width_that_is_none(width):
    with pytest.raises(InputError, match=r"Dense: inputs must be a whole number"):
        Dense(width, 3)
    with pytest.raises(InputError, match=r"Dense: outputs must .* at least 1, but is"):
        Dense(3, width)


def test_dense_takes_a_width_computed_by_numpy():
    assert repr(Dense(np.int64(4), np.int32(3))) == "Dense(4, 3)"


@pytest.mark.parametrize("shape", [(5, 3), (4,), (2, 2, 4), ()])
def test_dense_says_which_layer_and_which_shapes(shape):
    with pytest.raises(InputError) as caught:
        Dense(4, 2).forward(np.zeros(shape, np.float32))
    message = str(caught.value)
    assert message.startswith("Dense(4, 2): X must have shape (batch, 4), but has")
    assert str(shape) in message
    hint = "X.reshape(len(X), -1)" if len(shape) > 2 else "x[np.newaxis]"
    assert hint in message


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64, np.float16])
def test_dense_says_which_type_it_takes(dtype):
    with pytest.raises(InputError, match=r"Dense\(4, 2\): X is .* weights are float32"):
        Dense(4, 2).forward(np.zeros((1, 4), dtype))


def test_dense_takes_no_list():
    with pytest.raises(InputError, match=r"must be a NumPy array .* but is a list"):
        Dense(2, 2).forward([[1.0, 2.0]])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "make", [*ACTIVATIONS.values(), lambda: Dropout(0.5)], ids=[*ACTIVATIONS, "dropout"]
)
def test_an_elementwise_layer_takes_floating_point_arrays_only(make, training):
    layer = make()
    with pytest.raises(InputError, match=r"\): X must be .* but is a list"):
        layer.forward([[1.0, 2.0]], training)
    for wrong in (np.ones((1, 2), int), np.ones((1, 2), np.uint8), np.array([["1"]])):
        with pytest.raises(
            InputError, match=r"floating-point numbers, but is .*\. Convert .* by 255"
        ):
            layer.forward(wrong, training)
