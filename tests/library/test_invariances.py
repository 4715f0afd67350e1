"""What must not change, or must change in a known way, whatever the numbers are."""

from itertools import pairwise

import numpy as np
import pytest
from backprop import (
    Convolution2D,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
    MeanSquaredError,
    Network,
    ReLU,
    Reshape,
    Sigmoid,
    SmoothedCrossEntropy,
    SoftmaxCrossEntropy,
    Tanh,
    glorot,
    he,
    softmax,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import error

LOSSES = {
    "cross-entropy": SoftmaxCrossEntropy,
    "smoothed": SmoothedCrossEntropy,
    "squared error": MeanSquaredError,
}
losses = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
activations = pytest.mark.parametrize("activation", [Sigmoid, Tanh, ReLU])
types = pytest.mark.parametrize("dtype", [np.float32, np.float64])
batches = st.integers(1, 6)
widths = st.lists(st.integers(1, 6), min_size=1, max_size=3)
classes = st.integers(2, 5)
seeds = st.integers(0, 10_000)


def dense_network(sizes, activation=Tanh, loss=SoftmaxCrossEntropy, seed=0):
    """Return a network of dense layers with an activation between any two."""
    layers = []
    for inputs, outputs in pairwise(sizes):
        layers += [Dense(inputs, outputs), activation()]
    return with_biases(Network(layers[:-1], loss(), seed=seed, dtype=np.float64))


def image_network(channels, outputs, loss=SoftmaxCrossEntropy, seed=0):
    """Return a network for rows of 36 pixels with two convolutions."""
    layers = [
        Reshape(1, 6, 6),
        Convolution2D(1, channels, size=3, padding=1),
        ReLU(),
        MaxPooling2D(2),
        Convolution2D(channels, 2, size=2),
        Tanh(),
        Flatten(),
        Dense(8, outputs),
    ]
    return with_biases(Network(layers, loss(), seed=seed, dtype=np.float64))


def with_biases(network):
    for name, array in network.parameters.items():
        if name.endswith("b"):
            array[:] = network.rng.normal(size=array.shape)
    return network


def batch_for(size, features, outputs, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, features)), rng.integers(outputs, size=size)


def step(network, X, y):
    """Return outputs, loss and copies of the gradients."""
    outputs = network.forward(X)
    loss = network.loss.forward(outputs, y)
    network.backward(network.loss.backward())
    gradients = {name: dW.copy() for name, dW in network.gradients.items()}
    return outputs, loss, gradients


def assert_same(claimed, expected):
    """Compare two results of `step`."""
    assert error(claimed[0], expected[0]) <= 1e-13
    assert claimed[1] == pytest.approx(expected[1], rel=1e-12)
    assert_same_gradients(claimed[2], expected[2])


def assert_same_gradients(claimed, expected):
    assert list(claimed) == list(expected)
    for name in expected:
        difference = np.abs(claimed[name] - expected[name]).max()
        assert difference <= 1e-13 + 1e-11 * np.abs(expected[name]).max()


# Batches --------------------------------------------------------------------------


@losses
@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), classes, seeds)
def test_loss_and_gradient_of_a_batch_are_the_weighted_means_of_its_parts(
    loss, parts, outputs, seed
):
    """So many machines may each take a part, however unequal the parts are."""
    for network, features in (
        (dense_network((4, 5, outputs), Tanh, loss, seed), 4),
        (image_network(2, outputs, loss, seed), 36),
    ):
        X, y = batch_for(sum(parts), features, outputs, seed)
        _, value, gradients = step(network, X, y)
        ends = np.cumsum(parts)[:-1]
        pieces = zip(np.split(X, ends), np.split(y, ends), strict=True)
        results = [step(network, *piece) for piece in pieces]
        shares = np.array(parts) / sum(parts)
        mean = sum(
            share * result[1] for share, result in zip(shares, results, strict=True)
        )
        assert value == pytest.approx(mean, rel=1e-12)
        means = {
            name: sum(s * r[2][name] for s, r in zip(shares, results, strict=True))
            for name in gradients
        }
        assert_same_gradients(gradients, means)


@losses
@given(batches, classes, st.integers(2, 4), seeds)
def test_a_batch_repeated_has_the_same_loss_and_gradient(
    loss, size, outputs, times, seed
):
    for network, features in (
        (dense_network((4, 5, outputs), Sigmoid, loss, seed), 4),
        (image_network(2, outputs, loss, seed), 36),
    ):
        X, y = batch_for(size, features, outputs, seed)
        once = step(network, X, y)
        again = step(network, np.tile(X, (times, 1)), np.tile(y, times))
        assert_same((again[0][:size], *again[1:]), once)


