"""The optimizers against their formulas written out and PyTorch, and the schedules."""

import copy
import math
import pickle
import tracemalloc

import numpy as np
import pytest
from backprop import (
    SGD,
    Adam,
    Convolution2D,
    Dense,
    Flatten,
    InputError,
    Network,
    ReLU,
    Reshape,
    SoftmaxCrossEntropy,
    constant,
    cosine,
    linear,
    one_cycle,
    step_decay,
)
from backprop.optimizers import AdamW, Clip
from hypothesis import given
from hypothesis import strategies as st

SCHEDULES = [constant, linear, cosine, step_decay, one_cycle]
STEPS = 25
NO_TORCH = "PyTorch is large; it comes with: pip install '.[benchmark]'"

rates = st.floats(0.001, 1)
below_one = st.floats(0, 0.99)
decays = st.sampled_from([0.0, 0.001, 0.1])
schedules = st.sampled_from(SCHEDULES)
seeds = st.integers(0, 1000)


class Parameters:
    """What an optimizer sees of a network: parameters and gradients by name."""

    def __init__(self, seed=0, shape=(3, 2)):
        rng = np.random.default_rng(seed)
        W, b = rng.normal(size=shape), rng.normal(size=shape[1])
        self.parameters = {"0.W": W, "0.b": b}
        self.gradients = {"0.W": np.zeros_like(W), "0.b": np.zeros_like(b)}
        self.weight_names = {"0.W"}
        self.key = f"made with seed {seed}"
        self.rng = rng

    def draw_gradients(self):
        """Fill the gradients as a backward pass would, in place; return copies."""
        for dW in self.gradients.values():
            dW[:] = self.rng.normal(size=dW.shape)
        return {name: dW.copy() for name, dW in self.gradients.items()}


def copies(arrays):
    return {name: array.copy() for name, array in arrays.items()}


def steps(optimizer, network, schedule):
    """Take some steps; yield gradients and factor of each, and the weights after it."""
    for step in range(STEPS):
        gradients, factor = network.draw_gradients(), schedule(step / STEPS)
        optimizer.step(network, factor)
        yield gradients, factor, copies(network.parameters)


def average(seen, keep):
    """Sum all gradients so far, the last one whole, each older one `keep` times it."""
    return sum(keep**age * gradient for age, gradient in enumerate(reversed(seen)))


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


# SGD ------------------------------------------------------------------------------


def test_without_momentum_a_step_is_rate_times_gradient():
    network = Parameters()
    before, gradients = copies(network.parameters), network.draw_gradients()
    SGD(0.25).step(network)
    for name, W in network.parameters.items():
        expected = before[name] - 0.25 * gradients[name]
        np.testing.assert_allclose(W, expected, rtol=1e-14)


@given(rates, below_one, decays, schedules, seeds)
def test_momentum_is_its_formula(rate, momentum, decay, schedule, seed):
    """Unrolled: v₃ = g₃ + μ g₂ + μ² g₁, where g has the penalty's gradient in it."""
    network, optimizer = Parameters(seed), SGD(rate, momentum, weight_decay=decay)
    W, seen = copies(network.parameters), {"0.W": [], "0.b": []}
    penalty = {"0.W": decay, "0.b": 0}
    for gradients, factor, found in steps(optimizer, network, schedule):
        for name in W:
            seen[name].append(gradients[name] + penalty[name] * W[name])
            W[name] = W[name] - rate * factor * average(seen[name], momentum)
            close(found[name], W[name])


@given(rates, st.floats(0.01, 0.99), decays, schedules, seeds)
def test_nesterov_is_its_formula(rate, momentum, decay, schedule, seed):
    """The gradient counts once more, and the whole velocity one step further."""
    network = Parameters(seed)
    optimizer = SGD(rate, momentum, nesterov=True, weight_decay=decay)
    W, seen = copies(network.parameters), {"0.W": [], "0.b": []}
    penalty = {"0.W": decay, "0.b": 0}
    for gradients, factor, found in steps(optimizer, network, schedule):
        for name in W:
            seen[name].append(gradients[name] + penalty[name] * W[name])
            ahead = seen[name][-1] + momentum * average(seen[name], momentum)
            W[name] = W[name] - rate * factor * ahead
            close(found[name], W[name])


