"""The layers, held against loops, finite differences, autograd and SymPy."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from backprop import Dense, InputError, ReLU, Sigmoid, Tanh, glorot, he, symbolic, zeros
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


# All layers -----------------------------------------------------------------------

LAYERS = {"dense": lambda: made_dense(3, 3, np.random.default_rng(1)), **ACTIVATIONS}
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
        np.testing.assert_array_equal(used.forward(X), fresh.forward(X))
        np.testing.assert_array_equal(used.backward(d_output), fresh.backward(d_output))
        for name, gradient in fresh.gradients.items():
            np.testing.assert_array_equal(used.gradients[name], gradient)


@layers
def test_a_layer_allocates_nothing_at_its_second_step(make):
    rng = np.random.default_rng(0)
    layer, X = make(), rng.normal(size=(4, 3))
    first = layer.forward(X), layer.backward(X)
    second = layer.forward(X), layer.backward(X)
    for before, after in zip(first, second, strict=True):
        assert np.shares_memory(before, after)


@layers
def test_a_layer_keeps_forward_and_backward_apart(make):
    """The gradient must not be written over the output that it needs."""
    rng = np.random.default_rng(0)
    layer, X = make(), rng.normal(size=(4, 3))
    A = layer.forward(X)
    kept = A.copy()
    layer.backward(rng.normal(size=(4, 3)))
    np.testing.assert_array_equal(A, kept)


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