@losses
@given(batches, classes, seeds)
def test_the_order_of_the_examples_changes_only_the_order_of_the_outputs(
    loss, size, outputs, seed
):
    for network, features in (
        (dense_network((4, 5, outputs), Tanh, loss, seed), 4),
        (image_network(2, outputs, loss, seed), 36),
    ):
        X, y = batch_for(size, features, outputs, seed)
        order = np.random.default_rng(seed).permutation(size)
        plain = step(network, X, y)
        permuted = step(network, X[order], y[order])
        assert_same(permuted, (plain[0][order], *plain[1:]))


@given(batches, classes, seeds)
def test_an_example_has_the_same_outputs_whoever_is_with_it(size, outputs, seed):
    network = image_network(2, outputs, seed=seed)
    X, _ = batch_for(size, 36, outputs, seed)
    together = network.forward(X)
    alone = np.concatenate([network.forward(x[np.newaxis]) for x in X])
    assert error(together, alone) <= 1e-13


# Names and signs of neurons -------------------------------------------------------


@activations
@losses
@given(widths=widths, outputs=classes, size=batches, seed=seeds)
def test_hidden_neurons_may_stand_in_any_order(
    loss, activation, widths, outputs, size, seed
):
    sizes = (3, *widths, outputs)
    network, renamed = (dense_network(sizes, activation, loss, seed) for _ in range(2))
    rng = np.random.default_rng(seed)
    orders = [np.arange(3), *map(rng.permutation, widths), np.arange(outputs)]

    def permuted(arrays):
        """Return W with rows and columns, b with entries in the new order."""
        new = {}
        for place, (before, after) in enumerate(pairwise(orders)):
            new[f"{2 * place}.W"] = arrays[f"{2 * place}.W"][before][:, after]
            new[f"{2 * place}.b"] = arrays[f"{2 * place}.b"][after]
        return new

    for name, W in permuted(network.parameters).items():
        renamed.parameters[name][:] = W
    X, y = batch_for(size, 3, outputs, seed)
    outputs, value, gradients = step(network, X, y)
    assert_same(step(renamed, X, y), (outputs, value, permuted(gradients)))


@losses
@given(st.integers(2, 4), classes, batches, seeds)
def test_channels_may_stand_in_any_order(loss, channels, outputs, size, seed):
    network, renamed = (image_network(channels, outputs, loss, seed) for _ in range(2))
    order = np.random.default_rng(seed).permutation(channels)

    def permuted(arrays):
        new = dict(arrays)
        new["1.W"], new["1.b"] = arrays["1.W"][..., order], arrays["1.b"][order]
        new["4.W"] = arrays["4.W"][order]
        return new

    for name, W in permuted(network.parameters).items():
        renamed.parameters[name][...] = W.copy()
    X, y = batch_for(size, 36, outputs, seed)
    outputs, value, gradients = step(network, X, y)
    assert_same(step(renamed, X, y), (outputs, value, permuted(gradients)))


@losses
@given(widths=widths, outputs=classes, size=batches, seed=seeds)
def test_classes_may_stand_in_any_order(loss, widths, outputs, size, seed):
    sizes = (3, *widths, outputs)
    network, renamed = (dense_network(sizes, Tanh, loss, seed) for _ in range(2))
    order = np.random.default_rng(seed).permutation(outputs)
    last = f"{2 * len(widths)}."

    def permuted(arrays):
        return {
            name: array[..., order] if name.startswith(last) else array
            for name, array in arrays.items()
        }

    for name, W in permuted(network.parameters).items():
        renamed.parameters[name][:] = W
    X, y = batch_for(size, 3, outputs, seed)
    logits, value, gradients = step(network, X, y)
    new_names = np.argsort(order)[y]  # where each label's column has gone
    expected = (logits[:, order], value, permuted(gradients))
    assert_same(step(renamed, X, new_names), expected)
    guesses = network.forward(X).argmax(axis=1)
    np.testing.assert_array_equal(order[renamed.predict(X)], guesses)


