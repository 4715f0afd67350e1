"""The network: its gradients against four oracles; saving and loading; errors."""

import copy
import io
import os
import pickle
import stat
import zipfile
from itertools import pairwise

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from backprop import (
    SGD,
    Convolution2D,
    Dataset,
    Dense,
    Dropout,
    Flatten,
    InputError,
    MaxPooling2D,
    MeanSquaredError,
    Network,
    ReLU,
    Reshape,
    SavedFileError,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
    train_step,
)
from backprop.layers import Layer
from backprop.oracles import symbolic
from hypothesis import given
from hypothesis import strategies as st
from oracles import central_differences, error

ACTIVATIONS = {"sigmoid": Sigmoid, "tanh": Tanh, "relu": ReLU}
IN_AUTOGRAD = {
    "sigmoid": lambda Z: 1 / (1 + anp.exp(-Z)),
    "tanh": anp.tanh,
    "relu": lambda Z: anp.maximum(Z, 0),
}
LOSSES = {"cross-entropy": SoftmaxCrossEntropy, "squared error": MeanSquaredError}
activations = pytest.mark.parametrize("activation", ACTIVATIONS)
losses = pytest.mark.parametrize("loss", LOSSES)
widths = st.integers(1, 5)
seeds = st.integers(0, 10_000)


def made(sizes, activation="tanh", loss="cross-entropy", seed=0, dtype=np.float64):
    """Return a network of dense layers with an activation between any two."""
    layers = []
    for inputs, outputs in pairwise(sizes):
        layers += [Dense(inputs, outputs), ACTIVATIONS[activation]()]
    network = Network(layers[:-1], loss=LOSSES[loss](), seed=seed, dtype=dtype)
    rng = np.random.default_rng(seed)
    for name, array in network.parameters.items():
        if name.endswith("b"):
            array[:] = rng.normal(size=array.shape)
    return network