def test_nesterov_is_the_gradient_at_the_place_looked_ahead_to():
    """The form of 1983: from W go on by μ v, take the gradient there, step from there.

    On L = a W² / 2. What the library calls W is that place ahead.
    """
    a, rate, momentum = 0.7, 0.3, 0.8
    network, optimizer = Parameters(), SGD(rate, momentum, nesterov=True)
    b = network.parameters["0.b"]
    place, velocity = b.copy(), np.zeros(2)
    for _ in range(STEPS):
        close(b, place + momentum * velocity)
        velocity = momentum * velocity - rate * a * (place + momentum * velocity)
        place = place + velocity
        network.gradients["0.b"][:] = a * b
        optimizer.step(network)


def test_momentum_goes_on_where_the_last_step_went():
    """One parameter, gradient 1, then none: the weight coasts downhill."""
    network, optimizer = Parameters(), SGD(0.1, momentum=0.5)
    b = network.parameters["0.b"]
    b[:] = 0
    network.gradients["0.b"][:] = 1
    optimizer.step(network)
    np.testing.assert_allclose(b, -0.1)
    network.gradients["0.b"][:] = 0
    optimizer.step(network)
    np.testing.assert_allclose(b, -0.15)


def test_the_factor_scales_the_step_and_not_the_velocity():
    network, optimizer = Parameters(), SGD(0.1, momentum=0.9)
    W, before = network.parameters["0.W"], network.parameters["0.W"].copy()
    first = network.draw_gradients()["0.W"]
    optimizer.step(network, factor=0.0)
    np.testing.assert_array_equal(W, before)
    second = network.draw_gradients()["0.W"]
    optimizer.step(network, factor=0.5)
    np.testing.assert_allclose(W, before - 0.05 * (second + 0.9 * first), rtol=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_sgd_takes_the_path_of_pytorchs(nesterov, decay):
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    compare_with(
        torch,
        SGD(0.1, 0.9, nesterov, weight_decay=decay),
        lambda groups: torch.optim.SGD(groups, momentum=0.9, nesterov=nesterov),
    )


# Adam -----------------------------------------------------------------------------


@given(rates, below_one, st.floats(0, 0.9999), decays, schedules, seeds)
def test_adam_is_its_formula(rate, beta1, beta2, decay, schedule, seed):
    """Unrolled: m̂ is a weighted mean of all gradients, v̂ one of their squares."""
    network = Parameters(seed)
    optimizer = AdamW(rate, beta1, beta2, epsilon=1e-6, weight_decay=decay)
    W, seen = copies(network.parameters), {"0.W": [], "0.b": []}
    penalty = {"0.W": decay, "0.b": 0}
    for gradients, factor, found in steps(optimizer, network, schedule):
        for name in W:
            seen[name].append(gradients[name])
            squares = [g**2 for g in seen[name]]
            ages = [np.ones(1)] * len(squares)
            mean = average(seen[name], beta1) / average(ages, beta1)
            size = np.sqrt(average(squares, beta2) / average(ages, beta2))
            shrunk = W[name] - rate * factor * penalty[name] * W[name]
            W[name] = shrunk - rate * factor * mean / (size + 1e-6)
            close(found[name], W[name])


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4, 1e12])
def test_adams_first_step_is_as_long_as_the_rate_whatever_the_gradient(size):
    network = Parameters()
    before = copies(network.parameters)
    network.draw_gradients()
    for dW in network.gradients.values():
        dW[:] = size * np.sign(dW)
    Adam(0.002).step(network)
    for name, W in network.parameters.items():
        expected = -0.002 * np.sign(network.gradients[name])
        np.testing.assert_allclose(W - before[name], expected, rtol=2e-4)


def test_adams_steps_along_a_constant_gradient_are_all_alike():
    """That is what the correction by 1 - betaᵗ is for: from the first step on."""
    network, optimizer = Parameters(), Adam(0.01)
    gradients = network.draw_gradients()
    for _ in range(STEPS):
        before = copies(network.parameters)
        optimizer.step(network)
        for name, W in network.parameters.items():
            g = gradients[name]
            close(W - before[name], -0.01 * g / (np.abs(g) + 1e-8))


