"""The layers for images, held against SciPy, finite differences and autograd."""

import copy
import pickle
import tracemalloc

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from backprop import (
    Convolution2D,
    Dense,
    Flatten,
    InputError,
    MaxPooling2D,
    Network,
    ReLU,
    Reshape,
    SavedFileError,
    SoftmaxCrossEntropy,
    Tanh,
    check_gradients,
    zeros,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import central_differences, error
from scipy.signal import correlate

batches = st.integers(1, 3)
channels = st.integers(1, 3)
sizes = st.integers(1, 3)
seeds = st.integers(0, 10_000)
# How much larger than it must be an image is: the stride often leaves a rest over.
rooms = st.tuples(st.integers(0, 4), st.integers(0, 4))
paddings = st.integers(0, 2)
shapes = st.tuples(channels, channels, sizes, st.integers(1, 3), paddings)


def made_convolution(in_channels, out_channels, size, stride, padding, seed=0):
    """Return a float64 layer whose biases are not zero either."""
    layer = Convolution2D(in_channels, out_channels, size, stride, padding)
    rng = np.random.default_rng(seed)
    layer.initialize(rng, np.float64)
    layer.b[:] = rng.normal(size=out_channels)
    return layer


def images_for(layer, batch, room, seed=0):
    """Return random images, as small as the layer takes them or larger by the room."""
    least = max(1, layer.size - 2 * layer.padding)
    height, width = least + room[0], least + room[1]
    rng = np.random.default_rng(seed + 1)
    return rng.normal(size=(batch, layer.in_channels, height, width))


def step(layer, X, dZ):
    """Run forward and backward; return copies of Z, dX and the gradients."""
    Z = layer.forward(X).copy()
    dX = layer.backward(dZ).copy()
    return [Z, dX, *(dW.copy() for dW in layer.gradients.values())]


def convolved(X, W, b, stride, padding):
    """Convolve in autograd's NumPy: one product for each place of the output."""
    border = (padding, padding)
    X = anp.pad(X, ((0, 0), (0, 0), border, border), mode="constant")
    size = W.shape[1]
    rows, columns = ((n - size) // stride + 1 for n in X.shape[2:])

    def at(y, x):
        window = X[:, :, y : y + size, x : x + size]
        return anp.einsum("ncij,cijo->no", window, W) + b

    lines = [
        anp.stack([at(y * stride, x * stride) for x in range(columns)], axis=2)
        for y in range(rows)
    ]
    return anp.stack(lines, axis=2)


def pooled(X, size):
    """Pool in autograd's NumPy: the windows are two axes of a reshaped image."""
    batch, depth, height, width = X.shape
    rows, columns = height // size, width // size
    windows = anp.reshape(X, (batch, depth, rows, size, columns, size))
    return anp.max(anp.max(windows, axis=5), axis=3)


# Convolution ----------------------------------------------------------------------


@settings(max_examples=30)
@given(shapes, batches, rooms, seeds)
def test_convolution_forward_agrees_with_scipy(shape, batch, room, seed):
    layer = made_convolution(*shape, seed)
    X = images_for(layer, batch, room, seed)
    border, stride = (layer.padding, layer.padding), layer.stride
    padded = np.pad(X, ((0, 0), (0, 0), border, border))
    expected = [
        [
            sum(
                correlate(image[c], layer.W[c, :, :, o], mode="valid", method="direct")
                for c in range(layer.in_channels)
            )[::stride, ::stride]
            + layer.b[o]
            for o in range(layer.out_channels)
        ]
        for image in padded
    ]
    assert error(layer.forward(X), expected) <= 1e-14


@settings(max_examples=20)
@given(shapes, batches, rooms, seeds)
def test_convolution_backward_agrees_with_finite_differences(shape, batch, room, seed):
    layer = made_convolution(*shape, seed)
    X = images_for(layer, batch, room, seed)
    dZ = np.random.default_rng(seed).normal(size=layer.forward(X).shape)

    def loss():
        return np.sum(dZ * layer.forward(X))

    _, dX, dW, db = step(layer, X, dZ)
    assert dX.shape == X.shape
    assert error(dX, central_differences(loss, X)) <= 1e-7
    assert error(dW, central_differences(loss, layer.W)) <= 1e-7
    assert error(db, central_differences(loss, layer.b)) <= 1e-7


@settings(max_examples=30)
@given(shapes, batches, rooms, seeds)
def test_convolution_agrees_with_autograd(shape, batch, room, seed):
    layer = made_convolution(*shape, seed)
    X = images_for(layer, batch, room, seed)
    dZ = np.random.default_rng(seed).normal(size=layer.forward(X).shape)

    def theirs(X, W, b):
        return anp.sum(dZ * convolved(X, W, b, layer.stride, layer.padding))

    Z, *ours = step(layer, X, dZ)
    assert error(Z, convolved(X, layer.W, layer.b, *shape[3:])) <= 1e-14
    expected = autograd.grad(theirs, (0, 1, 2))(X, layer.W, layer.b)
    for claimed, gradient in zip(ours, expected, strict=True):
        assert error(claimed, gradient) <= 1e-12


@pytest.mark.parametrize(
    ("height", "width", "size", "stride", "padding", "expected"),
    [
        (28, 28, 5, 1, 0, (24, 24)),
        (28, 28, 5, 1, 2, (28, 28)),
        (28, 28, 5, 2, 0, (12, 12)),  # a rest of 1 is left over
        (7, 4, 3, 3, 1, (3, 2)),
        (5, 9, 2, 4, 0, (1, 2)),  # the stride is larger than the window
        (1, 2, 3, 1, 1, (1, 2)),  # the image is smaller than the window
    ],
)
def test_the_size_of_the_output(height, width, size, stride, padding, expected):
    layer = Convolution2D(1, 2, size, stride, padding)
    Z = layer.forward(np.zeros((3, 1, height, width), np.float32))
    assert Z.shape == (3, 2, *expected)


def test_what_the_stride_leaves_over_has_no_gradient():
    layer = made_convolution(1, 1, 2, 2, 0)
    X = np.ones((1, 1, 5, 4))
    dX = step(layer, X, np.ones((1, 1, 2, 2)))[1]
    assert dX[0, 0, :4].all()
    assert not dX[0, 0, 4].any()


@given(batches, channels, channels, sizes, seeds)
def test_a_window_as_large_as_the_image_is_a_dense_layer(
    batch, in_channels, out_channels, size, seed
):
    layer = made_convolution(in_channels, out_channels, size, 1, 0, seed)
    dense = Dense(in_channels * size**2, out_channels)
    dense.W, dense.b = layer.W.reshape(dense.W.shape), layer.b
    dense.dW, dense.db = np.zeros_like(dense.W), np.zeros_like(dense.b)
    X = images_for(layer, batch, (0, 0), seed)
    dZ = np.random.default_rng(seed).normal(size=(batch, out_channels))
    ours = step(layer, X, dZ[:, :, np.newaxis, np.newaxis])
    theirs = step(dense, X.reshape(batch, -1), dZ)
    for claimed, expected in zip(ours, theirs, strict=True):
        assert error(claimed.reshape(expected.shape), expected) <= 1e-14


def test_the_window_is_not_flipped():
    layer = made_convolution(1, 1, 2, 1, 0)
    layer.W[0, :, :, 0], layer.b[:] = [[1.0, 2.0], [3.0, 4.0]], 0
    X = np.zeros((1, 1, 3, 3))
    X[0, 0, 1, 1] = 1
    assert layer.forward(X)[0, 0].tolist() == [[4, 3], [2, 1]]


@given(batches, channels, sizes, paddings, st.integers(0, 2), st.integers(0, 2), seeds)
def test_a_shift_of_the_image_shifts_the_output(
    batch, depth, size, padding, down, right, seed
):
    """Away from the borders, where pixels leave the image and zeros come in."""
    layer = made_convolution(depth, 2, size, 1, padding, seed)
    X = images_for(layer, batch, (10, 9), seed)
    inside = slice(padding + 2, -padding - 2 or None)
    expected = np.roll(layer.forward(X), (down, right), axis=(2, 3))
    shifted = layer.forward(np.roll(X, (down, right), axis=(2, 3)))
    difference = (shifted - expected)[:, :, inside, inside]
    assert difference.size > 0
    assert np.abs(difference).max() <= 1e-12


def test_convolution_without_input_gradient_returns_none_and_fills_the_others():
    layer = made_convolution(2, 3, 3, 2, 1)
    X = images_for(layer, 4, (3, 4))
    dZ = np.random.default_rng(0).normal(size=layer.forward(X).shape)
    _, _, dW, db = step(layer, X, dZ)
    layer.dW[:], layer.db[:] = 0, 0
    assert layer.backward(dZ, input_gradient=False) is None
    np.testing.assert_array_equal(layer.dW, dW)
    np.testing.assert_array_equal(layer.db, db)


def test_convolution_has_parameters_and_gradients_under_the_same_keys():
    layer = Convolution2D(2, 3, size=4)
    assert list(layer.parameters) == list(layer.gradients) == ["W", "b"]
    assert layer.parameters["W"] is layer.W
    assert layer.parameters["b"] is layer.b
    assert layer.gradients["W"] is layer.dW
    assert layer.gradients["b"] is layer.db
    assert layer.W.shape == layer.dW.shape == (2, 4, 4, 3)
    assert layer.b.shape == layer.db.shape == (3,)


def test_convolution_weights_have_the_variance_of_one_window():
    """72,000 draws: their variance is within 3 % unless the formula is another."""
    layer = Convolution2D(20, 400, size=3)
    np.testing.assert_allclose(layer.W.var(), 2 / (20 * 9), rtol=0.03)
    assert not layer.b.any()
    assert not Convolution2D(2, 3, size=3, initialization=zeros).W.any()


def test_weights_from_an_initialization_in_another_memory_order_are_learned_too():
    """The gradient must reach dW, and not a copy of it."""

    def columns_first(rng, inputs, outputs):
        return rng.normal(size=(outputs, inputs)).T

    layer = Convolution2D(2, 3, size=2, initialization=columns_first)
    layer.initialize(np.random.default_rng(0), np.float64)
    same = made_convolution(2, 3, 2, 1, 0)
    same.W[:], same.b[:] = layer.W, layer.b
    X, dZ = images_for(layer, 4, (3, 4)), np.ones((4, 3, 4, 5))
    for claimed, expected in zip(step(layer, X, dZ), step(same, X, dZ), strict=True):
        assert error(claimed, expected) <= 1e-14


@pytest.mark.parametrize("shape", [(12, 2), (3, 12), (36,), (1, 3)])
def test_an_initialization_of_another_shape_is_refused(shape):
    with pytest.raises(
        InputError, match=r"must return an array of shape \(12, 3\), but ret"
    ):
        Convolution2D(
            3, 3, size=2, initialization=lambda rng, inputs, outputs: np.zeros(shape)
        )


def test_a_pixel_that_is_no_number_spoils_the_windows_that_see_it():
    layer = made_convolution(1, 2, 3, 1, 1)
    X = images_for(layer, 2, (5, 6))
    clean = layer.forward(X).copy()
    X[1, 0, 4, 0] = np.nan
    Z = layer.forward(X)
    seen = np.zeros(Z.shape, bool)
    seen[1, :, 3:6, :2] = True
    np.testing.assert_array_equal(np.isnan(Z), seen)
    np.testing.assert_array_equal(Z[~seen], clean[~seen])


# Max pooling ----------------------------------------------------------------------

pools = st.tuples(sizes, batches, channels, st.integers(1, 3), st.integers(1, 3))


def images_without_ties(shape, seed):
    """Return images of different numbers: no nudge makes another one the largest."""
    size, batch, depth, rows, columns = shape
    rng = np.random.default_rng(seed)
    X = rng.permutation(batch * depth * rows * size * columns * size) / 10 - 3
    return X.reshape(batch, depth, rows * size, columns * size)


@settings(max_examples=30)
@given(pools, seeds)
def test_pooling_forward_is_the_largest_of_each_window(shape, seed):
    size, X = shape[0], images_without_ties(shape, seed)
    A = MaxPooling2D(size).forward(X)
    assert A.shape == (*shape[1:3], *shape[3:])
    for n, c, y, x in np.ndindex(A.shape):
        window = X[n, c, y * size : (y + 1) * size, x * size : (x + 1) * size]
        assert A[n, c, y, x] == max(window.flat)


@given(pools, seeds)
def test_pooling_backward_agrees_with_finite_differences(shape, seed):
    layer, X = MaxPooling2D(shape[0]), images_without_ties(shape, seed)
    dA = np.random.default_rng(seed).normal(size=layer.forward(X).shape)

    def loss():
        return np.sum(dA * layer.forward(X))

    _, dX = step(layer, X, dA)
    assert dX.shape == X.shape
    assert error(dX, central_differences(loss, X)) <= 1e-7


@settings(max_examples=30)
@given(pools, seeds)
def test_pooling_backward_agrees_with_autograd(shape, seed):
    layer, X = MaxPooling2D(shape[0]), images_without_ties(shape, seed)
    dA = np.random.default_rng(seed).normal(size=layer.forward(X).shape)
    expected = autograd.grad(lambda X: anp.sum(dA * pooled(X, layer.size)))(X)
    A, dX = step(layer, X, dA)
    np.testing.assert_array_equal(A, pooled(X, layer.size))
    assert error(dX, expected) <= 1e-12


@given(pools, st.integers(1, 3), seeds)
def test_of_several_that_are_largest_the_first_has_the_whole_gradient(
    shape, values, seed
):
    """Few values, many ties; after a ReLU most windows are all 0."""
    size, batch, depth, rows, columns = shape
    rng = np.random.default_rng(seed)
    X = rng.integers(values, size=(batch, depth, rows * size, columns * size)) * 1.0
    dA = rng.normal(size=(batch, depth, rows, columns))
    expected = np.zeros_like(X)
    for n, c, y, x in np.ndindex(dA.shape):
        window = np.s_[n, c, y * size : (y + 1) * size, x * size : (x + 1) * size]
        first = np.unravel_index(X[window].argmax(), (size, size))
        expected[window][first] = dA[n, c, y, x]
    np.testing.assert_array_equal(step(MaxPooling2D(size), X, dA)[1], expected)


def test_pooling_by_1_changes_nothing():
    X = images_without_ties((1, 2, 3, 2, 3), 0)
    A, dX = step(MaxPooling2D(1), X, 2 * X)
    np.testing.assert_array_equal(A, X)
    np.testing.assert_array_equal(dX, 2 * X)


def test_a_window_with_a_value_that_is_no_number_is_none_and_learns_nothing():
    X = images_without_ties((2, 1, 1, 2, 2), 0)
    X[0, 0, 1, 2] = np.nan
    A, dX = step(MaxPooling2D(2), X, np.ones((1, 1, 2, 2)))
    assert np.isnan(A[0, 0]).tolist() == [[False, True], [False, False]]
    assert not dX[0, 0, :2, 2:].any()
    assert dX.sum() == 3


def test_a_window_of_minus_infinity_has_its_gradient_at_the_first():
    X = np.full((1, 1, 2, 2), -np.inf)
    A, dX = step(MaxPooling2D(2), X, np.full((1, 1, 1, 1), 7.0))
    assert A.tolist() == [[[[-np.inf]]]]
    assert dX.tolist() == [[[[7, 0], [0, 0]]]]


# From rows to images and back -----------------------------------------------------


@given(batches, channels, sizes, st.integers(1, 4), seeds)
def test_reshape_and_flatten_undo_each_other(batch, depth, height, width, seed):
    """Row by row as NumPy's reshape does it, whatever the order in memory is."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(batch, depth * height * width))
    images = rows.reshape(batch, depth, height, width)
    reshape, flatten = Reshape(depth, height, width), Flatten()
    np.testing.assert_array_equal(reshape.forward(rows), images)
    np.testing.assert_array_equal(flatten.forward(reshape.forward(rows)), rows)
    np.testing.assert_array_equal(flatten.forward(images), rows)
    np.testing.assert_array_equal(reshape.backward(images), rows)
    np.testing.assert_array_equal(flatten.backward(rows), images)


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_a_batch_without_images_stays_one(batch):
    """`predict` takes no examples for what they are."""
    rows = np.zeros((batch, 12), np.float32)
    X = Reshape(3, 2, 2).forward(rows)
    assert X.shape == (batch, 3, 2, 2)
    assert Convolution2D(3, 5, size=2).forward(X).shape == (batch, 5, 1, 1)
    assert MaxPooling2D(2).forward(X).shape == (batch, 3, 1, 1)
    assert Flatten().forward(X).shape == (batch, 12)
    reshape = Reshape(3, 2, 2)
    assert reshape.backward(reshape.forward(rows)).shape == (batch, 12)


# All layers for images ------------------------------------------------------------

MAKE = {
    "convolution": lambda: made_convolution(2, 3, 3, 1, 0),
    "padded": lambda: made_convolution(2, 3, 2, 2, 1),
    "pooling": lambda: MaxPooling2D(2),
    "flatten": Flatten,
    "relu": ReLU,
}
layers = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)


def arranged(X):
    """Return the images X in several memory orders, by name."""
    wide = np.zeros((*X.shape[:3], 2 * X.shape[3]), X.dtype)
    wide[..., ::2] = X
    return {
        "rows first": np.ascontiguousarray(X),
        "columns first": np.asfortranarray(X),
        "batch last": np.ascontiguousarray(X.transpose(1, 2, 3, 0)).transpose(
            3, 0, 1, 2
        ),
        "channels last": np.ascontiguousarray(X.transpose(0, 2, 3, 1)).transpose(
            0, 3, 1, 2
        ),
        "every second": wide[..., ::2],
        "backwards": np.ascontiguousarray(X[::-1, :, ::-1])[::-1, :, ::-1],
    }


@layers
@pytest.mark.parametrize("batch", [1, 3])
def test_the_order_in_memory_changes_no_result(make, batch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(batch, 2, 6, 4))
    d_output = rng.normal(size=make().forward(X).shape)
    expected = step(make(), X, d_output)
    gradients = arranged(d_output) if d_output.ndim == 4 else {"": d_output}
    for images in arranged(X).values():
        for gradient in gradients.values():
            ours = step(make(), images, gradient)
            for claimed, right in zip(ours, expected, strict=True):
                assert error(claimed, right) <= 1e-14


@layers
def test_float32_gives_the_same_result_in_float32(make):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 2, 6, 4))
    layer = make()
    d_output = rng.normal(size=layer.forward(X).shape)
    expected = step(layer, X, d_output)
    for name, W in layer.parameters.items():
        setattr(layer, name, W.astype(np.float32))
        setattr(layer, f"d{name}", np.zeros_like(layer.parameters[name]))
    ours = step(layer, X.astype(np.float32), d_output.astype(np.float32))
    for claimed, right in zip(ours, expected, strict=True):
        assert claimed.dtype == np.float32
        assert error(claimed, right) <= 1e-6


@layers
def test_an_image_layer_changes_nothing_it_is_given(make):
    rng = np.random.default_rng(0)
    layer, X = make(), rng.normal(size=(3, 2, 6, 4))
    d_output = rng.normal(size=layer.forward(X).shape)
    kept = X.copy(), d_output.copy()
    layer.forward(X)
    layer.backward(d_output)
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(d_output, kept[1])


@layers
def test_an_image_layer_reused_for_other_batches_is_like_a_fresh_one(make):
    """Other images too: the border of zeros and the gradient start anew."""
    rng = np.random.default_rng(0)
    used = make()
    for shape in ((4, 6, 4), (7, 6, 4), (2, 4, 8), (7, 6, 4), (1, 6, 6)):
        X = rng.normal(size=(shape[0], 2, *shape[1:]))
        d_output = rng.normal(size=make().forward(X).shape)
        fresh = step(make(), X, d_output)
        for claimed, expected in zip(step(used, X, d_output), fresh, strict=True):
            np.testing.assert_array_equal(claimed, expected)


@layers
def test_an_image_layer_keeps_forward_and_backward_apart(make):
    """The gradient must not be written over the output that it needs."""
    layer, X = make(), np.random.default_rng(0).normal(size=(4, 2, 6, 4))
    A = layer.forward(X)
    kept = A.copy()
    layer.backward(np.ones_like(A))
    np.testing.assert_array_equal(A, kept)


def peak(chain, batch):
    """Return how many bytes a second step takes that the first did not keep."""
    X = np.random.default_rng(0).random((batch, 144), np.float32)
    shape = ()
    for repetition in range(2):
        if repetition:
            tracemalloc.start()
        A = X
        for layer in chain:
            A = layer.forward(A, training=True)
        shape = A.shape
        dA = X[: shape[0], : shape[1]]
        for layer in reversed(chain):
            dA = layer.backward(dA)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return used


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (
            Convolution2D(1, 8, 5, padding=2),
            "Convolution2D(1, 8, 5, padding=2)",
        ),
        (MaxPooling2D(np.int64(2)), "MaxPooling2D(2)"),
        (Reshape(1, np.int32(28), 28), "Reshape(1, 28, 28)"),
        (Flatten(), "Flatten()"),
    ],
)
def test_an_image_layer_prints_as_it_is_typed(layer, text):
    assert repr(layer) == text
    assert repr(eval(text)) == text


@layers
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))]
)
def test_a_copy_of_an_image_layer_works_alike_and_holds_no_batch(make, copied):
    rng = np.random.default_rng(0)
    layer, X = make(), rng.normal(size=(3, 2, 6, 4))
    d_output = rng.normal(size=layer.forward(X).shape)
    layer.backward(d_output)
    other = copied(layer)
    learned = [*other.parameters.values(), *other.gradients.values()]
    held = [a for a in vars(other).values() if isinstance(a, np.ndarray)]
    assert {id(a) for a in held} == {id(a) for a in learned}
    expected = step(layer, X, d_output)
    for claimed, right in zip(step(other, X, d_output), expected, strict=True):
        np.testing.assert_array_equal(claimed, right)
    for mine, theirs in zip(
        layer.parameters.values(), other.parameters.values(), strict=True
    ):
        assert not np.shares_memory(mine, theirs)


# A network with convolutions ------------------------------------------------------


def made_network(seed=0, dtype=np.float64, activation=Tanh):
    """Return a small network of every layer for images, with biases that are not 0."""
    layers = [
        Reshape(1, 8, 6),
        Convolution2D(1, 3, size=3, padding=1),
        activation(),
        MaxPooling2D(2),
        Convolution2D(3, 2, size=3, stride=2, padding=1),
        activation(),
        Flatten(),
        Dense(8, 3),
    ]
    network = Network(layers, SoftmaxCrossEntropy(), seed=seed, dtype=dtype)
    rng = np.random.default_rng(seed)
    for name, array in network.parameters.items():
        if name.endswith("b"):
            array[:] = rng.normal(size=array.shape)
    return network


def batch_for(size, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, 48)), rng.integers(3, size=size)


def gradients_of(network, X, y):
    """Run forward and backward; return copies of the gradients."""
    network.loss.forward(network.forward(X), y)
    network.backward(network.loss.backward())
    return {name: dW.copy() for name, dW in network.gradients.items()}


@pytest.mark.parametrize("activation", [Tanh, ReLU])
@pytest.mark.parametrize("size", [1, 4])
def test_a_network_with_convolutions_passes_the_gradient_check(activation, size):
    report = check_gradients(made_network(1, activation=activation), *batch_for(size))
    names = [row.name for row in report.rows]
    assert names == ["1.W", "1.b", "4.W", "4.b", "7.W", "7.b"]
    assert report.worst <= 1e-7


@given(batches, seeds)
def test_the_gradients_of_a_network_with_convolutions_agree_with_autograd(size, seed):
    network, (X, y) = made_network(seed), batch_for(size, seed)

    def theirs(W1, b1, W2, b2, W3, b3):
        A = anp.reshape(X, (size, 1, 8, 6))
        A = pooled(anp.tanh(convolved(A, W1, b1, 1, 1)), 2)
        A = anp.tanh(convolved(A, W2, b2, 2, 1))
        Z = anp.dot(anp.reshape(A, (size, -1)), W3) + b3
        log_sums = anp.log(anp.sum(anp.exp(Z), axis=1))
        return anp.mean(log_sums - Z[anp.arange(size), y])

    values = [W.copy() for W in network.parameters.values()]
    expected = autograd.grad(theirs, tuple(range(6)))(*values)
    ours = gradients_of(network, X, y)
    for claimed, gradient in zip(ours.values(), expected, strict=True):
        assert error(claimed, gradient) <= 1e-12


class Transposed(Convolution2D):
    """The gradient of a window that is mirrored at its diagonal."""

    def backward(self, dZ, input_gradient=True):
        dX = super().backward(dZ, input_gradient)
        self.dW[:] = self.dW.transpose(0, 2, 1, 3).copy()
        return dX


class NotSummed(Convolution2D):
    """Of the windows that see a pixel, only the last has a say."""

    def backward(self, dZ, input_gradient=True):
        super().backward(dZ, input_gradient)
        dX = np.zeros(self.X_shape)
        dP = np.tensordot(self.W, dZ.transpose(1, 2, 3, 0), axes=1)
        for i, j in np.ndindex(self.size, self.size):
            dX[self._slice(i, j, *dP.shape[3:5])] = dP[:, i, j]
        return dX.transpose(3, 0, 1, 2)


class AllTies(MaxPooling2D):
    """Everything that is as large as the largest has the gradient."""

    def backward(self, dA, input_gradient=True):
        A = np.repeat(np.repeat(self.A, self.size, 1), self.size, 2)
        dA = np.repeat(np.repeat(dA, self.size, 2), self.size, 3)
        return dA * (self.X == A).transpose(3, 0, 1, 2)


@pytest.mark.parametrize(
    ("wrong", "contrast"),
    [
        ([Transposed(1, 2, size=3), Convolution2D(2, 1, size=2)], 1),
        ([Convolution2D(1, 2, size=3), NotSummed(2, 1, size=2)], 1),
        ([Convolution2D(1, 2, size=3), AllTies(2)], 0),  # nothing but ties
    ],
    ids=["transposed", "not summed", "ties"],
)
def test_a_wrong_image_layer_is_caught_by_the_gradient_check(wrong, contrast):
    layers = [Reshape(1, 6, 6), *wrong, Flatten()]
    network = Network(layers, SoftmaxCrossEntropy(), seed=1, dtype=np.float64)
    X = 0.5 + contrast * np.random.default_rng(0).random((3, 36))
    report = check_gradients(network, X, np.array([0, 1, 1]))
    errors = {row.name: row.relative_error for row in report.rows}
    assert errors["1.W"] > 0.01
    assert errors.get("2.W", 0) <= 1e-7


def test_images_go_into_a_convolution_as_they_are():
    layers = [Convolution2D(1, 2, size=3), Flatten(), Dense(48, 3)]
    network = Network(layers, SoftmaxCrossEntropy(), seed=0)
    X, y = batch_for(5)
    images = X.reshape(5, 1, 8, 6)
    assert network.predict(images).shape == (5,)
    assert set(gradients_of(network, images, y)) == {"0.W", "0.b", "2.W", "2.b"}


def test_no_examples_have_no_predictions():
    assert made_network().predict(np.zeros((0, 48))).shape == (0,)


def test_a_network_with_convolutions_is_saved_and_loaded(tmp_path):
    network, other = made_network(1), made_network(2)
    network.save(tmp_path / "weights.npz")
    other.load(tmp_path / "weights.npz")
    X, _ = batch_for(4)
    np.testing.assert_array_equal(other.forward(X), network.forward(X))


def test_another_stride_is_another_architecture(tmp_path):
    """The weights would fit, but they were learned for other images."""

    def made(stride):
        layers = [Convolution2D(1, 2, size=3, stride=stride), Flatten()]
        return Network(layers, SoftmaxCrossEntropy(), seed=0)

    made(1).save(tmp_path / "weights.npz")
    with pytest.raises(SavedFileError, match=r"stride=1, .* this one has .*stride=2, "):
        made(2).load(tmp_path / "weights.npz")


# Errors ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "name", "least"),
    [
        (lambda n: Convolution2D(n, 1, 3), "Convolution2D: in_channels", 1),
        (lambda n: Convolution2D(1, n, 3), "Convolution2D: out_channels", 1),
        (lambda n: Convolution2D(1, 1, n), "Convolution2D: size", 1),
        (lambda n: Convolution2D(1, 1, 3, stride=n), "Convolution2D: stride", 1),
        (lambda n: Convolution2D(1, 1, 3, padding=n), "Convolution2D: padding", 0),
        (lambda n: MaxPooling2D(n), "MaxPooling2D: size", 1),
        (lambda n: Reshape(n, 2, 2), "Reshape: channels", 1),
        (lambda n: Reshape(2, n, 2), "Reshape: height", 1),
        (lambda n: Reshape(2, 2, n), "Reshape: width", 1),
    ],
)
@pytest.mark.parametrize("setting", ["one too few", 2.0, "3", None, (3, 3)])
def test_a_setting_that_is_no_whole_number_is_named(make, name, least, setting):
    if setting == "one too few":
        setting = least - 1
    with pytest.raises(InputError) as caught:
        make(setting)
    assert str(caught.value) == (
        f"{name} must be a whole number of at least {least}, but is {setting!r}."
    )


TAKE_IMAGES = {
    "convolution": lambda: Convolution2D(3, 2, size=2),
    "pooling": lambda: MaxPooling2D(2),
    "flatten": Flatten,
}
takers = pytest.mark.parametrize("make", TAKE_IMAGES.values(), ids=TAKE_IMAGES)


@takers
@pytest.mark.parametrize(
    ("shape", "remedy"),
    [
        ((5, 12), r"the layer Reshape\(1, 28, 28\)\."),
        ((12,), r"the layer Reshape\(1, 28, 28\)\."),
        ((5, 4, 4), r"get one with X\[:, np\.newaxis\]\."),
        ((5, 3, 0, 4), r"none of the last three 0, but"),
        ((5, 0, 4, 4), r"none of the last three 0, but"),
    ],
)
def test_what_is_no_batch_of_images_is_refused_with_the_remedy(make, shape, remedy):
    with pytest.raises(InputError, match=remedy) as caught:
        make().forward(np.zeros(shape, np.float32))
    message = str(caught.value)
    assert message.startswith(f"{make()}: X must have shape (batch, ")
    assert f"but has shape {shape}." in message


def test_wrong_channels_are_refused_with_the_remedy():
    with pytest.raises(
        InputError,
        match=r"\(batch, 3, height, width\).*shape \(5, 4, 4, 3\)\. .*\(0, 3, 1, 2\)\.",
    ):
        Convolution2D(3, 2, size=2).forward(np.zeros((5, 4, 4, 3), np.float32))


@pytest.mark.parametrize("shape", [(5, 3, 2, 9), (5, 3, 9, 2)])
def test_images_smaller_than_the_window_are_refused(shape):
    layer = Convolution2D(3, 2, size=5, padding=1)
    with pytest.raises(
        InputError,
        match=r"at least 3 pixels .* but are \d × \d\. Take a smaller window",
    ):
        layer.forward(np.zeros(shape, np.float32))


@pytest.mark.parametrize("shape", [(5, 3, 4, 5), (5, 3, 5, 4)])
def test_images_that_do_not_divide_into_windows_are_refused(shape):
    with pytest.raises(
        InputError,
        match=r"MaxPooling2D\(2\): height and width must be multiples of 2, but the "
        r"images are \d × \d\. Take another size",
    ):
        MaxPooling2D(2).forward(np.zeros(shape, np.float32))


@pytest.mark.parametrize("shape", [(5, 11), (12,), (5, 3, 2, 2)])
def test_rows_of_another_length_are_refused(shape):
    with pytest.raises(
        InputError, match=r"Reshape\(3, 2, 2\): X must have shape \(batch, 12\), .*-1\)"
    ):
        Reshape(3, 2, 2).forward(np.zeros(shape))


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_convolution_says_which_type_it_takes(dtype):
    with pytest.raises(
        InputError, match=r"X is float\d\d, but the weights are float32\. .*np\.float32"
    ):
        Convolution2D(3, 2, size=2).forward(np.zeros((5, 3, 4, 4), dtype))


@pytest.mark.parametrize(
    "make",
    [*TAKE_IMAGES.values(), lambda: Reshape(3, 2, 2)],
    ids=[*TAKE_IMAGES, "rows"],
)
def test_an_image_layer_takes_no_list_and_no_whole_numbers(make):
    shape = (1, 12) if isinstance(make(), Reshape) else (1, 3, 2, 2)
    X = np.zeros(shape, np.uint8)
    with pytest.raises(InputError, match=r"NumPy array .* but is a list\. Wri"):
        make().forward(X.tolist())
    with pytest.raises(InputError, match=r"floating-point .* uint8\. .*divided by 255"):
        make().forward(X)
