"""The derivations: SymPy is held against numbers that come from nowhere near it.

Where it says so, it is also held against the library: that is what it is for.
"""

import math
from functools import cache
from itertools import pairwise, product

import numpy as np
import pytest
import sympy as sp
from backprop import (
    SGD,
    AdamW,
    Convolution2D,
    Dense,
    Dropout,
    MaxPooling2D,
    MeanSquaredError,
    Network,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
    glorot,
    he,
)
from backprop.oracles import symbolic
from oracles import central_differences, error

NAMES = ("sigmoid", "tanh", "relu")
FORMULAS = {
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
}


def evaluated(expressions, values):
    """Return expressions as arrays of their shapes.

    `values` is a list of pairs: a Matrix or Array of symbols, and its numbers.
    """
    symbols = [symbol for entries, _ in values for symbol in sp.flatten(entries)]
    numbers = np.concatenate([np.ravel(numbers) for _, numbers in values])
    flat = [sp.flatten(entries) for entries in expressions]
    results = sp.lambdify(symbols, flat, "numpy", cse=True)(*numbers)
    return [
        np.reshape(result, tuple(map(int, entries.shape)))
        for result, entries in zip(results, expressions, strict=True)
    ]


# Symbols --------------------------------------------------------------------------


def test_symbols_of_large_matrices_are_all_different():
    """Row 1, column 11 and row 11, column 1 must not both be x_111."""
    for matrix in (
        symbolic.symbol_matrix("x", 12, 13),
        symbolic.symbol_array("x", 12, 11, 2),
    ):
        entries = sp.flatten(matrix)
        assert len(set(entries)) == len(entries) == math.prod(map(int, matrix.shape))
    assert str(symbolic.symbol_matrix("x", 12, 12)[0, 10]) == "x_1,11"


def test_symbols_of_an_array_are_numbered_axis_by_axis():
    array = symbolic.symbol_array("w", 2, 3, 2)
    assert str(array[1, 2, 0]) == "w_231"
    assert array.shape == (2, 3, 2)


@pytest.mark.parametrize("name", ["x", "b", "w", "beta"])
def test_symbols_are_numbered_as_asked_whatever_their_name(name):
    matrix = symbolic.symbol_matrix(name, 2, 2)
    names = [f"{name}_11", f"{name}_12", f"{name}_21", f"{name}_22"]
    assert [str(entry) for entry in matrix] == names
    row = symbolic.symbol_matrix(name, 1, 2, indices=1)
    assert [str(entry) for entry in row] == [f"{name}_1", f"{name}_2"]
    with pytest.raises(ValueError, match=r"2 rows .* cannot be told apart"):
        symbolic.symbol_matrix(name, 2, 2, indices=1)