def test_adam_stands_still_where_there_never_was_a_gradient():
    network, optimizer = Parameters(), Adam()
    before = copies(network.parameters)
    for _ in range(3):
        optimizer.step(network)
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(W, before[name])


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_adam_takes_the_path_of_pytorchs(decay):
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    compare_with(
        torch,
        AdamW(0.01, 0.8, 0.99, weight_decay=decay),
        lambda groups: torch.optim.AdamW(groups, betas=(0.8, 0.99)),
    )


def compare_with(torch, ours, build):
    """Let PyTorch's optimizer take the same steps, its rate set by hand at each."""
    for seed, schedule in enumerate(SCHEDULES):
        network = Parameters(seed)
        theirs = {
            name: torch.nn.Parameter(torch.tensor(W.copy()))
            for name, W in network.parameters.items()
        }
        decays = {"0.W": ours.weight_decay, "0.b": 0.0}
        optimizer = build(
            [
                {"params": [W], "lr": ours.learning_rate, "weight_decay": decays[name]}
                for name, W in theirs.items()
            ]
        )
        for gradients, factor, found in steps(ours, network, schedule):
            for group in optimizer.param_groups:
                group["lr"] = ours.learning_rate * factor
            for name, W in theirs.items():
                W.grad = torch.tensor(gradients[name])
            optimizer.step()
            for name, W in theirs.items():
                close(found[name], W.detach().numpy())


# All optimizers -------------------------------------------------------------------

ALL = {
    "plain": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.1, 0.9, weight_decay=0.01),
    "nesterov": lambda: SGD(0.1, 0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda: Adam(0.01),
    "adamw": lambda: AdamW(0.01, weight_decay=0.01),
}


@pytest.fixture(params=ALL.values(), ids=ALL)
def build(request):
    """Return a function that makes an optimizer."""
    return request.param


def test_a_step_is_taken_in_place_and_leaves_the_gradients(build):
    network, optimizer = Parameters(), build()
    arrays, gradients = dict(network.parameters), network.gradients
    for _ in range(3):
        drawn = network.draw_gradients()
        optimizer.step(network)
        for name in arrays:
            assert network.parameters[name] is arrays[name]
            assert network.gradients[name] is gradients[name]
            np.testing.assert_array_equal(gradients[name], drawn[name])


def test_another_network_is_refused_or_starts_from_rest_when_asked(build):
    """What was remembered of one network is never mixed into another, nor lost."""
    optimizer, first, second = build(), Parameters(1), Parameters(2)
    for network in (first, second):
        network.draw_gradients()
    optimizer.step(first)
    before = copies(second.parameters)
    if not any(optimizer.state.values()):
        optimizer.step(second)  # it remembers nothing, so there is nothing to mix
        return
    with pytest.raises(InputError, match="remembers the steps of another network"):
        optimizer.step(second)
    for name, W in second.parameters.items():
        np.testing.assert_array_equal(W, before[name])
    optimizer.start(second)
    optimizer.step(second)
    fresh = Parameters(2)
    fresh.draw_gradients()
    build().step(fresh)
    for name, W in second.parameters.items():
        np.testing.assert_array_equal(W, fresh.parameters[name])


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))]
)
def test_copies_of_network_and_optimizer_go_on_together(build, copied):
    network, optimizer = made_network(), build()
    for _ in range(3):
        learn(network, optimizer)
    assert len(pickle.dumps(optimizer)) < 4_000, "it carries the network along"
    other, copy_of_optimizer = copied(network), copied(optimizer)
    learn(network, optimizer)
    learn(other, copy_of_optimizer)
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(W, other.parameters[name])


def test_a_network_of_other_shapes_is_refused(build):
    network, optimizer = Parameters(), build()
    optimizer.step(network)
    network.parameters["0.b"] = np.zeros(5)
    with pytest.raises(InputError, match=r"of 0\.b has shape"):
        optimizer.step(network)
    network.parameters = {"0.W": network.parameters["0.W"]}
    if any(optimizer.state.values()):
        with pytest.raises(InputError, match=r"remembers the parameters 0\.W, 0\.b"):
            optimizer.step(network)