def batch_for(network, size, seed=0):
    """Return random examples and labels that fit the network."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(size, network.layers[0].inputs))
    return X, rng.integers(network.layers[-1].outputs, size=size)


def gradients_of(network, X, y):
    """Run forward and backward; return copies of the gradients."""
    network.loss.forward(network.forward(X), y)
    network.backward(network.loss.backward())
    return {name: dW.copy() for name, dW in network.gradients.items()}


# Forward and backward -------------------------------------------------------------


def test_forward_is_one_layer_after_the_other():
    network = made((4, 3, 2), "tanh")
    X, _ = batch_for(network, 5)
    W1, b1, W2, b2 = network.parameters.values()
    expected = np.tanh(X @ W1 + b1) @ W2 + b2
    np.testing.assert_allclose(network.forward(X), expected, rtol=1e-13)


@activations
@losses
@given(inputs=widths, hidden=widths, size=widths, seed=seeds)
def test_gradients_agree_with_finite_differences(
    activation, loss, inputs, hidden, size, seed
):
    network = made((inputs, hidden, hidden, 3), activation, loss, seed)
    X, y = batch_for(network, size, seed)
    if activation == "relu" and near_a_kink(network, X):
        return
    ours = gradients_of(network, X, y)

    def value():
        return network.loss.forward(network.forward(X), y)

    for name, W in network.parameters.items():
        measured = central_differences(value, W)
        # A measurement is rounded by about 1e-11: a tiny gradient drowns in that.
        assert error(ours[name], measured) <= 1e-7 or np.allclose(
            ours[name], measured, rtol=0, atol=1e-10
        )


def near_a_kink(network, X):
    """Tell whether a nudge could take a ReLU over its kink."""
    A = X
    for layer in network.layers:
        if isinstance(layer, ReLU) and np.abs(A).min() < 1e-3:
            return True
        A = layer.forward(A).copy()
    return False


@activations
@losses
@given(hidden=widths, size=widths, seed=seeds)
def test_gradients_agree_with_autograd(activation, loss, hidden, size, seed):
    network = made((4, hidden, hidden, 3), activation, loss, seed)
    X, y = batch_for(network, size, seed)
    names = list(network.parameters)

    def theirs(*parameters):
        A = X
        for place in range(0, len(parameters), 2):
            W, b = parameters[place : place + 2]
            A = anp.dot(A, W) + b
            if place < len(parameters) - 2:
                A = IN_AUTOGRAD[activation](A)
        if loss == "squared error":
            return anp.sum((A - np.eye(3)[y]) ** 2) / (2 * size)
        log_sums = anp.log(anp.sum(anp.exp(A), axis=1))
        return anp.mean(log_sums - A[anp.arange(size), y])

    values = [network.parameters[name].copy() for name in names]
    expected = autograd.grad(theirs, tuple(range(len(values))))(*values)
    ours = gradients_of(network, X, y)
    for name, dW in zip(names, expected, strict=True):
        assert error(ours[name], dW) <= 1e-12


@activations
def test_gradients_agree_with_sympy(activation):
    """Square hidden weights on purpose: there a lost transpose breaks no shape."""
    derived = symbolic.two_layer_network(2, 2, 2, label=1, activation=activation)
    network = made((2, 2, 2), activation, seed=3)
    X, _ = batch_for(network, 1)
    y = np.array([1])
    ours = gradients_of(network, X, y)
    value = derived.evaluate(derived.loss, X, network.parameters)
    assert network.loss.forward(network.forward(X), y) == pytest.approx(
        value, rel=1e-12
    )
    for name, gradient in derived.gradients().items():
        expected = derived.evaluate(gradient, X, network.parameters)
        assert error(ours[name], np.reshape(expected, ours[name].shape)) <= 1e-12


def test_the_input_gradient_of_the_first_layer_is_not_computed():
    asked = []

    class Spy(Dense):
        def backward(self, dZ, input_gradient=True):
            asked.append((self, input_gradient))
            return super().backward(dZ, input_gradient)

    first, second = Spy(4, 3), Spy(3, 2)
    network = Network([first, Tanh(), second], SoftmaxCrossEntropy(), seed=0)
    gradients_of(network, np.ones((5, 4), np.float32), np.zeros(5, int))
    assert asked == [(second, True), (first, False)]


class Watched(Layer):
    """Hands on what it is given, and says when its backward is called."""

    elementwise = True

    def __init__(self, called):
        super().__init__()
        self.called = called

    def forward(self, X, training=False):
        return X

    def backward(self, d_output, input_gradient=True):
        self.called.append((self, input_gradient))
        return d_output


@pytest.mark.parametrize(
    "first",
    [
        [],
        [Dropout(0.5)],
        [Reshape(1, 2, 2), Flatten()],
        [Dropout(0.5), Tanh(), Reshape(4, 1, 1), MaxPooling2D(1), Flatten()],
    ],
    ids=str,
)
def test_backward_stops_at_the_first_layer_with_parameters(first):
    called = []
    before, after = Watched(called), Watched(called)
    layers = [*copy.deepcopy(first), before, Dense(4, 3), after, Tanh(), Dense(3, 2)]
    network = Network(layers, SoftmaxCrossEntropy(), seed=0, dtype=np.float64)
    X, y = np.random.default_rng(0).normal(size=(5, 4)), np.array([0, 1, 1, 0, 1])
    ours = gradients_of(network, X, y)
    assert called == [(after, True)]

    def value():
        return network.loss.forward(network.forward(X), y)

    for name, W in network.parameters.items():
        assert error(ours[name], central_differences(value, W)) <= 1e-7


def test_a_layer_may_make_its_parameters_when_the_network_is_made():
    """It counts as the first with parameters all the same."""

    class Scale(Watched):
        parameters = {}  # noqa: RUF012

        def initialize(self, rng, dtype=np.float32):
            self.parameters = {"W": rng.normal(size=1).astype(dtype)}

    called = []
    layers = [Scale(called), Tanh(), Dense(3, 2)]
    network = Network(layers, SoftmaxCrossEntropy(), seed=0)
    network.backward(np.zeros_like(network.forward(np.ones((5, 3)))))
    assert called == [(layers[0], False)]


def test_a_network_without_parameters_goes_forward_and_backward():
    network = Network([Dropout(0.5), Tanh()], SoftmaxCrossEntropy(), seed=0)
    assert gradients_of(network, np.ones((4, 3)), np.zeros(4, int)) == {}


@losses
@given(size=widths, times=st.integers(2, 4), seed=seeds)
def test_repeated_rows_give_the_same_gradient(loss, size, times, seed):
    network = made((3, 4, 2), "sigmoid", loss, seed)
    X, y = batch_for(network, size, seed)
    once = gradients_of(network, X, y)
    again = gradients_of(network, np.tile(X, (times, 1)), np.tile(y, times))
    for name in once:
        assert error(again[name], once[name]) <= 1e-13


@losses
@given(size=widths, seed=seeds)
def test_the_order_of_the_examples_does_not_matter(loss, size, seed):
    network = made((3, 4, 2), "tanh", loss, seed)
    X, y = batch_for(network, size, seed)
    order = np.random.default_rng(seed).permutation(size)
    in_order = gradients_of(network, X, y)
    permuted = gradients_of(network, X[order], y[order])
    for name in in_order:
        assert error(permuted[name], in_order[name]) <= 1e-13


@activations
def test_the_order_of_the_hidden_units_does_not_matter(activation):
    network, renamed = made((3, 5, 2), activation), made((3, 5, 2), activation)
    order = np.array([4, 2, 0, 1, 3])
    W1, b1, W2, _ = renamed.parameters.values()
    W1[:], b1[:], W2[:] = W1[:, order], b1[order], W2[order]
    X, y = batch_for(network, 6)
    np.testing.assert_allclose(renamed.forward(X), network.forward(X), rtol=1e-12)
    ours, theirs = gradients_of(network, X, y), gradients_of(renamed, X, y)
    assert error(theirs["0.W"], ours["0.W"][:, order]) <= 1e-13
    assert error(theirs["0.b"], ours["0.b"][order]) <= 1e-13
    assert error(theirs["2.W"], ours["2.W"][order]) <= 1e-13
    assert error(theirs["2.b"], ours["2.b"]) <= 1e-13


def test_the_gradient_of_a_batch_is_the_mean_of_its_examples_gradients():
    network = made((3, 4, 2))
    X, y = batch_for(network, 6)
    whole = gradients_of(network, X, y)
    single = [gradients_of(network, X[[i]], y[[i]]) for i in range(6)]
    for name in whole:
        mean = np.mean([gradients[name] for gradients in single], axis=0)
        assert error(whole[name], mean) <= 1e-13


def test_outputs_stay_when_the_network_is_used_again():
    network = made((3, 2))
    X, _ = batch_for(network, 4)
    outputs = network.forward(X)
    kept = outputs.copy()
    network.forward(X + 1)
    np.testing.assert_array_equal(outputs, kept)


def test_backward_before_forward_is_said():
    with pytest.raises(InputError, match=r"backward: call forward first"):
        made((3, 2)).backward(np.zeros((4, 2)))


@pytest.mark.parametrize("shape", [(1, 2), (5, 2), (4, 3), (4, 1), (4,), (2, 4)])
def test_a_gradient_of_another_shape_is_refused(shape):
    """One row would be spread over the batch without a word."""
    network = made((3, 2))
    network.forward(np.ones((4, 3)))
    with pytest.raises(
        InputError, match=r"shape of the last outputs, \(4, 2\), but has shape \("
    ):
        network.backward(np.zeros(shape))


def test_a_gradient_that_belongs_to_an_earlier_batch_is_refused():
    network = made((3, 2))
    X, y = batch_for(network, 4)
    network.loss.forward(network.forward(X), y)
    d_outputs = network.loss.backward()
    network.predict(np.ones((7, 3)))
    with pytest.raises(InputError, match=r"the same batch, then backward"):
        network.backward(d_outputs)


# Making one -----------------------------------------------------------------------


def test_parameters_are_named_by_place():
    network = made((4, 3, 2))
    assert list(network.parameters) == ["0.W", "0.b", "2.W", "2.b"]
    assert list(network.gradients) == ["0.W", "0.b", "2.W", "2.b"]
    assert network.parameters["2.W"] is network.layers[2].W
    assert network.gradients["0.b"] is network.layers[0].db


def test_the_seed_decides_the_weights():
    def weights(seed):
        layers = [Dense(4, 4), ReLU(), Dense(4, 4)]
        return Network(layers, SoftmaxCrossEntropy(), seed=seed).parameters

    first, same, other = weights(1), weights(1), weights(2)
    for name in first:
        np.testing.assert_array_equal(first[name], same[name])
    assert not np.array_equal(first["0.W"], other["0.W"])
    assert not np.array_equal(first["0.W"], first["2.W"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_numbers_of_a_network_have_its_type(dtype):
    network = made((4, 3, 2), dtype=dtype)
    X, y = batch_for(network, 5)
    assert network.forward(X.astype(np.float32)).dtype == dtype
    assert network.forward(X.astype(np.float64)).dtype == dtype
    gradients = gradients_of(network, X, y)
    arrays = [*network.parameters.values(), *gradients.values()]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_a_network_without_layers_is_refused():
    with pytest.raises(InputError, match="at least one layer"):
        Network([], SoftmaxCrossEntropy(), seed=0)


def test_a_layer_that_stands_twice_is_refused():
    layer = Dense(3, 3)
    with pytest.raises(InputError, match="same layer object stands in the network twi"):
        Network([layer, layer], SoftmaxCrossEntropy(), seed=0)


def test_a_layer_of_another_network_is_refused_and_goes_on_there():
    first, last = Dense(3, 4), Dense(4, 2)
    network = Network([first, Tanh(), last], SoftmaxCrossEntropy(), seed=0)
    before = last.W.copy()
    with pytest.raises(
        InputError, match=r"Layer 1, Dense\(4, 2\), already belongs .* new layers for"
    ):
        Network([Dense(5, 4), last], SoftmaxCrossEntropy(), seed=1)
    np.testing.assert_array_equal(last.W, before)
    X = np.ones((2, 3), np.float32)
    A = np.tanh(first.forward(X))
    np.testing.assert_allclose(last.forward(A), network.forward(X), rtol=1e-6)


def test_layers_of_a_network_that_was_never_made_are_free():
    layers = [Dense(3, 4), Dense(5, 2)]
    for place, seed in ((slice(None), 0), (slice(1), -1)):
        with pytest.raises(InputError):
            Network(layers[place], SoftmaxCrossEntropy(), seed=seed)
    assert Network(layers[:1], SoftmaxCrossEntropy(), seed=0).layers == layers[:1]


def test_a_class_in_place_of_a_layer_or_a_loss_is_explained():
    with pytest.raises(InputError, match=r"layer 1 is the class ReLU.*parenthes.*ReLU"):
        Network([Dense(3, 3), ReLU], SoftmaxCrossEntropy(), seed=0)
    with pytest.raises(InputError, match=r"the loss is the class Mean.*parentheses"):
        Network([Dense(3, 3)], MeanSquaredError, seed=0)


def test_what_is_no_layer_is_named():
    with pytest.raises(InputError, match=r"layer 1 must be a layer .* but is 'relu'"):
        Network([Dense(3, 3), "relu"], SoftmaxCrossEntropy(), seed=0)


def test_layers_without_a_list_are_explained():
    with pytest.raises(InputError, match=r"must be a list, but are Dense\(3, 3\); put"):
        Network(Dense(3, 3), SoftmaxCrossEntropy(), seed=0)


@pytest.mark.parametrize("seed", [None, -1, 0.5, "0"])
def test_a_seed_that_repeats_nothing_is_refused(seed):
    with pytest.raises(InputError, match=r"seed must be a whole number of at least 0"):
        Network([Dense(3, 3)], SoftmaxCrossEntropy(), seed=seed)


def test_a_seed_computed_by_numpy_is_the_same_seed():
    seeds = (7, np.int64(7))
    weights = [Network([Dense(3, 3)], SoftmaxCrossEntropy(), s).layers[0].W
               for s in seeds]  # fmt: skip
    np.testing.assert_array_equal(*weights)


def test_widths_that_do_not_fit_are_named():
    with pytest.raises(
        InputError, match=r"Dense\(4, 3\) gives 3 outputs, .* Dense\(5, 2\), takes 5 in"
    ):
        Network([Dense(4, 3), ReLU(), Dense(5, 2)], SoftmaxCrossEntropy(), seed=0)


@pytest.mark.parametrize("between", [[Dropout(0.5)], [Tanh(), Dropout(0.1), ReLU()]])
def test_layers_that_keep_the_width_hide_no_misfit(between):
    layers = [Dense(4, 3), *between, Dense(5, 2)]
    with pytest.raises(InputError, match=r"Dense\(4, 3\) gives 3 outputs, "):
        Network(layers, SoftmaxCrossEntropy(), seed=0)


def test_widths_on_the_two_sides_of_a_reshape_are_compared_when_a_batch_goes_through():
    """A convolution in between may give any number of features."""
    layers = [
        Dense(4, 12),
        Reshape(3, 2, 2),
        Convolution2D(3, 5, size=2),
        Flatten(),
        Dense(5, 2),
    ]
    network = Network(layers, SoftmaxCrossEntropy(), seed=0)
    assert network.forward(np.ones((7, 4))).shape == (7, 2)
    layers = [Dense(4, 11), Reshape(3, 2, 2), Flatten(), Dense(12, 2)]
    wrong = Network(layers, SoftmaxCrossEntropy(), seed=0)
    with pytest.raises(
        InputError, match=r"Reshape\(3, 2, 2\): X must have .*12\), .* shape \(7, 11\)"
    ):
        wrong.forward(np.ones((7, 4)))
    layers = [Dense(4, 12), Reshape(3, 2, 2), Dense(12, 2)]
    wrong = Network(layers, SoftmaxCrossEntropy(), seed=0)
    with pytest.raises(InputError, match=r"Dense\(12, 2\): .*with the layer Flatten"):
        wrong.forward(np.ones((7, 4)))


def test_after_a_flatten_dense_layers_are_compared_again():
    layers = [Reshape(3, 2, 2), Flatten(), Dense(12, 5), Dense(6, 2)]
    with pytest.raises(InputError, match=r"Dense\(12, 5\) gives 5 outputs, "):
        Network(layers, SoftmaxCrossEntropy(), seed=0)


FOREIGN = np.dtype(np.float32).newbyteorder()


@pytest.mark.parametrize(
    "dtype",
    [int, np.uint8, bool, np.float16, np.longdouble, FOREIGN, complex, None, "banana"],
    ids=str,
)
def test_a_type_that_is_neither_float32_nor_float64_is_refused(dtype):
    with pytest.raises(InputError, match=r"dtype must be np\.float32 or np\.float64"):
        Network([Dense(4, 3)], SoftmaxCrossEntropy(), seed=0, dtype=dtype)


# Predicting and measuring ---------------------------------------------------------


def by_hand():
    """Return a network that passes its three inputs on as logits."""
    network = made((3, 3))
    network.parameters["0.W"][:] = np.eye(3)
    network.parameters["0.b"][:] = 0
    return network


def test_predict_says_where_the_largest_output_is():
    X = np.array([[0.1, 0.9, 0.3], [5.0, -1.0, 2.0], [0.0, 0.0, 0.1]])
    assert by_hand().predict(X).tolist() == [1, 0, 2]


def test_evaluate_measures_loss_and_accuracy():
    X = np.log([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75], [0.2, 0.6, 0.2]])
    result = by_hand().evaluate(Dataset(X, np.array([0, 2, 2])))
    assert result.accuracy == pytest.approx(2 / 3)
    assert result.loss == pytest.approx(-np.mean(np.log([0.5, 0.75, 0.2])))
    assert type(result.loss) is type(result.accuracy) is float


@pytest.mark.parametrize("size", [2, 3, 5])
def test_accuracy_is_nan_where_the_targets_are_not_labels(size):
    """With as many rows as outputs, the comparison gave some number."""
    network = made((4, 3), loss="squared error")
    X, _ = batch_for(network, size)
    targets = np.zeros((size, 3))
    result = network.evaluate(Dataset(X, targets))
    assert np.isnan(result.accuracy)
    assert result.loss == pytest.approx(
        network.loss.forward(network.forward(X), targets)
    )


def test_accuracy_with_squared_error_and_labels_is_a_share():
    network = made((4, 3), loss="squared error")
    X, _ = batch_for(network, 5)
    assert network.evaluate(Dataset(X, network.predict(X))).accuracy == 1


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 2345])
def test_working_in_chunks_changes_nothing(size):
    network = made((3, 4, 2))
    X, y = batch_for(network, size)
    outputs = network.forward(X)
    np.testing.assert_array_equal(network.predict(X), outputs.argmax(axis=1))
    result = network.evaluate(Dataset(X, y))
    assert result.loss == pytest.approx(network.loss.forward(outputs, y), rel=1e-12)
    assert result.accuracy == np.mean(outputs.argmax(axis=1) == y)


def test_measuring_moves_no_weight():
    network = made((3, 4, 2))
    before = {name: W.copy() for name, W in network.parameters.items()}
    X, y = batch_for(network, 10)
    network.evaluate(Dataset(X, y))
    network.predict(X)
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(W, before[name])


def test_after_measuring_forward_must_be_called_again():
    """What `evaluate` overwrites is in its docstring."""
    network = made((3, 4, 2))
    X, y = batch_for(network, 6)
    right = gradients_of(network, X, y)
    network.evaluate(Dataset(2 * X, y))
    again = gradients_of(network, X, y)
    for name in right:
        np.testing.assert_array_equal(again[name], right[name])
    for method in (Network.predict, Network.evaluate):
        assert "call `forward` again before `backward`" in method.__doc__


# Wrong input ----------------------------------------------------------------------

USES = {
    "forward": lambda network, X: network.forward(X),
    "predict": lambda network, X: network.predict(X),
    "evaluate": lambda network, X: network.evaluate(Dataset(X, np.zeros(len(X), int))),
}
users = pytest.mark.parametrize("use", USES.values(), ids=USES)


@users
def test_raw_pixels_are_refused_with_the_remedy(use):
    with pytest.raises(InputError, match=r"X is uint8\. Pixels .* become X / 255"):
        use(made((4, 2)), np.zeros((5, 4), np.uint8))


@users
def test_a_wrong_width_names_layer_and_shapes(use):
    with pytest.raises(
        InputError, match=r"Dense\(4, 2\): X must .*\(batch, 4\), but .*\(5, 3\)"
    ):
        use(made((4, 2)), np.zeros((5, 3)))


@users
def test_a_single_example_is_refused_with_the_remedy(use):
    with pytest.raises(InputError, match=r"has shape \(4,\)\. .*x\[np\.newaxis\]"):
        use(made((4, 2)), np.zeros(4))


@users
def test_images_in_rows_and_columns_are_refused_with_the_remedy(use):
    with pytest.raises(InputError, match=r"\(5, 2, 2\)\. .*X\.reshape\(len\(X\), -1\)"):
        use(made((4, 2)), np.zeros((5, 2, 2)))


@users
@pytest.mark.parametrize("value", [1e300, -1e300])
def test_a_number_too_large_for_float32_is_called_that(use, value):
    """Neither infinity, which nobody wrote, nor a warning."""
    X = np.zeros((5, 4))
    X[3, 1] = value
    with pytest.raises(InputError, match=r"too large for float32, whose .* 3\.4e\+38"):
        use(made((4, 2), dtype=np.float32), X)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("use", ["predict", "evaluate"])
def test_nan_or_infinity_is_refused_with_its_row(use, wrong):
    """One step is not searched for them: `train` searches its data as a whole."""
    X = np.zeros((5, 4))
    X[3, 1] = wrong
    with pytest.raises(InputError, match=r"X holds NaN or infinity, first in row 3\."):
        USES[use](made((4, 2)), X)


def test_an_empty_data_set_cannot_be_measured():
    with pytest.raises(InputError, match="evaluate: the data set is empty"):
        made((4, 2)).evaluate(Dataset(np.zeros((0, 4)), np.zeros(0, int)))


def test_no_examples_have_no_predictions():
    assert made((4, 2)).predict(np.zeros((0, 4))).shape == (0,)


def test_labels_out_of_range_are_refused():
    with pytest.raises(InputError, match=r"labels run from 0 to 1, .* label 7\."):
        made((4, 2)).evaluate(Dataset(np.zeros((3, 4)), np.array([0, 7, 1])))


@pytest.mark.parametrize("data", [(np.ones((2, 4)), np.zeros(2, int)), None, "test"])
def test_what_is_no_split_cannot_be_measured(data):
    with pytest.raises(
        InputError, match=r"must be a Dataset, but is a \w+\. Write Dataset"
    ):
        made((4, 2)).evaluate(data)


@pytest.mark.parametrize("use", ["forward", "predict"])
def test_rows_of_several_lengths_are_refused(use):
    """A Dataset has refused them already."""
    with pytest.raises(InputError, match=r"takes an array, but got: .* inhomogeneous"):
        USES[use](made((4, 2)), [[1.0, 2.0], [1.0]])


@pytest.mark.parametrize(
    "wrong",
    [[[0.0, 1.0]], np.array([[0, 1]]), np.array([["0", "1"]]), np.ones((1, 2), object)],
    ids=["list", "integers", "text", "objects"],
)
def test_a_gradient_that_is_no_floating_point_array_is_refused(wrong):
    network = made((3, 2))
    network.forward(np.ones((1, 3)))
    with pytest.raises(
        InputError, match=r"floating-point .* network\.loss\.backward\(\)"
    ):
        network.backward(wrong)


# Copies ---------------------------------------------------------------------------

COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda network: pickle.loads(pickle.dumps(network)),
}
copied = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)


def made_with_all_layers(dtype=np.float32):
    """Return a network with dropout and convolution, and a batch for it."""
    layers = [
        Dropout(0.2),
        Reshape(1, 6, 6),
        Convolution2D(1, 3, size=3, padding=1),
        ReLU(),
        MaxPooling2D(2),
        Flatten(),
        Dropout(0.5),
        Dense(27, 5),
        Sigmoid(),
        Dense(5, 3),
    ]
    network = Network(layers, SoftmaxCrossEntropy(), seed=5, dtype=dtype)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 36)).astype(dtype)
    return network, X, rng.integers(3, size=20)


@copied
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_copy_trains_like_the_original_to_the_bit(copied, dtype):
    network, X, y = made_with_all_layers(dtype)
    train_step(network, X, y, SGD(0.1))
    other = copied(network)
    losses = [
        [train_step(one, X, y, SGD(0.1)) for _ in range(3)] for one in (network, other)
    ]
    assert losses[0] == losses[1]
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(other.parameters[name], W)
        np.testing.assert_array_equal(other.gradients[name], network.gradients[name])


@copied
def test_training_a_copy_leaves_the_original_alone(copied):
    network, X, y = made_with_all_layers()
    train_step(network, X, y, SGD(0.1))
    other = copied(network)
    kept = {name: W.copy() for name, W in network.parameters.items()}
    random = network.rng.bit_generator.state
    before = network.forward(X)
    for _ in range(3):
        train_step(other, X, y, SGD(0.1))
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(W, kept[name])
        assert not np.array_equal(other.parameters[name], W)
    assert network.rng.bit_generator.state == random
    np.testing.assert_array_equal(network.forward(X), before)


@copied
def test_a_copy_has_one_generator_and_so_have_its_dropouts(copied):
    network, _, _ = made_with_all_layers()
    other = copied(network)
    assert other.rng is not network.rng
    dropouts = [layer for layer in other.layers if isinstance(layer, Dropout)]
    assert len(dropouts) == 2
    assert all(layer.rng is other.rng for layer in dropouts)


@copied
def test_a_copy_holds_nothing_of_the_batch(copied):
    network, X, y = made_with_all_layers()
    untouched = len(pickle.dumps(network.layers))
    train_step(network, np.tile(X, (50, 1)), np.tile(y, 50), SGD(0.1))
    assert len(pickle.dumps(network.layers)) <= untouched + 500
    other = copied(network)
    learned = {id(a) for a in (*other.parameters.values(), *other.gradients.values())}
    for layer in other.layers:
        held = [a for a in vars(layer).values() if isinstance(a, np.ndarray)]
        assert {id(a) for a in held} <= learned


@copied
def test_a_copy_knows_no_batch_to_go_back_through(copied):
    network, X, y = made_with_all_layers()
    network.loss.forward(network.forward(X), y)
    d_outputs = network.loss.backward()
    other = copied(network)
    with pytest.raises(InputError, match=r"backward: call forward first"):
        other.backward(d_outputs)
    network.backward(d_outputs)


@copied
def test_a_copy_says_the_same_and_saves_the_same(copied, tmp_path):
    network, X, y = made_with_all_layers()
    train_step(network, X, y, SGD(0.1))
    other = copied(copied(network))
    assert repr(other) == repr(network)
    assert other.evaluate(Dataset(X, y)) == network.evaluate(Dataset(X, y))
    other.save(tmp_path / "weights.npz")
    network.load(tmp_path / "weights.npz")


# Saving and loading ---------------------------------------------------------------

SIZES = (4, 3, 2)


@pytest.fixture
def saved(tmp_path):
    """Return a network and the file it was saved to."""
    network = made(SIZES, seed=1)
    network.save(tmp_path / "weights.npz")
    return network, tmp_path / "weights.npz"


def unchanged_by(path, match):
    """Load a bad file: the one clear error, and no weight moved."""
    network = made(SIZES, seed=2)
    before = {name: W.copy() for name, W in network.parameters.items()}
    with pytest.raises(SavedFileError, match=match) as caught:
        network.load(path)
    assert str(path) in str(caught.value)
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(W, before[name])


def test_what_is_saved_is_loaded(saved):
    network, path = saved
    other = made(SIZES, seed=2)
    arrays = dict(other.parameters)
    other.load(path)
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(other.parameters[name], W)
        assert other.parameters[name] is arrays[name]


def test_a_path_may_be_text_with_any_ending(tmp_path):
    network = made(SIZES)
    network.save(f"{tmp_path}/weights.saved")
    network.load(f"{tmp_path}/weights.saved")
    assert os.listdir(tmp_path) == ["weights.saved"]


def test_saving_again_replaces_the_file(saved):
    network, path = saved
    network.parameters["0.b"][:] = 5
    network.save(path)
    other = made(SIZES, seed=2)
    other.load(path)
    assert other.parameters["0.b"].tolist() == [5, 5, 5]


def test_a_saved_file_holds_no_pickles(saved):
    with np.load(saved[1], allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (OSError(28, "No space left on device"), SavedFileError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failed_save_leaves_the_old_file_alone(saved, monkeypatch, failure, told):
    network, path = saved
    old = path.read_bytes()

    def fail(file, **arrays):
        file.write(b"half of it")
        raise failure

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(told, match=None if told is KeyboardInterrupt else "No space"):
        network.save(path)
    assert os.listdir(path.parent) == [path.name]
    assert path.read_bytes() == old


def test_saving_into_a_missing_folder_is_said(saved, tmp_path):
    network, _ = saved
    with pytest.raises(SavedFileError, match=r"there is no folder .*absent; make it"):
        network.save(tmp_path / "absent" / "digits.npz")


def test_saving_over_a_folder_is_said(saved, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(SavedFileError, match=r"folder cannot be written \(.+\)\."):
        saved[0].save(tmp_path / "folder")
    assert sorted(os.listdir(tmp_path)) == ["folder", "weights.npz"]


def test_two_that_save_at_once_do_not_share_an_unfinished_file(saved, monkeypatch):
    network, path = saved
    savez, names = np.savez, []

    def spy(file, **arrays):
        names.append(file.name)
        if len(names) == 1:
            network.save(path)
        savez(file, **arrays)

    monkeypatch.setattr(np, "savez", spy)
    network.save(path)
    assert len(set(names)) == 2
    assert os.listdir(path.parent) == [path.name]
    made(SIZES, seed=2).load(path)


@pytest.mark.skipif(os.name != "posix", reason="permissions are another matter there")
@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_saved_file_has_the_permissions_of_any_new_file(tmp_path, mask):
    before = os.umask(mask)
    try:
        made(SIZES).save(tmp_path / "weights.npz")
    finally:
        os.umask(before)
    mode = stat.S_IMODE((tmp_path / "weights.npz").stat().st_mode)
    assert mode == 0o666 & ~mask


def test_a_missing_file_is_said(tmp_path):
    unchanged_by(tmp_path / "absent.npz", match=r"does not exist; save the network fi")


def test_a_directory_is_no_saved_file(tmp_path):
    unchanged_by(tmp_path, match="is a folder")


@pytest.mark.parametrize("kept", [0, 1, 3, 10, 100, -100, -22, -10, -1])
def test_a_truncated_file_is_refused(saved, kept):
    path = saved[1]
    path.write_bytes(path.read_bytes()[:kept])
    unchanged_by(path, match=r"not a saved network, or only a part of one\. Save the ")


def test_whichever_byte_is_spoiled_the_weights_are_right_or_refused(saved):
    """A spoiled byte may stand where nobody reads it; it must never be believed."""
    network, path = saved
    content = path.read_bytes()
    other = made(SIZES, seed=2)
    refused = 0
    for place in range(0, len(content), 7):
        spoiled = bytearray(content)
        spoiled[place] ^= 0x55
        path.write_bytes(spoiled)
        try:
            other.load(path)
        except SavedFileError:
            refused += 1
            continue
        for name, W in network.parameters.items():
            np.testing.assert_array_equal(other.parameters[name], W)
    assert refused > 100


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04 not a zip", b"loss,accuracy\n0.1,0.9\n", pickle.dumps({"W": 1})],
    ids=["broken zip", "text", "pickle"],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "weights.npz"
    path.write_bytes(content)
    unchanged_by(path, match="is not a saved network")


def test_a_single_array_is_refused(tmp_path):
    path = tmp_path / "weights.npy"
    np.save(path, np.zeros(3))
    unchanged_by(path, match="saved")


def test_a_zip_of_other_things_is_refused(tmp_path):
    path = tmp_path / "weights.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "not an array")
    unchanged_by(path, match=r"not a saved network \(the magic string is not correct")


@pytest.mark.parametrize(
    "arrays",
    [
        {"W": np.zeros((4, 3))},
        {"format": np.array("another format")},
        {"format": np.array("backprop network 1")},
    ],
    ids=["no format", "other format", "no layers"],
)
def test_arrays_of_another_program_are_refused(tmp_path, arrays):
    path = tmp_path / "weights.npz"
    np.savez(path, **arrays)
    unchanged_by(path, match=r"not written by Network\.save|layers None")


def test_another_architecture_is_refused_and_both_are_named(tmp_path):
    path = tmp_path / "weights.npz"
    made((4, 5, 2)).save(path)
    unchanged_by(
        path,
        match=r"Dense\(inputs=4, outputs=5\), Tanh\(\), Dense.*but this one has \[De",
    )


def test_another_activation_is_another_architecture(tmp_path):
    path = tmp_path / "weights.npz"
    made(SIZES, "relu").save(path)
    unchanged_by(path, match=r"ReLU\(\).*Tanh\(\)")


def rewrite(path, **changed):
    """Replace some arrays of a saved file; None leaves one out."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files} | changed
    np.savez(path, **{n: array for n, array in arrays.items() if array is not None})