# Activations ----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_activation_and_its_derivative_are_right(name):
    value = sp.lambdify(symbolic.z, symbolic.ACTIVATIONS[name])
    slope = sp.lambdify(symbolic.z, symbolic.activation_derivative(name))
    for z in (-3.0, -0.7, 0.2, 1.0, 4.0):
        f = FORMULAS[name]
        assert value(z) == pytest.approx(f(z), rel=1e-14)
        measured = (f(z + 1e-5) - f(z - 1e-5)) / 2e-5
        assert slope(z) == pytest.approx(measured, rel=1e-7, abs=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_the_slope_from_the_output_is_the_derivative(name):
    assert symbolic.slope_error(name) == 0
    for z in (-2.0, 0.5, 3.0):
        a = FORMULAS[name](z)
        from_output = float(symbolic.SLOPES_FROM_OUTPUT[name].subs(symbolic.a, a))
        derivative = float(symbolic.activation_derivative(name).subs(symbolic.z, z))
        assert from_output == pytest.approx(derivative, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_slope_does_not_pass(name, monkeypatch):
    wrong = symbolic.SLOPES_FROM_OUTPUT[name] + 1
    monkeypatch.setitem(symbolic.SLOPES_FROM_OUTPUT, name, wrong)
    assert symbolic.slope_error(name) != 0


# Losses ---------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_p_minus_y_is_derived_for_each_label(classes):
    z = np.random.default_rng(classes).normal(size=classes)
    powers = [math.exp(score) for score in z]
    for label in (0, classes - 1):
        derived = symbolic.softmax_cross_entropy(classes, label)
        numbers = dict(zip(derived.logits, z, strict=True))
        loss = float(derived.loss.subs(numbers))
        assert loss == pytest.approx(-math.log(powers[label] / sum(powers)), rel=1e-12)
        expected = [p / sum(powers) - (k == label) for k, p in enumerate(powers)]
        for form in (derived.gradient, derived.claim):
            values = [float(entry.subs(numbers)) for entry in form]
            np.testing.assert_allclose(values, expected, rtol=1e-11)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_p_minus_y_holds_exactly(classes):
    assert symbolic.softmax_cross_entropy(classes, 1).errors() == [0] * classes
    assert symbolic.smoothed_cross_entropy(classes, 1).errors() == [0] * classes


@pytest.mark.parametrize("label", [-1, 3, 1.5])
def test_a_label_that_is_no_class_is_refused(label):
    with pytest.raises(ValueError, match="label must be from 0 to 2, but is"):
        symbolic.softmax_cross_entropy(3, label)
    with pytest.raises(ValueError, match="label must be from 0 to 2"):
        symbolic.smoothed_cross_entropy(3, label)
    with pytest.raises(ValueError, match="label must be from 0 to 2, but is"):
        symbolic.two_layer_network(2, 2, 3, label)


def test_a_wrong_claim_does_not_pass():
    derived = symbolic.softmax_cross_entropy(3, 1)
    derived.claim[1] += 1  # as if the label had been forgotten
    assert derived.errors()[1] != 0


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_p_minus_y_for_a_symbolic_number_of_classes(classes):
    loss, gradient = symbolic.softmax_cross_entropy_any_size()
    symbols = {str(s): s for s in gradient.free_symbols}
    n, y, j, z = symbols["n"], symbols["y"], symbols["j"], sp.IndexedBase("z")
    scores = np.random.default_rng(0).normal(size=classes)
    numbers = {z[k + 1]: scores[k] for k in range(classes)}
    powers, label = np.exp(scores), 1
    value = loss.subs({n: classes, y: label + 1}).doit().subs(numbers)
    assert float(value) == pytest.approx(-math.log(powers[label] / powers.sum()))
    for place in range(classes):
        entry = gradient.subs({n: classes, y: label + 1, j: place + 1}).doit()
        expected = powers[place] / powers.sum() - (place == label)
        assert float(entry.subs(numbers)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("batch", "outputs"), [(1, 1), (3, 2), (2, 4)])
def test_the_squared_error_is_derived_entry_by_entry(batch, outputs):
    derived = symbolic.mean_squared_error(batch, outputs)
    assert derived.errors() == sp.zeros(batch, outputs)
    A, T = np.random.default_rng(0).normal(size=(2, batch, outputs))

    def loss():
        return (
            sum((a - t) ** 2 for a, t in zip(A.flat, T.flat, strict=True)) / 2 / batch
        )

    values = [(derived.A, A), (derived.T, T)]
    (value,) = evaluated([sp.Matrix([derived.loss])], values)
    assert value.item() == pytest.approx(loss(), rel=1e-12)
    (gradient,) = evaluated([derived.gradient], values)
    assert error(gradient, central_differences(loss, A)) <= 1e-7


def test_a_wrong_claim_about_the_squared_error_does_not_pass():
    derived = symbolic.mean_squared_error(3, 2)
    derived.claim[:, :] = derived.claim / 2  # as if the mean were over all entries
    assert not derived.errors().is_zero_matrix


def test_the_library_has_the_squared_error_that_is_derived():
    derived = symbolic.mean_squared_error(4, 3)
    A, T = np.random.default_rng(1).normal(size=(2, 4, 3))
    values = [(derived.A, A), (derived.T, T)]
    value, gradient = evaluated([sp.Matrix([derived.loss]), derived.gradient], values)
    loss = MeanSquaredError()
    assert loss.forward(A, T) == pytest.approx(value.item(), rel=1e-12)
    assert error(loss.backward(), gradient) <= 1e-12


# Layers ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 4), (2, 2, 2)])
def test_a_dense_layer_is_derived_entry_by_entry(shape):
    layer = symbolic.dense_layer(*shape)
    assert layer.dW == layer.X.T * layer.dZ
    assert layer.dX == layer.dZ * layer.W.T
    assert layer.db == sp.ones(1, shape[0]) * layer.dZ


def test_symbols_of_a_layer_are_all_different():
    layer = symbolic.dense_layer(3, 4, 2)
    symbols = [*layer.X, *layer.W, *layer.b, *layer.dZ]
    assert len(set(symbols)) == len(symbols) == 3 * 4 + 4 * 2 + 2 + 3 * 2


@pytest.mark.parametrize(("batch", "width"), [(1, 1), (2, 3)])
def test_dropout_has_the_mask_and_the_scale_on_the_way_back_too(batch, width):
    derived = symbolic.dropout(batch, width)
    scaled = derived.dA.multiply_elementwise(derived.M) / (1 - derived.rate)
    assert sp.simplify(derived.dX - scaled).is_zero_matrix


def test_dropout_keeps_the_mean_and_adds_variance():
    """By counting: one of the two cases has the probability 1 - p, the other p."""
    derived = symbolic.dropout(2, 2)
    x, p = derived.X[0], derived.rate
    kept, silenced = (derived.A[0].subs(derived.M[0], m) for m in (1, 0))
    mean = (1 - p) * kept + p * silenced
    assert sp.simplify(derived.mean() - mean) == 0 == sp.simplify(mean - x)
    spread = (1 - p) * (kept - x) ** 2 + p * (silenced - x) ** 2
    assert sp.simplify(derived.variance() - spread) == 0
    assert sp.simplify(spread - x**2 * p / (1 - p)) == 0


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.8])
def test_the_library_has_the_dropout_that_is_derived(rate):
    derived = symbolic.dropout(5, 4)
    X, dA = np.random.default_rng(2).normal(size=(2, 5, 4))
    layer = Dropout(rate)
    layer.initialize(np.random.default_rng(3))
    A = layer.forward(X, training=True).copy()
    mask = A != 0
    assert rate == 0 or 0 < mask.sum() < mask.size
    numbers = [
        (derived.X, X),
        (derived.M, mask),
        (derived.dA, dA),
        ([derived.rate], rate),
    ]
    expected, dX = evaluated([derived.A, derived.dX], numbers)
    assert error(A, expected) <= 1e-12
    assert error(layer.backward(dA), dX) <= 1e-12