def made_network():
    """Return a small network."""
    return Network([Dense(3, 2)], loss=SoftmaxCrossEntropy(), seed=0)


def learn(network, optimizer):
    """Take a step on two examples."""
    X, y = np.eye(2, 3, dtype=np.float32), np.array([0, 1])
    network.loss.forward(network.forward(X), y)
    network.backward(network.loss.backward())
    optimizer.step(network)


def test_two_optimizers_share_nothing(build):
    networks = Parameters(1), Parameters(1), Parameters(1)
    one, other = build(), build()
    for _ in range(3):
        networks[0].draw_gradients()
        one.step(networks[0])
    for network, optimizer in ((networks[1], other), (networks[2], build())):
        network.draw_gradients()
        optimizer.step(network)
    for name, W in networks[1].parameters.items():
        np.testing.assert_array_equal(W, networks[2].parameters[name])


def test_steps_leave_nothing_behind(build):
    """State and room are made at the first step; 100 more add nothing."""
    network, optimizer = Parameters(shape=(300, 200)), build()  # 480 kB
    network.draw_gradients()
    optimizer.step(network)
    arrays = [*optimizer.state["0.W"].values()]
    tracemalloc.start()
    try:
        for _ in range(100):
            optimizer.step(network, 0.5)
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left < 5_000
    assert all(
        a is b for a, b in zip(optimizer.state["0.W"].values(), arrays, strict=True)
    )


def test_float32_stays_float32(build):
    network, optimizer = Parameters(), build()
    for arrays in (network.parameters, network.gradients):
        for name in arrays:
            arrays[name] = arrays[name].astype(np.float32)
    network.draw_gradients()
    optimizer.step(network, 0.5)
    for name, W in network.parameters.items():
        assert W.dtype == np.float32
        moments = [a for a in optimizer.state[name].values() if a.shape]
        assert all(array.dtype == np.float32 for array in moments)


@pytest.mark.parametrize("optimizer", [SGD, AdamW])
def test_weight_decay_pulls_at_weights_and_at_no_bias(optimizer):
    layers = [Reshape(1, 4, 4), Convolution2D(1, 2, 3), ReLU(), Flatten(), Dense(8, 3)]
    network = Network(layers, loss=SoftmaxCrossEntropy(), seed=0, dtype=np.float64)
    for b in (network.parameters["1.b"], network.parameters["4.b"]):
        b[:] = 1.5
    before = copies(network.parameters)
    optimizer(0.5, weight_decay=0.1).step(network, 0.5)  # all gradients are still 0
    for name, W in network.parameters.items():
        if name.endswith("W"):
            np.testing.assert_allclose(W, before[name] * (1 - 0.5 * 0.5 * 0.1))
        else:
            np.testing.assert_array_equal(W, before[name])


@pytest.mark.parametrize("number", [np.float64, np.float32])
@pytest.mark.parametrize("optimizer", [SGD, AdamW])
def test_settings_computed_by_numpy_give_the_same_bits(optimizer, number):
    networks = Parameters(), Parameters()
    rates = number(0.1), float(number(0.1))
    others = number(0.9), float(number(0.9))
    for network, rate, other in zip(networks, rates, others, strict=True):
        for arrays in (network.parameters, network.gradients):
            for name in arrays:
                arrays[name] = arrays[name].astype(np.float32)
        optimizer_of_these = optimizer(rate, other, weight_decay=rate)
        for factor in (number(1), number(0.3), number(0.7)):
            network.draw_gradients()
            same = factor if rate is rates[0] else float(factor)
            optimizer_of_these.step(network, same)
    for name, W in networks[0].parameters.items():
        assert W.tobytes() == networks[1].parameters[name].tobytes()


# What is refused ------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0, -0.1, float("nan"), float("inf")])
@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_a_learning_rate_out_of_range_is_refused(optimizer, rate):
    told = rf"^{optimizer.__name__}: learning_rate must .* above 0, but is {rate}\."
    with pytest.raises(InputError, match=told):
        optimizer(rate)


