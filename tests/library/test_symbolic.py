"""The derivations: SymPy is held against numbers that come from nowhere near it."""

import math

import numpy as np
import pytest
import sympy as sp
from backprop import symbolic
from oracles import central_differences, error

NAMES = ("sigmoid", "tanh", "relu")
FORMULAS = {
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
}


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


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_p_minus_y_is_derived_for_each_label(classes):
    z = np.random.default_rng(classes).normal(size=classes)
    powers = [math.exp(score) for score in z]
    for label in {0, classes // 2, classes - 1}:
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


@pytest.mark.parametrize("label", [-1, 3, 1.5])
def test_a_label_that_is_no_class_is_refused(label):
    with pytest.raises(ValueError, match="label must be from 0 to 2, but is"):
        symbolic.softmax_cross_entropy(3, label)
    with pytest.raises(ValueError, match="label must be from 0 to 2, but is"):
        symbolic.two_layer_network(2, 2, 3, label)


@pytest.mark.parametrize("name", ["x", "b", "w", "beta"])
def test_symbols_are_numbered_as_asked_whatever_their_name(name):
    matrix = symbolic.symbol_matrix(name, 2, 2)
    names = [f"{name}_11", f"{name}_12", f"{name}_21", f"{name}_22"]
    assert [str(entry) for entry in matrix] == names
    row = symbolic.symbol_matrix(name, 1, 2, indices=1)
    assert [str(entry) for entry in row] == [f"{name}_1", f"{name}_2"]
    with pytest.raises(ValueError, match=r"2 rows .* cannot be told apart"):
        symbolic.symbol_matrix(name, 2, 2, indices=1)


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


@pytest.mark.parametrize("name", NAMES)
def test_a_two_layer_network_is_written_and_derived_right(name):
    """Held against plain Python, nudged: three inputs, two hidden, three outputs."""
    network = symbolic.two_layer_network(3, 2, 3, label=2, activation=name)
    rng = np.random.default_rng(7)
    x = rng.normal(size=(1, 3))
    values = {"0.W": (3, 2), "0.b": (2,), "2.W": (2, 3), "2.b": (3,)}
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
    for key, gradient in gradients.items():
        derived = np.reshape(network.evaluate(gradient, x, values), values[key].shape)
        measured = central_differences(loss, values[key])
        assert error(derived, measured) <= 1e-7


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