# Batch, channels in and out, image, size, stride, padding.
CONVOLUTIONS = [
    (1, 1, 1, (2, 3), 2, 1, 0),
    (2, 2, 1, (2, 3), 2, 1, 0),
    (1, 2, 1, (3, 4), 3, 2, 1),
    (1, 1, 2, (5, 4), 2, 3, 2),
    (3, 2, 2, (2, 3), 1, 2, 0),
]
convolutions = pytest.mark.parametrize("shape", CONVOLUTIONS)


def convolved(X, W, b, stride, padding):
    """Return the outputs window by window, each a sum over what the window sees."""
    size = W.shape[1]
    border = (padding, padding)
    X = np.pad(X, ((0, 0), (0, 0), border, border))
    rows, columns = (range(0, n - size + 1, stride) for n in X.shape[2:])
    Z = np.empty((len(X), W.shape[3], len(rows), len(columns)))
    for n, k in np.ndindex(Z.shape[:2]):
        for (r, top), (c, left) in product(enumerate(rows), enumerate(columns)):
            window = X[n, :, top : top + size, left : left + size]
            Z[n, k, r, c] = b[k] + np.sum(window * W[..., k])
    return Z


@cache
def convolution_in_numbers(shape):
    """Return a derivation with random numbers: for its symbols, and all results."""
    derived = symbolic.convolution(*shape)
    rng = np.random.default_rng(sum(shape[:3]))
    entries = (derived.X, derived.W, derived.b, derived.dZ)
    arrays = [rng.normal(size=tuple(map(int, e.shape))) for e in entries]
    expressions = [derived.Z, derived.dW, derived.db, derived.dX]
    return arrays, evaluated(expressions, list(zip(entries, arrays, strict=True)))


@convolutions
def test_a_convolution_is_written_and_derived_right(shape):
    (X, W, b, dZ), (Z, dW, db, dX) = convolution_in_numbers(shape)

    def loss():
        return np.sum(dZ * convolved(X, W, b, *shape[5:]))

    assert error(Z, convolved(X, W, b, *shape[5:])) <= 1e-14
    for derived, array in ((dW, W), (db, b), (dX, X)):
        assert error(derived, central_differences(loss, array)) <= 1e-7