@pytest.mark.parametrize("value", [-0.1, 1, 1.5, float("nan")])
@pytest.mark.parametrize(
    ("optimizer", "name"), [(SGD, "momentum"), (Adam, "beta1"), (Adam, "beta2")]
)
def test_a_share_of_the_past_out_of_range_is_refused(optimizer, name, value):
    told = rf"^{optimizer.__name__}: {name} must .* 0 and below 1, but is {value}\."
    with pytest.raises(InputError, match=told):
        optimizer(0.1, **{name: value})


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
@pytest.mark.parametrize("optimizer", [SGD, AdamW])
def test_a_weight_decay_out_of_range_is_refused(optimizer, value):
    told = rf"^{optimizer.__name__}: weight_decay must .* at least 0, but is {value}\."
    with pytest.raises(InputError, match=told):
        optimizer(0.1, weight_decay=value)


@pytest.mark.parametrize("value", [0, -1e-8, float("nan")])
def test_an_epsilon_out_of_range_is_refused(value):
    with pytest.raises(InputError, match=r"^Adam: epsilon must be a number above 0"):
        Adam(epsilon=value)


@pytest.mark.parametrize("value", ["fast", "0.1", None, [0.1], 1j])
@pytest.mark.parametrize(
    ("optimizer", "name"),
    [
        *[(SGD, name) for name in ("learning_rate", "momentum", "weight_decay")],
        *[(Adam, name) for name in ("learning_rate", "beta1", "beta2", "epsilon")],
    ],
)
def test_a_setting_that_is_no_number_is_refused(optimizer, name, value):
    settings = {"learning_rate": 0.1} | {name: value}
    told = rf"^{optimizer.__name__}: {name} must be a number (above|of at least) 0"
    with pytest.raises(InputError, match=told):
        optimizer(**settings)


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(InputError, match=r"^SGD: nesterov=True needs a momentum"):
        SGD(0.1, nesterov=True)


@pytest.mark.parametrize("factor", [-0.5, float("nan"), float("inf"), "1", None])
def test_a_factor_out_of_range_is_refused_and_moves_nothing(build, factor):
    network, optimizer = Parameters(), build()
    before, _ = copies(network.parameters), network.draw_gradients()
    with pytest.raises(InputError, match=r"factor .* at least 0, but is .*schedule"):
        optimizer.step(network, factor)
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(W, before[name])


# What an optimizer says of itself -------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "text"),
    [
        (SGD(0.1, 0.9), "SGD(learning_rate=0.1, momentum=0.9)"),
        (
            SGD(1, 0.9, True, 0.01),
            "SGD(learning_rate=1.0, momentum=0.9, nesterov=True, weight_decay=0.01)",
        ),
        (Adam(), "Adam(learning_rate=0.001)"),
        (
            AdamW(0.01, beta2=0.99, weight_decay=0.1),
            "AdamW(learning_rate=0.01, beta2=0.99, weight_decay=0.1)",
        ),
    ],
)
def test_an_optimizer_says_its_settings(optimizer, text):
    assert repr(optimizer) == text


numbers = {"learning_rate": st.floats(1e-9, 1e9), "weight_decay": st.floats(0, 1e9)}
shares = st.floats(0, 1, exclude_max=True)


@given(
    st.builds(SGD, momentum=shares, **numbers)
    | st.builds(SGD, momentum=st.just(0.9), nesterov=st.booleans(), **numbers)
    | st.builds(
        AdamW, beta1=shares, beta2=shares, epsilon=st.floats(1e-12, 1), **numbers
    )
)
def test_what_an_optimizer_says_makes_the_same_optimizer(optimizer):
    again = eval(repr(optimizer), {"SGD": SGD, "AdamW": AdamW})
    assert type(again) is type(optimizer)
    assert vars(again) == vars(optimizer)


# Schedules ------------------------------------------------------------------------


def one_cycle_by_hand(p):
    if p < 0.3:
        return 1 / 25 + 24 / 25 * math.sin(math.pi * p / 0.6) ** 2
    return math.cos(math.pi * (p - 0.3) / 1.4) ** 2


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (constant, lambda p: 1),
        (linear, lambda p: 1 - p),
        (cosine, lambda p: math.cos(math.pi * p / 2) ** 2),
        (step_decay, lambda p: 10.0 ** (-int(p >= 0.5) - int(p >= 0.75))),
        (one_cycle, one_cycle_by_hand),
    ],
)
def test_a_schedule_is_its_formula(schedule, formula):
    for progress in np.linspace(0, 1, 21):
        assert schedule(progress) == pytest.approx(formula(progress), abs=1e-15)


