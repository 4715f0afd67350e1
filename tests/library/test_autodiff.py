"""The tape, held against finite differences, autograd, SymPy and the NumPy library."""

import math
import re
from fractions import Fraction

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from backprop import (
    Dense,
    MeanSquaredError,
    Network,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
)
from backprop.oracles import symbolic
from backprop.oracles.tape import Value, topological_order
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracles import central_differences, error

# Random formulas -------------------------------------------------------------------

IN_FLOATS = {
    "exp": math.exp,
    "log": math.log,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "relu": lambda x: max(x, 0.0),
}
IN_AUTOGRAD = {
    "exp": anp.exp,
    "log": anp.log,
    "tanh": anp.tanh,
    "sigmoid": lambda x: 1 / (1 + anp.exp(-x)),
    "relu": lambda x: anp.maximum(x, 0.0),
}
IN_VALUES = {name: getattr(Value, name) for name in IN_FLOATS}

# What a formula is made of. Each stays small whatever it is given, and so do its
# derivatives: a nudge can measure them, and nothing overflows.
STEPS = {
    "add": lambda x, y, f: x + y,
    "subtract": lambda x, y, f: x - y,
    "multiply": lambda x, y, f: f["tanh"](x) * f["tanh"](y),
    "divide": lambda x, y, f: f["tanh"](x) / (1 + y**2),
    "minus": lambda x, y, f: -x,
    "number on the left": lambda x, y, f: 2 + (0.5 - 0.7 * x),
    "number on the right": lambda x, y, f: (x - 2) * 0.3 / 0.9 + 1,
    "number divided": lambda x, y, f: 3 / (2 + f["sigmoid"](y)),
    "square": lambda x, y, f: f["tanh"](x) ** 2,
    "cube": lambda x, y, f: f["tanh"](x) ** 3,
    "root": lambda x, y, f: (x**2 + 1) ** 0.5,
    "reciprocal": lambda x, y, f: (x**2 + y**2 + 1) ** -1,
    "exp": lambda x, y, f: f["exp"](f["tanh"](x)),
    "log": lambda x, y, f: f["log"](x * x + 1),
    "tanh": lambda x, y, f: f["tanh"](x),
    "sigmoid": lambda x, y, f: f["sigmoid"](y),
    "relu": lambda x, y, f: f["relu"](x),
}
places = st.integers(0, 100)
formulas = st.lists(st.tuples(st.sampled_from(list(STEPS)), places, places), max_size=8)
leaves = st.lists(st.floats(-2, 2), min_size=3, max_size=3)


def evaluate(formula, inputs, functions):
    """Return all results: each step takes any two of the numbers before it."""
    numbers = list(inputs)
    for name, i, k in formula:
        x, y = numbers[i % len(numbers)], numbers[k % len(numbers)]
        if name == "relu" and functions is IN_FLOATS:
            assume(abs(x) > 1e-3)  # a nudge across the kink measures no slope
        numbers.append(STEPS[name](x, y, functions))
    return numbers


def outcome(formula, inputs, functions):
    """Return the sum of all results, so that no step is without effect."""
    return sum(evaluate(formula, inputs, functions))


def gradients(formula, inputs):
    """Return what the tape gives: a gradient for each input."""
    values = [Value(x) for x in inputs]
    outcome(formula, values, IN_VALUES).backward()
    return [value.gradient for value in values]


@settings(max_examples=60)
@given(formulas, leaves)
def test_gradients_agree_with_finite_differences(formula, inputs):
    x = np.array(inputs)
    measured = central_differences(lambda: outcome(formula, x.tolist(), IN_FLOATS), x)
    # The 1 is the scale of the whole: a slope of 1e-9 cannot be measured better.
    assert error([1, *gradients(formula, inputs)], [1, *measured]) <= 1e-7


@settings(max_examples=60)
@given(formulas, leaves)
def test_values_and_gradients_agree_with_autograd(formula, inputs):
    x = np.array(inputs)
    evaluate(formula, inputs, IN_FLOATS)  # keeps away from the kink of ReLU
    expected = autograd.grad(lambda x: outcome(formula, x, IN_AUTOGRAD))(x)
    assert error(gradients(formula, inputs), expected) <= 1e-12
    value = outcome(formula, [Value(number) for number in inputs], IN_VALUES)
    expected = outcome(formula, inputs, IN_FLOATS)
    assert value.data == pytest.approx(expected, rel=1e-12, abs=1e-13)