def test_a_missing_parameter_is_named(saved):
    rewrite(saved[1], **{"2.W": None})
    unchanged_by(saved[1], match=r"parameter 2\.W is missing or misshapen")


def test_a_misshapen_parameter_is_named(saved):
    rewrite(saved[1], **{"2.b": np.zeros(7)})
    unchanged_by(saved[1], match=r"parameter 2\.b is missing or misshapen")


WRONG_ARRAYS = {
    "infinite": np.array([1.0, np.inf]),
    "nan": np.array([np.nan, 1.0]),
    "complex": np.array([1j, 1.0]),
    "integers": np.array([1, 2]),
    "text": np.array(["1", "2"]),
}


@pytest.mark.parametrize("array", WRONG_ARRAYS.values(), ids=WRONG_ARRAYS)
def test_a_parameter_of_other_things_moves_no_weight(saved, array):
    """It is the last one: those before it must not have been written already."""
    rewrite(saved[1], **{"2.b": array})
    unchanged_by(saved[1], match=r"parameter 2\.b does not hold finite floating-point")


def test_a_parameter_too_large_for_the_network_is_refused(saved):
    rewrite(saved[1], **{"2.b": np.array([1e300, 0.0])})
    network = made(SIZES, dtype=np.float32)
    with pytest.raises(SavedFileError, match=r"parameter 2\.b does not hold finite"):
        network.load(saved[1])


def test_a_file_that_unpacks_to_more_is_refused_unread(saved, monkeypatch):
    """Some kilobytes of zeros, packed, can be gigabytes."""
    network, path = saved
    np.savez_compressed(path, **network.parameters, zeros=np.zeros(1_000_000))
    monkeypatch.setattr(np, "load", None)
    unchanged_by(
        path, match=r"is not a saved network: its .* bytes would unpack to 8,0"
    )


def test_a_file_with_pickles_is_refused_and_runs_nothing(saved):
    """Unpickling would run the code in the file."""
    path, ran = saved[1], []

    class Trap:
        def __reduce__(self):
            return (ran.append, (1,))

    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([Trap()], object), allow_pickle=True)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("extra.npy", buffer.getvalue())
    unchanged_by(path, match=r"damaged or not a saved network \(Object arrays cannot")
    assert ran == []