@pytest.mark.parametrize(
    ("schedule", "start", "end"),
    [
        (constant, 1, 1),
        (linear, 1, 0),
        (cosine, 1, 0),
        (step_decay, 1, 0.01),
        (one_cycle, 0.04, 0),
    ],
)
def test_where_a_schedule_starts_and_ends(schedule, start, end):
    assert schedule(0.0) == pytest.approx(start, abs=1e-15)
    assert schedule(1.0) == pytest.approx(end, abs=1e-15)


@pytest.mark.parametrize("schedule", SCHEDULES)
@given(st.floats(0, 1))
def test_a_schedule_stays_between_0_and_1(schedule, progress):
    assert 0 <= schedule(progress) <= 1


@pytest.mark.parametrize("schedule", [constant, linear, cosine, step_decay])
def test_a_schedule_never_rises(schedule):
    assert np.all(np.diff([schedule(p) for p in np.linspace(0, 1, 1001)]) <= 0)


def test_one_cycle_rises_and_falls_without_a_jump():
    values = np.array([one_cycle(p) for p in np.linspace(0, 1, 1001)])
    assert values.argmax() == 300
    assert values[300] == 1
    assert np.all(np.diff(values[:301]) > 0)
    assert np.all(np.diff(values[300:]) < 0)
    assert np.abs(np.diff(values)).max() < 0.01


# Clipping -------------------------------------------------------------------------


def clipped_step(length, limit, optimizer=SGD):
    """Return how far all parameters move whose gradient has this length."""
    network = Network(
        [Dense(3, 2)], loss=SoftmaxCrossEntropy(), seed=0, dtype=np.float64
    )
    rng = np.random.default_rng(0)
    raw = {name: rng.normal(size=W.shape) for name, W in network.parameters.items()}
    size = np.sqrt(sum((g**2).sum() for g in raw.values()))
    for name, dW in network.gradients.items():
        dW[:] = raw[name] * length / size
    before = {name: W.copy() for name, W in network.parameters.items()}
    Clip(limit)(network)
    optimizer(0.1).step(network)
    moves = [W - before[name] for name, W in network.parameters.items()]
    return np.concatenate([move.ravel() for move in moves]), np.concatenate(
        [g.ravel() for g in raw.values()]
    )


@pytest.mark.parametrize(("length", "expected"), [(0.5, 0.05), (2.0, 0.2), (50, 0.2)])
def test_a_clipped_step_is_no_longer_than_the_limit(length, expected):
    move, raw = clipped_step(length, limit=2.0)
    assert np.linalg.norm(move) == pytest.approx(expected)
    cosine = -(move @ raw) / np.linalg.norm(move) / np.linalg.norm(raw)
    assert cosine == pytest.approx(1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_finite_gradient_however_large_is_shortened_to_the_limit(dtype):
    """The square of its length is too large for its type."""
    network = Network([Dense(3, 2)], SoftmaxCrossEntropy(), seed=0, dtype=dtype)
    huge = np.sqrt(np.finfo(dtype).max) * 100
    network.gradients.update({"0.W": np.full((3, 2), huge), "0.b": [0, 0]})
    Clip(2)(network)
    assert np.linalg.norm(network.gradients["0.W"]) == pytest.approx(2)
    np.testing.assert_array_equal(network.gradients["0.b"], 0)


def test_a_gradient_of_zero_and_one_without_end_stay_as_they_are():
    network = made_network()
    Clip(1)(network)
    assert not network.gradients["0.W"].any()
    network.gradients["0.b"] = [np.inf, 1]
    Clip(1)(network)
    np.testing.assert_array_equal(network.gradients["0.b"], [np.inf, 1])


@pytest.mark.parametrize("limit", [0, -1, "long", float("nan")])
def test_a_limit_must_be_above_zero(limit):
    told = f"^Clip: limit must be a number above 0, but is {limit!r}"
    with pytest.raises(InputError, match=told):
        Clip(limit)
    assert repr(Clip(2)) == "Clip(2.0)"