@convolutions
def test_the_library_has_the_convolution_that_is_derived(shape):
    _, in_channels, out_channels, _, *settings = shape
    (X, W, b, dZ), (Z, dW, db, dX) = convolution_in_numbers(shape)
    layer = Convolution2D(in_channels, out_channels, *settings)
    layer.initialize(np.random.default_rng(0), np.float64)
    layer.W[:], layer.b[:] = W, b
    assert error(layer.forward(X), Z) <= 1e-12
    assert error(layer.backward(dZ), dX) <= 1e-12
    assert error(layer.dW, dW) <= 1e-12
    assert error(layer.db, db) <= 1e-12


def test_a_window_that_fits_into_no_image_is_refused():
    with pytest.raises(
        ValueError, match=r"size 5 does not fit .* 3 × 8 .* padding of 0"
    ):
        symbolic.convolution(1, 1, 1, (3, 8), 5)
    assert symbolic.convolution(1, 1, 1, (1, 2), 3, padding=1).Z.shape == (1, 1, 1, 2)


def pattern(image, size):
    """Return the place of each window's largest entry, as `max_pooling` takes it."""
    rows, columns = (length // size for length in image.shape)
    windows = image.reshape(rows, size, columns, size).swapaxes(1, 2)
    return windows.reshape(rows, columns, -1).argmax(axis=2).tolist()


@pytest.mark.parametrize(("size", "shape"), [(2, (4, 4)), (2, (2, 6)), (1, (2, 3))])
def test_max_pooling_is_derived_and_the_library_has_it(size, shape):
    rng = np.random.default_rng(4)
    rows, columns = (range(0, length, size) for length in shape)
    image, dA = rng.normal(size=shape), rng.normal(size=(len(rows), len(columns)))
    derived = symbolic.max_pooling(pattern(image, size), size)
    A, dX = evaluated([derived.A, derived.dX], [(derived.X, image), (derived.dA, dA)])

    def largest():
        return [
            [image[r : r + size, c : c + size].max() for c in columns] for r in rows
        ]

    assert error(A, largest()) == 0
    measured = central_differences(lambda: np.sum(dA * largest()), image)
    assert error(dX, measured) <= 1e-7

    layer = MaxPooling2D(size)
    assert error(layer.forward(image[None, None])[0, 0], A) == 0
    assert error(layer.backward(dA[None, None])[0, 0], dX) <= 1e-12


def test_a_gradient_goes_to_the_winner_and_to_nobody_else():
    derived = symbolic.max_pooling([[0, 3], [2, 1]], size=2)
    d = derived.dA
    assert derived.dX == sp.Matrix(
        [[d[0, 0], 0, 0, 0], [0, 0, 0, d[0, 1]], [0, 0, 0, d[1, 1]], [d[1, 0], 0, 0, 0]]
    )


@pytest.mark.parametrize("place", [-1, 4])
def test_a_winner_outside_of_its_window_is_refused(place):
    with pytest.raises(ValueError, match=rf"must be from 0 to 3, but is {place}\."):
        symbolic.max_pooling([[0, place]], size=2)


# A whole network ------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_two_layer_network_is_written_and_derived_right(name):
    """Held against plain Python, nudged: two inputs, two hidden, three outputs."""
    network = symbolic.two_layer_network(2, 2, 3, label=2, activation=name)
    rng = np.random.default_rng(7)
    x = rng.normal(size=(1, 2))
    values = {"0.W": (2, 2), "0.b": (2,), "2.W": (2, 3), "2.b": (3,)}
    values = {key: rng.normal(size=shape) for key, shape in values.items()}

    def loss():
        hidden = [
            FORMULAS[name](float(x[0] @ values["0.W"][:, k] + values["0.b"][k]))
            for k in range(2)
        ]
        logits = [
            sum(hidden[i] * values["2.W"][i, k] for i in range(2)) + values["2.b"][k]
            for k in range(3)
        ]
        return -math.log(math.exp(logits[2]) / sum(map(math.exp, logits)))

    claimed = network.evaluate(network.loss, x, values)
    assert claimed == pytest.approx(loss(), rel=1e-12)
    gradients = network.gradients()
    assert list(gradients) == list(values)
    derived = network.evaluate(list(gradients.values()), x, values)
    for W, gradient in zip(values.values(), derived, strict=True):
        measured = central_differences(loss, W)
        assert error(np.reshape(gradient, W.shape), measured) <= 1e-7


# Initialization -------------------------------------------------------------------


def test_an_expectation_is_the_sum_over_all_cases():
    """Two dice with other numbers on them, thrown in all ways."""
    x, y, c = sp.symbols("x y c")
    faces = {x: (1, 2, 6), y: (-1, 0, 5, 7)}
    moments = {
        s: [sp.Rational(sum(f**k for f in found), len(found)) for k in range(4)]
        for s, found in faces.items()
    }
    expression = (x * y + c * x - 2) ** 2 * x + y**3
    throws = [expression.subs({x: i, y: k}) for i, k in product(faces[x], faces[y])]
    expected = sp.expand(sum(throws) / len(throws))
    assert sp.expand(symbolic.expected_value(expression, moments)) == expected


@pytest.mark.parametrize("inputs", [1, 2, 5])
def test_the_variance_of_a_sum_of_products_is_n_times_v_times_q(inputs):
    v, q = sp.symbols("v q", real=True)
    assert symbolic.variance_of_sum(inputs) == inputs * v * q


def test_relu_keeps_half_of_the_mean_square():
    """Against 100,000 draws, whose mean square is within 2 % of its expectation."""
    derived = symbolic.rectified_mean_square()
    (deviation,) = derived.free_symbols
    drawn = np.random.default_rng(0).normal(0, 1.7, 100_000)
    measured = np.mean(np.maximum(drawn, 0) ** 2)
    assert float(derived.subs(deviation, 1.7)) == pytest.approx(measured, rel=0.02)


def test_the_library_draws_the_variances_that_are_derived():
    derived = symbolic.initialization_variances()
    widths = {"n_in": 300, "n_out": 200}
    for expression, draw in ((derived.he, he), (derived.glorot, glorot)):
        variance = float(
            expression.subs({s: widths[str(s)] for s in expression.free_symbols})
        )
        W = draw(np.random.default_rng(0), 300, 200)
        assert W.var() == pytest.approx(variance, rel=0.03)


def test_glorot_stands_between_the_two_demands():
    derived = symbolic.initialization_variances()
    n_in, n_out = sp.symbols("n_in n_out", positive=True)
    assert (derived.forward, derived.backward) == (1 / n_in, 1 / n_out)
    square = derived.glorot.subs(n_out, n_in)
    assert square == derived.forward
    assert derived.he == 2 * derived.forward


# Optimizers -----------------------------------------------------------------------


def weights_of_the_library(optimizer, start, gradients, name="W"):
    """Return the path of the only weight, or bias, of a network under an optimizer."""
    layer = Dense(1, 1)
    network = Network([layer], loss=MeanSquaredError(), seed=0, dtype=np.float64)
    layer.parameters[name][:] = start
    path = []
    for g in gradients:
        layer.gradients[name][:] = g
        optimizer.step(network)
        path.append(layer.parameters[name].item())
    return path


def weights_derived(descent, start, gradients, settings):
    """Return the path of a derivation in numbers."""
    symbols = [descent.start, *descent.gradients]
    return sp.lambdify(symbols, descent.at(**settings), "math")(start, *gradients)


GRADIENTS = (0.5, -1.25, 0.75, 2.0)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.04])
def test_the_library_takes_the_steps_with_momentum_that_are_derived(
    nesterov, weight_decay
):
    settings = {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": weight_decay}
    derived = symbolic.momentum_descent(4, nesterov)
    expected = weights_derived(derived, 1.5, GRADIENTS, settings)
    ours = weights_of_the_library(SGD(**settings, nesterov=nesterov), 1.5, GRADIENTS)
    assert error(ours, expected) <= 1e-12
    free = {**settings, "weight_decay": 0.0}  # a bias is not pulled toward 0
    expected = weights_derived(derived, 1.5, GRADIENTS, free)
    optimizer = SGD(**settings, nesterov=nesterov)
    ours = weights_of_the_library(optimizer, 1.5, GRADIENTS, "b")
    assert error(ours, expected) <= 1e-12


@pytest.mark.parametrize("weight_decay", [0.0, 0.04])
def test_the_library_takes_the_steps_of_adam_that_are_derived(weight_decay):
    settings = {
        "learning_rate": 0.01,
        "beta1": 0.8,
        "beta2": 0.95,
        "epsilon": 1e-3,
        "weight_decay": weight_decay,
    }
    derived = symbolic.adam_descent(4)
    expected = weights_derived(derived, 1.5, GRADIENTS, settings)
    ours = weights_of_the_library(AdamW(**settings), 1.5, GRADIENTS)
    assert error(ours, expected) <= 1e-12
    free = {**settings, "weight_decay": 0.0}
    expected = weights_derived(derived, 1.5, GRADIENTS, free)
    ours = weights_of_the_library(AdamW(**settings), 1.5, GRADIENTS, "b")
    assert error(ours, expected) <= 1e-12


def test_momentum_is_the_sum_of_all_gradients_that_fade():
    derived = symbolic.momentum_descent(3)
    rate, momentum, _ = derived.settings.values()
    g = derived.gradients
    velocity = g[2] + momentum * g[1] + momentum**2 * g[0]
    before, after = derived.at(weight_decay=0)[1:]
    assert sp.expand(after - before + rate * velocity) == 0


def test_nesterov_here_is_nesterov_as_published(monkeypatch):
    assert symbolic.nesterov_errors(4) == [0] * 4
    plain = symbolic.momentum_descent(4)
    monkeypatch.setattr(
        symbolic.optimizers, "momentum_descent", lambda steps, nesterov: plain
    )
    assert 0 not in symbolic.nesterov_errors(4)


@pytest.mark.parametrize("gradient", [1e-6, -3.0, 400.0])
def test_adams_first_step_has_the_length_of_the_learning_rate(gradient):
    (weight,) = symbolic.adam_descent(1).at(epsilon=0, weight_decay=0)
    numbers = {"w": 2.0, "eta": 0.01, "g_1": gradient}
    value = weight.subs({s: numbers[str(s)] for s in weight.free_symbols})
    assert float(value) == pytest.approx(2.0 - math.copysign(0.01, gradient))


def test_adams_average_is_too_small_by_the_factor_it_is_divided_by():
    for_any = symbolic.expected_average_any_step()
    symbols = {str(s): s for s in for_any.free_symbols}
    beta, g, t = symbols["beta"], symbols["g"], symbols["t"]
    for steps in (1, 2, 3, 7):
        derived = symbolic.expected_average(steps)
        assert sp.expand(derived - (1 - beta**steps) * g) == 0
        assert sp.expand(derived - for_any.subs(t, steps)) == 0


# The price of a gradient ----------------------------------------------------------


def test_a_chain_is_derived_right():
    loss, gradients = symbolic.chain(3)
    names = ["w1", "w2", "w3", "b1", "b2", "b3"]
    p = np.random.default_rng(2).normal(size=6)

    def value():
        a = 0.4
        for w, b in zip(p[:3], p[3:], strict=True):
            a = FORMULAS["sigmoid"](w * a + b)
        return (a - 0.9) ** 2 / 2

    symbols = [*sp.symbols(names, real=True), *sp.symbols("x t", real=True)]
    in_numbers = sp.lambdify(symbols, [loss, *gradients])
    ours = in_numbers(*p, 0.4, 0.9)
    assert ours[0] == pytest.approx(value(), rel=1e-12)
    assert error(ours[1:], central_differences(value, p)) <= 1e-7


def test_shared_subexpressions_make_all_gradients_as_cheap_as_the_loss():
    """Written out, the price grows with the square of the depth; shared, with it."""
    short, long = (symbolic.chain(layers) for layers in (3, 6))
    counts = [symbolic.operation_counts([loss, *g]) for loss, g in (short, long)]
    alone = symbolic.operation_counts([long[0]])
    assert counts[1].shared < 3 * alone.shared
    assert counts[1].shared < 2.5 * counts[0].shared
    assert counts[1].written_out > 3 * counts[0].written_out
    assert counts[1].written_out > 20 * counts[1].shared


def test_operations_are_counted():
    x, y = sp.symbols("x y")
    counts = symbolic.operation_counts([sp.sin(x + y), sp.cos(x + y)])
    assert (counts.written_out, counts.shared) == (4, 3)


@pytest.mark.parametrize(
    ("activation", "widths"),
    [(Sigmoid, [3, 2]), (Tanh, [3, 4, 2]), (ReLU, [2, 3, 4, 3])],
)
def test_the_library_has_the_gradients_of_the_program(activation, widths):
    """The four equations, line by line, for a batch of four."""
    name = activation.__name__.lower()
    program = symbolic.backpropagation(4, widths, name)
    pairs = [(Dense(*sizes), activation()) for sizes in pairwise(widths)]
    layers = [layer for pair in pairs for layer in pair][:-1]
    network = Network(layers, loss=SoftmaxCrossEntropy(), seed=5, dtype=np.float64)
    rng = np.random.default_rng(5)
    for W in network.parameters.values():
        W[:] = rng.normal(size=W.shape)
    X, y = rng.normal(size=(4, widths[0])), rng.integers(0, widths[-1], 4)
    loss = network.loss.forward(network.forward(X), y)
    network.backward(network.loss.backward())
    value, gradients = program.run(X, np.eye(widths[-1])[y], network.parameters)
    assert value == pytest.approx(loss, rel=1e-12)
    assert list(gradients) == list(network.gradients)
    for key, gradient in network.gradients.items():
        assert error(gradient, gradients[key]) <= 1e-12


def test_sympy_without_the_four_equations_derives_the_same():
    """One example, so that its expressions stay short."""
    network = symbolic.two_layer_network(2, 3, 2, label=1)
    program = symbolic.backpropagation(1, [2, 3, 2])
    assert program.parameters == network.parameters
    rng = np.random.default_rng(6)
    shapes = {"0.W": (2, 3), "0.b": (3,), "2.W": (3, 2), "2.b": (2,)}
    values = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    x = rng.normal(size=(1, 2))
    loss, gradients = program.run(x, np.array([[0.0, 1.0]]), values)
    derived = network.gradients()
    expected = network.evaluate([network.loss, *derived.values()], x, values)
    assert loss == pytest.approx(expected[0], rel=1e-12)
    for key, gradient in zip(derived, expected[1:], strict=True):
        assert error(gradients[key], np.reshape(gradient, shapes[key])) <= 1e-12


def test_a_program_assigns_before_it_reads_and_only_once():
    program = symbolic.backpropagation(2, [2, 3, 2])
    known = {*program.X, *program.Y, *sp.flatten(list(program.parameters.values()))}
    for symbol, expression in [*program.forward, *program.backward]:
        assert expression.free_symbols <= known
        assert symbol not in known
        known.add(symbol)


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("widths", [[3, 2], [5, 4, 3], [4, 4, 4, 4]])
def test_a_gradient_costs_less_than_two_forward_passes(batch, widths):
    forward, backward = symbolic.backpropagation(batch, widths).operations()
    assert 0 < backward < 2 * forward


def test_products_are_counted_as_they_are():
    """A single layer: (batch, 3) times (3, 2), and on the way back only dW and db."""
    batch, inputs, outputs = 4, 3, 2
    forward, backward = symbolic.backpropagation(batch, [inputs, outputs]).operations()
    product_and_bias = batch * outputs * 2 * inputs
    softmax = batch * (outputs + (outputs - 1) + outputs)  # exp, sum, quotient
    cross_entropy = batch * outputs * 4  # log, times y, by the batch, sum
    assert forward == product_and_bias + softmax + cross_entropy
    dZ = batch * outputs * 3  # difference of two quotients
    dW, db = inputs * outputs * (2 * batch - 1), outputs * (batch - 1)
    assert backward == dZ + dW + db


def test_finding_equal_pieces_is_dearer_than_the_four_equations():
    """In a wide network `cse` does not find the sums over paths; they must be told."""
    network = symbolic.two_layer_network(2, 3, 2, label=0)
    slopes = [slope for matrix in network.gradients().values() for slope in matrix]
    counts = symbolic.operation_counts([network.loss, *slopes])
    by_equations = sum(symbolic.backpropagation(1, [2, 3, 2]).operations())
    assert by_equations < counts.shared < counts.written_out / 20