@settings(max_examples=60)
@given(formulas, leaves)
def test_a_value_stands_after_all_that_it_was_made_from(formula, inputs):
    result = outcome(formula, [Value(x) for x in inputs], IN_VALUES)
    order = topological_order(result)
    place = {value: k for k, value in enumerate(order)}
    assert len(place) == len(order)
    assert order[-1] is result
    for value in order:
        assert all(place[parent] < place[value] for parent in value.parents)


def test_the_random_formulas_use_every_operation():
    """Else a slope could be wrong that no formula meets."""
    inputs = [Value(x) for x in (0.3, -0.8, 1.2)]
    used = set()
    for name in STEPS:
        result = outcome([(name, 0, 1)], inputs, IN_VALUES)
        used |= {value.operation for value in topological_order(result)}
    assert {"+", "-", "*", "/", *IN_FLOATS} <= used
    assert {"**2", "**3", "**-1", "**0.5"} <= used


# Single operations -----------------------------------------------------------------

OPERATIONS = {
    "x + y": (lambda x, y: x + y, 3.5, (1, 1)),
    "x - y": (lambda x, y: x - y, -0.5, (1, -1)),
    "x * y": (lambda x, y: x * y, 3.0, (2, 1.5)),
    "x / y": (lambda x, y: x / y, 0.75, (0.5, -0.375)),
    "-x": (lambda x, y: -x + 0 * y, -1.5, (-1, 0)),
    "x ** 3": (lambda x, y: x**3 + 0 * y, 3.375, (6.75, 0)),
    "x ** -2": (lambda x, y: x**-2 + 0 * y, 4 / 9, (-16 / 27, 0)),
    "x ** 0": (lambda x, y: x**0 + 0 * y, 1.0, (0, 0)),
    "2 + x": (lambda x, y: 2 + x + 0 * y, 3.5, (1, 0)),
    "2 - x": (lambda x, y: 2 - x + 0 * y, 0.5, (-1, 0)),
    "2 * x": (lambda x, y: 2 * x + 0 * y, 3.0, (2, 0)),
    "3 / y": (lambda x, y: 3 / y + 0 * x, 1.5, (0, -0.75)),
    "x - 2": (lambda x, y: x - 2 + 0 * y, -0.5, (1, 0)),
    "x / 2": (lambda x, y: x / 2 + 0 * y, 0.75, (0.5, 0)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_its_value_and_slopes(name):
    formula, expected, slopes = OPERATIONS[name]
    x, y = Value(1.5), Value(2.0)
    result = formula(x, y)
    result.backward()
    assert result.data == pytest.approx(expected, rel=1e-15)
    assert (x.gradient, y.gradient) == pytest.approx(slopes, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "z"), [(name, z) for name in IN_FLOATS for z in (0.7, 2.5)]
)
def test_a_function_has_the_slope_that_sympy_derives(name, z):
    x = sp.Symbol("x", positive=True)
    others = {"exp": sp.exp(x), "log": sp.log(x)}
    known = {key: f.subs(symbolic.z, x) for key, f in symbolic.ACTIVATIONS.items()}
    f = {**others, **known}[name]
    value = Value(z)
    result = IN_VALUES[name](value)
    result.backward()
    assert result.data == pytest.approx(float(f.subs(x, z)), rel=1e-14)
    assert value.gradient == pytest.approx(float(sp.diff(f, x).subs(x, z)), rel=1e-13)


@pytest.mark.parametrize("number", [2, True, 2.0, np.float32(2), np.float64(2)])
def test_numbers_of_any_kind_stand_on_both_sides(number):
    """NumPy's numbers must not take the Value for an array."""
    x = Value(3.0)
    for result in (x + number, number + x, x - number, number - x, x * number):
        assert isinstance(result, Value)
        assert type(result.data) is float
    assert (number / x).data == pytest.approx(number / 3)
    assert (x**number).data == pytest.approx(3.0**number)
    assert (number * x).parents[1] is x


def test_relu_has_slope_0_at_0_exactly_and_nan_stays_nan():
    x = Value(0.0)
    x.relu().backward()
    assert x.gradient == 0
    assert math.isnan(Value(math.nan).relu().data)


@pytest.mark.parametrize("z", [-1000.0, -700.0, 700.0, 1000.0])
def test_sigmoid_and_tanh_overflow_for_no_number(z):
    x = Value(z)
    for result in (x.sigmoid(), x.tanh()):
        result.backward()
        assert math.isfinite(result.data)
        assert 0 <= x.gradient < 1e-300


def test_sigmoid_keeps_its_digits_far_below():
    assert Value(-40.0).sigmoid().data == pytest.approx(math.exp(-40), rel=1e-14)


def test_a_power_of_0_has_the_slope_of_its_exponent():
    for exponent, slope in ((0, 0), (1, 1), (2, 0), (1.5, 0)):
        x = Value(0.0)
        (x**exponent).backward()
        assert x.gradient == slope


def test_an_operation_that_is_missing_takes_one_line():
    x = Value(0.5)
    y = Value(math.sin(x.data), "sin", (x,), (math.cos(x.data),))
    (y * y).backward()
    assert x.gradient == pytest.approx(math.sin(1.0), rel=1e-15)


# Paths and order -------------------------------------------------------------------


def test_two_paths_add():
    """By plain recursion, a.gradient would be 8 in both cases, and not 4."""
    a = Value(3.0)
    b = a + a
    (b + b).backward()
    assert a.gradient == 4
    k = Value(1.0)
    b = a + a
    d = (b + k) + b  # b is reached again after it has handed its gradient on
    d.backward()
    assert (a.gradient, b.gradient, k.gradient) == (4, 2, 1)


def test_backward_twice_gives_the_same():
    """Intermediate gradients are set anew too, not only those of the leaves."""
    x, w = Value(2.0), Value(-1.5)
    hidden = (w * x).tanh()
    loss = hidden * hidden + w
    loss.backward()
    once = [value.gradient for value in topological_order(loss)]
    loss.backward()
    assert [value.gradient for value in topological_order(loss)] == once


def test_another_backward_replaces_what_an_earlier_one_left():
    a, apart = Value(3.0), Value(5.0)
    first, second = a * a * apart, 7 * a
    first.backward()
    assert (a.gradient, apart.gradient) == (30, 9)
    second.backward()
    assert a.gradient == 7
    assert apart.gradient == 9  # `second` was not made from it


def test_a_result_has_the_gradient_1_by_itself():
    x = Value(2.0)
    x.backward()
    assert x.gradient == 1
    doubled = x + x
    (doubled * 3).backward()
    doubled.backward()
    assert (doubled.gradient, x.gradient) == (1, 2)


def test_a_long_chain_needs_no_deep_recursion():
    x = Value(0.5)
    result = x
    for _ in range(100_000):
        result = -result
    result.backward()
    assert x.gradient == 1


def test_each_value_is_visited_once_whatever_the_number_of_paths():
    """Sixty doublings are 2⁶⁰ paths: nobody walks them one by one."""
    x = Value(1.0)
    result = x
    for _ in range(60):
        result = result + result
    result.backward()
    assert x.gradient == 2.0**60


def test_the_order_is_the_order_of_writing():
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    product = a * b
    total = product + c
    assert topological_order(total) == [a, b, product, c, total]
    assert topological_order(a) == [a]


# Networks --------------------------------------------------------------------------


def as_values(array):
    """Return nested lists of Values in the place of an array's entries."""
    return [as_values(row) if np.ndim(row) else Value(row) for row in array]


def as_gradients(values):
    """Return the gradients of nested lists of Values, nested alike."""
    return [as_gradients(v) if isinstance(v, list) else v.gradient for v in values]


def dense(rows, W, b):
    """Return X W + b, written out in sums."""
    return [
        [
            sum((x * w[k] for x, w in zip(row, W, strict=True)), b[k])
            for k in range(len(b))
        ]
        for row in rows
    ]


def cross_entropy(rows, labels):
    """Return the mean of -log(softmax) at the labels."""
    losses = []
    for row, label in zip(rows, labels, strict=True):
        powers = [score.exp() for score in row]
        losses.append(-(powers[label] / sum(powers)).log())
    return sum(losses) / len(losses)


def squared_error(rows, labels):
    """Return half the squared distance to the one-hot rows, averaged."""
    squares = [
        (output - (k == label)) ** 2
        for row, label in zip(rows, labels, strict=True)
        for k, output in enumerate(row)
    ]
    return sum(squares) / (2 * len(rows))


@pytest.mark.parametrize("activation", [Sigmoid, Tanh, ReLU])
@pytest.mark.parametrize(
    ("loss", "in_values"),
    [(SoftmaxCrossEntropy, cross_entropy), (MeanSquaredError, squared_error)],
)
def test_a_network_has_the_gradients_that_the_tape_has(activation, loss, in_values):
    """Three inputs, hidden layers of 4 and 3, two classes, five examples."""
    layers = [Dense(3, 4), activation(), Dense(4, 3), activation(), Dense(3, 2)]
    network = Network(layers, loss=loss(), seed=1, dtype=np.float64)
    rng = np.random.default_rng(0)
    for b in (layer.b for layer in layers[::2]):
        b[:] = rng.normal(size=b.shape)
    X, y = rng.normal(size=(5, 3)), rng.integers(0, 2, 5)
    ours = network.loss.forward(network.forward(X), y)
    network.backward(network.loss.backward())

    values = {name: as_values(array) for name, array in network.parameters.items()}
    rows = as_values(X)
    bend = getattr(Value, activation.__name__.lower())
    for place in (0, 2, 4):
        if place:
            rows = [[bend(z) for z in row] for row in rows]
        rows = dense(rows, values[f"{place}.W"], values[f"{place}.b"])
    result = in_values(rows, y.tolist())
    result.backward()

    assert ours == pytest.approx(result.data, rel=1e-12)
    for name, gradient in network.gradients.items():
        assert error(gradient, as_gradients(values[name])) <= 1e-12


def test_a_chain_has_the_gradients_that_sympy_derives():
    loss, slopes = symbolic.chain(3)
    names = ["w1", "w2", "w3", "b1", "b2", "b3", "x", "t"]
    numbers = np.random.default_rng(3).normal(size=8)
    in_numbers = sp.lambdify(sp.symbols(names, real=True), [loss, *slopes])
    values = dict(zip(names, map(Value, numbers), strict=True))
    a = values["x"]
    for k in "123":
        a = (values[f"w{k}"] * a + values[f"b{k}"]).sigmoid()
    result = (a - values["t"]) ** 2 / 2
    result.backward()
    ours = [result.data, *(values[name].gradient for name in names[:6])]
    assert error(ours, in_numbers(*numbers)) <= 1e-12


def test_descent_finds_the_least_squares_line():
    """Ten points on y = 2 x - 1: written anew at each step, the tape learns it."""
    w, b = Value(0.0), Value(0.0)
    for _ in range(200):
        misses = [(w * (k / 5) + b - (2 * k / 5 - 1)) ** 2 for k in range(10)]
        (sum(misses) / len(misses)).backward()
        for parameter in (w, b):
            parameter.data -= 0.3 * parameter.gradient
    assert (w.data, b.data) == pytest.approx((2, -1), abs=1e-3)


# Drawings --------------------------------------------------------------------------


def test_a_graph_shows_each_value_and_each_slope():
    w, x = Value(2.0, name="w"), Value(-3.0, name="x")
    loss = (w * x) + w
    loss.name = "L"
    loss.backward()
    assert (
        loss.to_graph()
        == r"""digraph {
  rankdir=LR;
  node [shape=box];
  v0 [label="w\nvalue 2\ngradient -2"];
  v1 [label="x\nvalue -3\ngradient 2"];
  v2 [label="*\nvalue -6\ngradient 1"];
  v3 [label="L: +\nvalue -4\ngradient 1"];
  v0 -> v2 [label="-3"];
  v1 -> v2 [label="2"];
  v2 -> v3 [label="1"];
  v0 -> v3 [label="1"];
}"""
    )


def test_a_value_used_twice_has_two_arrows():
    x = Value(3.0)
    assert (x * x).to_graph().count("v0 -> v1") == 2


@settings(max_examples=30)
@given(formulas, leaves)
def test_a_graph_is_the_same_each_time_and_every_line_is_dot(formula, inputs):
    def drawn():
        values = [Value(x, name=f"x{k}") for k, x in enumerate(inputs)]
        result = outcome(formula, values, IN_VALUES)
        result.backward()
        return result

    text = drawn().to_graph()
    assert text == drawn().to_graph()
    label = r'\[label="(?:[^"\\]|\\.)*"\];'
    box, arrow = re.compile(rf"  v\d+ {label}"), re.compile(rf"  v\d+ -> v\d+ {label}")
    lines = text.splitlines()
    assert [*lines[:3], lines[-1]] == [
        "digraph {",
        "  rankdir=LR;",
        "  node [shape=box];",
        "}",
    ]
    order = topological_order(drawn())
    boxes = [line for line in lines[3:-1] if box.fullmatch(line)]
    arrows = [line for line in lines[3:-1] if arrow.fullmatch(line)]
    assert len(boxes) == len(order)
    assert len(arrows) == sum(len(value.parents) for value in order)
    assert len(boxes) + len(arrows) == len(lines) - 4


def test_a_name_with_quotes_does_not_break_the_drawing():
    text = Value(1.0, name='the "w" \\').to_graph()
    assert r'v0 [label="the \"w\" \\\nvalue 1\ngradient 0"];' in text


def test_a_value_prints_what_it_knows():
    x = Value(1.5, name="x")
    (x * x).backward()
    assert repr(x) == "Value(1.5, gradient=3.0, name='x')"
    assert repr(Value(2)) == "Value(2.0, gradient=0.0)"


# Errors ----------------------------------------------------------------------------

NO_NUMBERS = ["2", None, 1j, [1.0], np.ones(2), np.array(1.0), math]


@pytest.mark.parametrize("thing", NO_NUMBERS, ids=lambda thing: type(thing).__name__)
def test_what_is_no_number_is_refused_by_its_type(thing):
    x = Value(1.0)
    attempts = (
        lambda: Value(thing),
        lambda: x + thing,
        lambda: thing - x,
        lambda: x * thing,
        lambda: thing / x,
        lambda: x**thing,
    )
    for attempt in attempts:
        with pytest.raises(TypeError, match=rf"a {type(thing).__name__}\. Convert"):
            attempt()


def test_a_fraction_is_a_number():
    assert Value(Fraction(1, 4)).data == 0.25


@pytest.mark.parametrize("base", [2, 2.0, np.float64(2), Value(2.0)])
def test_an_exponent_must_be_constant(base):
    with pytest.raises(TypeError, match=r"constant number, but is a Value\. .*\.exp"):
        base ** Value(3.0)


@pytest.mark.parametrize("number", [0, -1, -1e-300, math.nan, -math.inf])
def test_log_of_what_is_not_above_0_is_refused(number):
    with pytest.raises(ValueError, match=r"log needs a number above 0, but got"):
        Value(number).log()


@pytest.mark.parametrize("divisor", [0, 0.0, -0.0, Value(0.0)])
def test_division_by_0_is_refused(divisor):
    with pytest.raises(ValueError, match=r"1\.0 / 0 is not defined"):
        Value(1.0) / divisor


@pytest.mark.parametrize(
    ("base", "exponent"),
    [(0, -1), (0, -0.5), (0, 0.5), (-8, 1 / 3), (1e300, 2), (1e-200, -1.5)],
)
def test_a_power_without_a_finite_value_and_slope_is_refused(base, exponent):
    with pytest.raises(ValueError, match=r"or its slope is no finite number\. At 0,"):
        Value(base) ** exponent


def test_exp_that_overflows_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"exp\(710\.0\) .*subtract the largest"):
        Value(710.0).exp()


def test_a_misspelled_attribute_is_an_error():
    """Else `w.grad = 0` would change nothing, and nobody would say so."""
    with pytest.raises(AttributeError):
        Value(1.0).grad = 0.0