@given(widths=widths, outputs=classes, size=batches, seed=seeds)
def test_pixels_may_stand_in_any_order(widths, outputs, size, seed):
    """A dense network has no idea of what is beside what; a convolution has."""
    network, other = (dense_network((5, *widths, outputs), seed=seed) for _ in range(2))
    order = np.random.default_rng(seed).permutation(5)
    other.parameters["0.W"][:] = network.parameters["0.W"][order]
    X, y = batch_for(size, 5, outputs, seed)
    logits, value, gradients = step(network, X, y)
    gradients["0.W"] = gradients["0.W"][order]
    assert_same(step(other, X[:, order], y), (logits, value, gradients))


@given(st.integers(1, 6), batches, classes, st.floats(0.1, 10), seeds)
def test_behind_a_relu_a_scale_is_undone_by_its_inverse(
    hidden, size, outputs, scale, seed
):
    """Gradients go the other way: large weights have small ones."""
    network, scaled = (
        dense_network((3, hidden, outputs), ReLU, seed=seed) for _ in range(2)
    )
    factors = {"0.W": scale, "0.b": scale, "2.W": 1 / scale, "2.b": 1}
    for name, factor in factors.items():
        scaled.parameters[name][:] *= factor
    X, y = batch_for(size, 3, outputs, seed)
    logits, value, gradients = step(network, X, y)
    expected = {name: dW / factors[name] for name, dW in gradients.items()}
    assert_same(step(scaled, X, y), (logits, value, expected))


@given(st.integers(1, 6), batches, classes, seeds)
def test_the_sign_of_a_tanh_neuron_is_undone_behind_it(hidden, size, outputs, seed):
    network, mirrored = (
        dense_network((3, hidden, outputs), seed=seed) for _ in range(2)
    )
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], hidden)
    factors = {"0.W": signs, "0.b": signs, "2.W": signs[:, np.newaxis], "2.b": 1}
    for name, factor in factors.items():
        mirrored.parameters[name][:] *= factor
    X, y = batch_for(size, 3, outputs, seed)
    logits, value, gradients = step(network, X, y)
    expected = {name: dW * factors[name] for name, dW in gradients.items()}
    assert_same(step(mirrored, X, y), (logits, value, expected))


# Softmax and cross-entropy --------------------------------------------------------


@given(batches, classes, st.floats(-1e3, 1e3), seeds)
def test_a_shift_of_the_logits_of_an_example_changes_nothing(
    size, outputs, shift, seed
):
    logits, y = batch_for(size, outputs, outputs, seed)
    shifts = shift * np.random.default_rng(seed).random((size, 1))
    plain, shifted = SoftmaxCrossEntropy(), SoftmaxCrossEntropy()
    value = plain.forward(logits, y)
    assert shifted.forward(logits + shifts, y) == pytest.approx(value, abs=1e-11)
    np.testing.assert_allclose(softmax(logits + shifts), softmax(logits), atol=1e-12)
    np.testing.assert_allclose(shifted.backward(), plain.backward(), atol=1e-12)


@types
@settings(max_examples=30)
@given(
    st.integers(1, 4),
    classes,
    st.sampled_from([1.0, 100.0, 1e4]),
    st.booleans(),
    seeds,
)
def test_logits_of_any_size_give_probabilities_and_a_finite_loss(
    dtype, size, outputs, scale, only_extremes, seed
):
    """A warning would fail this test too."""
    rng = np.random.default_rng(seed)
    chances = rng.uniform(-1, 1, (size, outputs))
    logits = scale * (np.sign(chances) if only_extremes else chances)
    logits, y = logits.astype(dtype), rng.integers(outputs, size=size)
    p = softmax(logits)
    assert p.dtype == dtype
    assert ((p >= 0) & (p <= 1)).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    loss = SoftmaxCrossEntropy()
    value = loss.forward(logits, y)
    assert 0 <= value <= 2 * scale + np.log(outputs)
    gradient = loss.backward()
    assert gradient.dtype == dtype
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(gradient, (p - np.eye(outputs)[y]) / size, atol=1e-6)


@given(widths=widths, outputs=classes, size=batches, seed=seeds)
def test_the_bias_gradients_of_all_classes_add_up_to_nothing(
    widths, outputs, size, seed
):
    """A shift of all logits changes no probability, so nobody learns it."""
    network = dense_network((3, *widths, outputs), seed=seed)
    gradients = step(network, *batch_for(size, 3, outputs, seed))[2]
    last = f"{2 * len(widths)}."
    assert abs(gradients[last + "b"].sum()) <= 1e-15
    assert np.abs(gradients[last + "W"].sum(axis=1)).max() <= 1e-14


