"""The optimizer against its formula written out, and the schedules."""

import math

import numpy as np
import pytest
from backprop import SGD, InputError, constant, cosine, linear
from hypothesis import given
from hypothesis import strategies as st


class Parameters:
    """What an optimizer sees of a network: parameters and gradients by name."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.parameters = {"0.W": rng.normal(size=(3, 2)), "0.b": rng.normal(size=2)}
        self.gradients = {"0.W": np.zeros((3, 2)), "0.b": np.zeros(2)}
        self.rng = rng

    def draw_gradients(self):
        """Fill the gradients as a backward pass would, in place; return copies."""
        for dW in self.gradients.values():
            dW[:] = self.rng.normal(size=dW.shape)
        return {name: dW.copy() for name, dW in self.gradients.items()}


def copies(arrays):
    return {name: array.copy() for name, array in arrays.items()}


def test_without_momentum_a_step_is_rate_times_gradient():
    network = Parameters()
    before, gradients = copies(network.parameters), network.draw_gradients()
    SGD(0.25).step(network)
    for name, W in network.parameters.items():
        expected = before[name] - 0.25 * gradients[name]
        np.testing.assert_allclose(W, expected, rtol=1e-14)


@given(st.floats(0.001, 2), st.floats(0, 0.99), st.integers(0, 1000))
def test_momentum_is_its_formula_over_five_steps(rate, momentum, seed):
    """Written out, not unrolled: v₃ = g₃ + μ g₂ + μ² g₁."""
    network, optimizer = Parameters(seed), SGD(rate, momentum)
    start, seen = copies(network.parameters), []
    for step in range(5):
        seen.append(network.draw_gradients())
        optimizer.step(network)
        for name, W in network.parameters.items():
            moved = sum(
                momentum ** (now - then) * seen[then][name]
                for now in range(step + 1)
                for then in range(now + 1)
            )
            expected = start[name] - rate * moved
            np.testing.assert_allclose(W, expected, rtol=1e-10, atol=1e-12)


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


def test_a_step_is_taken_in_place_and_leaves_the_gradients():
    network = Parameters()
    arrays, gradients = dict(network.parameters), network.draw_gradients()
    SGD(0.1, 0.9).step(network)
    for name in arrays:
        assert network.parameters[name] is arrays[name]
        np.testing.assert_array_equal(network.gradients[name], gradients[name])


def test_another_network_starts_from_rest():
    first, second, optimizer = Parameters(1), Parameters(2), SGD(0.1, 0.9)
    first.draw_gradients()
    optimizer.step(first)
    before, gradients = copies(second.parameters), second.draw_gradients()
    optimizer.step(second)
    for name, W in second.parameters.items():
        expected = before[name] - 0.1 * gradients[name]
        np.testing.assert_allclose(W, expected, rtol=1e-14)


def test_two_optimizers_share_nothing():
    networks = Parameters(1), Parameters(1)
    one, other = SGD(0.1, 0.9), SGD(0.1, 0.9)
    for _ in range(3):
        networks[0].draw_gradients()
        one.step(networks[0])
    networks[1].draw_gradients()
    other.step(networks[1])
    assert not np.array_equal(*(n.parameters["0.W"] for n in networks))


@pytest.mark.parametrize("rate", [0, -0.1, float("nan"), float("inf")])
def test_a_learning_rate_out_of_range_is_refused(rate):
    with pytest.raises(InputError, match=rf"learning_rate must .* above 0, .* {rate}"):
        SGD(rate)


@pytest.mark.parametrize("momentum", [-0.1, 1, 1.5, float("nan")])
def test_a_momentum_out_of_range_is_refused(momentum):
    with pytest.raises(InputError, match=rf"momentum must .* below 1, .* {momentum}"):
        SGD(0.1, momentum)


@pytest.mark.parametrize("value", ["fast", "0.1", None, [0.1], 1j])
def test_a_setting_that_is_no_number_is_refused(value):
    with pytest.raises(InputError, match="learning_rate must be a number above 0"):
        SGD(value)
    with pytest.raises(InputError, match="momentum must be a number at least 0"):
        SGD(0.1, value)


@pytest.mark.parametrize("factor", [-0.5, float("nan"), float("inf"), "1", None])
def test_a_factor_out_of_range_is_refused_and_moves_nothing(factor):
    network, optimizer = Parameters(), SGD(0.1, 0.9)
    before, _ = copies(network.parameters), network.draw_gradients()
    with pytest.raises(InputError, match=r"factor .* at least 0, but is .*schedule"):
        optimizer.step(network, factor)
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(W, before[name])


@pytest.mark.parametrize("number", [np.float64, np.float32])
def test_a_rate_computed_by_numpy_gives_the_same_bits(number):
    networks = Parameters(), Parameters()
    rates = number(0.1), float(number(0.1))
    momenta = number(0.9), float(number(0.9))
    for network, rate, momentum in zip(networks, rates, momenta, strict=True):
        for arrays in (network.parameters, network.gradients):
            for name in arrays:
                arrays[name] = arrays[name].astype(np.float32)
        optimizer = SGD(rate, momentum)
        for factor in (number(1), number(0.3), number(0.7)):
            network.draw_gradients()
            optimizer.step(network, factor if rate is rates[0] else float(factor))
    for name, W in networks[0].parameters.items():
        assert W.tobytes() == networks[1].parameters[name].tobytes()


def test_an_optimizer_says_its_settings():
    assert repr(SGD(0.1, 0.9)) == "SGD(learning_rate=0.1, momentum=0.9)"


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (constant, lambda p: 1),
        (linear, lambda p: 1 - p),
        (cosine, lambda p: math.cos(math.pi * p / 2) ** 2),
    ],
)
def test_a_schedule_is_its_formula(schedule, formula):
    for progress in np.linspace(0, 1, 21):
        assert schedule(progress) == pytest.approx(formula(progress), abs=1e-15)