# Dropout --------------------------------------------------------------------------


@given(
    st.sampled_from([0.1, 0.3, 0.5, 0.8]), st.integers(1, 5), st.integers(1, 6), seeds
)
def test_in_the_mean_dropout_changes_neither_what_follows_nor_its_gradient(
    rate, size, width, seed
):
    """Within six standard deviations of the mean of 2,000 masks."""
    masks, rng = 2000, np.random.default_rng(seed)
    dropout, dense = Dropout(rate), Dense(width, 3)
    for layer in (dropout, dense):
        layer.initialize(rng, np.float64)
    X, dZ = rng.normal(size=(size, width)), rng.normal(size=(size, 3))
    Z = dense.forward(X).copy()
    dX = dense.backward(dZ).copy()
    sums = np.zeros_like(Z), np.zeros_like(dX)
    for _ in range(masks):
        sums[0][:] += dense.forward(dropout.forward(X, training=True))
        sums[1][:] += dropout.backward(dense.backward(dZ))
    spread = 6 * np.sqrt(rate / (1 - rate) / masks)
    deviation = spread * np.sqrt(X**2 @ dense.W**2)
    assert (np.abs(sums[0] / masks - Z) <= deviation).all()
    assert (np.abs(sums[1] / masks - dX) <= spread * np.abs(dX)).all()


# Images ---------------------------------------------------------------------------

shifts = st.tuples(st.integers(0, 2), st.integers(0, 2))


@settings(max_examples=20)
@given(
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(1, 3),
    shifts,
    seeds,
)
def test_a_convolution_commutes_with_shifts_by_its_stride(
    channels, size, padding, stride, shift, seed
):
    """By the stride times so much: the output moves by so much."""
    rng = np.random.default_rng(seed)
    layer = Convolution2D(channels, 2, size, stride, padding)
    layer.initialize(rng, np.float64)
    room = 4 + 2 * padding + 2 * stride * max(shift)
    X = np.zeros((2, channels, 4 * stride + room, 5 * stride + room))
    near, far = padding, padding + 4 * stride
    X[:, :, near:far, near:far] = rng.normal(size=(2, channels, 4 * stride, 4 * stride))
    moved = np.roll(X, [stride * n for n in shift], axis=(2, 3))
    Z = layer.forward(X).copy()
    rows, columns = (n - s for n, s in zip(Z.shape[2:], shift, strict=True))
    expected = Z[:, :, :rows, :columns]
    found = layer.forward(moved)[:, :, shift[0] :, shift[1] :]
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(st.integers(1, 3), shifts, seeds)
def test_convolution_and_pooling_together_commute_with_shifts_by_the_pool(
    channels, shift, seed
):
    rng = np.random.default_rng(seed)
    layers = [Convolution2D(1, channels, 3, padding=1), ReLU(), MaxPooling2D(2)]
    layers += [Convolution2D(channels, 2, 3, padding=1), Tanh(), MaxPooling2D(2)]
    network = Network(layers, SoftmaxCrossEntropy(), seed=seed, dtype=np.float64)
    X = np.zeros((2, 1, 32, 32))
    X[:, :, 8:16, 8:16] = rng.normal(size=(2, 1, 8, 8))
    moved = np.roll(X, [4 * n for n in shift], axis=(2, 3))
    expected = np.roll(network.forward(X), shift, axis=(2, 3))
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(network.forward(moved), expected, atol=1e-12)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), batches, seeds)
def test_a_convolution_of_mirrored_images_with_mirrored_windows_is_mirrored(
    size, stride, padding, batch, seed
):
    """At the diagonal, so that height and width change their places."""
    rng = np.random.default_rng(seed)
    layer, mirrored = (Convolution2D(2, 3, size, stride, padding) for _ in range(2))
    layer.initialize(rng, np.float64)
    mirrored.initialize(rng, np.float64)
    mirrored.W[:] = layer.W.transpose(0, 2, 1, 3)
    X = rng.normal(size=(batch, 2, size + 4, size + 1))
    Z = layer.forward(X)
    dZ = rng.normal(size=Z.shape)
    dX = layer.backward(dZ)
    assert error(mirrored.forward(X.swapaxes(2, 3)), Z.swapaxes(2, 3)) <= 1e-14
    assert error(mirrored.backward(dZ.swapaxes(2, 3)), dX.swapaxes(2, 3)) <= 1e-14
    assert error(mirrored.dW, layer.dW.transpose(0, 2, 1, 3)) <= 1e-14
    assert error(mirrored.db, layer.db) <= 1e-14


@given(st.integers(1, 3), batches, seeds)
def test_no_gradient_is_lost_in_pooling(size, batch, seed):
    rng = np.random.default_rng(seed)
    layer = MaxPooling2D(size)
    A = layer.forward(rng.integers(3, size=(batch, 2, 4 * size, 3 * size)) * 1.0)
    dA = rng.normal(size=A.shape)
    dX = layer.backward(dA)
    windows = dX.reshape(batch, 2, 4, size, 3, size)
    np.testing.assert_allclose(windows.sum(axis=(3, 5)), dA, rtol=1e-13)
    assert (np.count_nonzero(windows, axis=(3, 5)) == 1).all()


# Backward passes ------------------------------------------------------------------

LINEAR = {
    "dense": lambda: Dense(8, 5),
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "dropout": lambda: Dropout(0.3),
}


@pytest.mark.parametrize("make", LINEAR.values(), ids=LINEAR)
@given(batch=batches, seed=seeds, factor=st.floats(-10, 10))
def test_a_backward_pass_is_linear_in_what_arrives(make, batch, seed, factor):
    """However curved the layer is: the chain rule multiplies."""
    rng = np.random.default_rng(seed)
    layer = make()
    layer.initialize(rng, np.float64)
    Z = layer.forward(rng.normal(size=(batch, 8)), training=True)
    one, two = rng.normal(size=(2, *Z.shape))

    def back(d_output):
        return [
            layer.backward(d_output).copy(),
            *map(np.copy, layer.gradients.values()),
        ]

    for together, first, second in zip(
        back(one + factor * two), back(one), back(two), strict=True
    ):
        np.testing.assert_allclose(together, first + factor * second, atol=1e-11)


# Initial weights ------------------------------------------------------------------

wide = st.integers(150, 400)


def mean_square(X):
    return float(np.mean(X**2))


def made(inputs, outputs, initialization, rng):
    layer = Dense(inputs, outputs, initialization)
    layer.initialize(rng, np.float64)
    return layer


@given(wide, wide, st.floats(0.1, 10), seeds)
def test_he_carries_the_size_of_the_inputs_through_a_relu(inputs, outputs, scale, seed):
    """The mean square, because what a ReLU gives has not the mean 0."""
    rng = np.random.default_rng(seed)
    X = scale * rng.normal(size=(200, inputs))
    A = ReLU().forward(made(inputs, outputs, he, rng).forward(X))
    assert mean_square(A) == pytest.approx(mean_square(X), rel=0.15)


@given(wide, wide, st.floats(0.1, 10), seeds)
def test_glorot_keeps_the_middle_of_forward_and_backward(inputs, outputs, scale, seed):
    """Between equal widths both variances stay; else one gains what the other loses."""
    rng = np.random.default_rng(seed)
    layer = made(inputs, outputs, glorot, rng)
    X = scale * rng.normal(size=(200, inputs))
    dZ = scale * rng.normal(size=(200, outputs))
    forward = layer.forward(X).var() / X.var()
    backward = layer.backward(dZ).var() / dZ.var()
    assert (forward + backward) / 2 == pytest.approx(1, rel=0.1)
    assert forward == pytest.approx(2 * inputs / (inputs + outputs), rel=0.15)


@given(st.integers(10, 20), st.integers(10, 20), seeds)
def test_he_carries_the_size_of_the_images_through_a_convolution(
    in_channels, out_channels, seed
):
    rng = np.random.default_rng(seed)
    layer = Convolution2D(in_channels, out_channels, size=3)
    layer.initialize(rng, np.float64)
    X = rng.normal(size=(20, in_channels, 8, 8))
    A = ReLU().forward(layer.forward(X))
    assert mean_square(A) == pytest.approx(mean_square(X), rel=0.25)


@pytest.mark.parametrize(
    ("initialization", "activation", "least"), [(he, ReLU, 0.2), (glorot, Tanh, 0.05)]
)
def test_the_signal_reaches_the_end_of_a_deep_network(
    initialization, activation, least
):
    """With half the variance it would have shrunk to a thousandth."""
    rng = np.random.default_rng(0)
    A = X = rng.normal(size=(100, 200))
    for _ in range(10):
        A = activation().forward(made(200, 200, initialization, rng).forward(A))
    assert least < mean_square(A) / mean_square(X) < 5
