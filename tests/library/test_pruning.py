"""Pruning: what goes is what was asked for, and what stays does what it did."""

from itertools import pairwise

import numpy as np
import pytest
from backprop import (
    SGD,
    AdamW,
    Convolution2D,
    Dense,
    Dropout,
    Flatten,
    InputError,
    MeanSquaredError,
    Network,
    ReLU,
    Reshape,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
    train,
)
from backprop.pruning import (
    Mask,
    magnitude_masks,
    strongest_neurons,
    without_layer,
    without_neurons,
)
from backprop.recurrent import Recurrent
from hypothesis import given
from hypothesis import strategies as st

X = np.random.default_rng(0).normal(size=(20, 6))


def made(sizes=(6, 5, 4, 3), activation=ReLU, dtype=np.float64, seed=0):
    """Return a network of dense layers, its biases drawn too."""
    layers = []
    for inputs, outputs in pairwise(sizes):
        layers += [Dense(inputs, outputs), activation()]
    network = Network(layers[:-1], loss=SoftmaxCrossEntropy(), seed=seed, dtype=dtype)
    rng = np.random.default_rng(seed)
    for name, b in network.parameters.items():
        if name.endswith("b"):
            b[:] = rng.normal(size=b.shape)
    return network


def with_convolution():
    layers = [Reshape(1, 4, 4), Convolution2D(1, 3, 2), ReLU(), Flatten()]
    layers += [Dense(27, 5), ReLU(), Dense(5, 3)]
    return Network(layers, loss=SoftmaxCrossEntropy(), seed=0)


def copies(arrays):
    return {name: array.copy() for name, array in arrays.items()}


# Masks ----------------------------------------------------------------------------


@given(st.floats(0.001, 1), st.integers(0, 1000))
def test_the_largest_weights_of_all_layers_stay_and_exactly_as_many_as_asked(
    keep, seed
):
    network = made(seed=seed)
    before = copies(network.parameters)
    masks = magnitude_masks(network, keep)
    weights = {n: W for n, W in network.parameters.items() if n.endswith("W")}
    assert masks.keys() == weights.keys()
    total = 6 * 5 + 5 * 4 + 4 * 3
    kept = np.concatenate([np.abs(W[masks[n]]) for n, W in weights.items()])
    gone = np.concatenate([np.abs(W[~masks[n]]) for n, W in weights.items()])
    assert len(kept) == max(1, round(keep * total))
    assert len(kept) + len(gone) == total
    assert kept.min() >= gone.max(initial=0)
    for name, mask in masks.items():
        assert (mask.dtype, mask.shape) == (bool, weights[name].shape)
        np.testing.assert_array_equal(weights[name], before[name])


def test_layers_compete_with_each_other():
    network = made()
    for name, size in (("0.W", 1), ("2.W", 100), ("4.W", 0.01)):
        W = network.parameters[name]
        W[:] = size * (1 + np.arange(W.size).reshape(W.shape))
    masks = magnitude_masks(network, keep=30 / 62)
    assert [int(masks[name].sum()) for name in masks] == [10, 20, 0]


def test_a_weight_counts_by_its_absolute_value():
    network = made((2, 2))
    network.parameters["0.W"][:] = [[-4, 1], [2, -3]]
    masks = magnitude_masks(network, keep=0.5)
    assert masks["0.W"].tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_among_equal_weights_as_many_stay_as_asked(keep):
    network = made()
    for name, W in network.parameters.items():
        W[:] = -0.5 if name.endswith("W") else 0
    stays = np.concatenate([m.ravel() for m in magnitude_masks(network, keep).values()])
    assert stays.sum() == round(keep * 62)
    assert np.all(stays[: stays.sum()])  # the first ones, at every run


def test_what_is_zero_already_goes_first():
    network = made()
    first = magnitude_masks(network, keep=0.5)
    for name, mask in first.items():
        network.parameters[name] *= mask
    again = magnitude_masks(network, keep=0.5)
    smaller = magnitude_masks(network, keep=0.3)
    for name, mask in first.items():
        np.testing.assert_array_equal(mask, again[name])
        assert not np.any(smaller[name] & ~mask)


def test_filters_are_weights_too():
    network = with_convolution()
    masks = magnitude_masks(network, keep=0.25)
    assert {n: m.shape for n, m in masks.items()} == {
        "1.W": (1, 2, 2, 3),
        "4.W": (27, 5),
        "6.W": (5, 3),
    }
    assert sum(int(mask.sum()) for mask in masks.values()) == round(0.25 * 162)


@pytest.mark.parametrize("keep", [0, -0.1, 1.1, float("nan"), "0.5", None])
def test_a_share_out_of_range_is_refused(keep):
    with pytest.raises(InputError, match=r"^magnitude_masks: keep must be a number ab"):
        magnitude_masks(made(), keep)


def test_a_network_without_weights_has_nothing_to_remove():
    network = Network([ReLU()], loss=MeanSquaredError(), seed=0)
    with pytest.raises(InputError, match=r"Network\(\[ReLU\(\)\].* has no weights"):
        magnitude_masks(network, 0.5)


# Training under a mask ------------------------------------------------------------

INNER = {
    "momentum": lambda: SGD(0.1, 0.9),
    "decay": lambda: SGD(0.1, 0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda: AdamW(0.01, weight_decay=0.1),
}


@pytest.fixture(params=INNER.values(), ids=INNER)
def inner(request):
    """Return a function that makes an optimizer."""
    return request.param


def test_zeros_stay_zero_through_a_training(digits, inner):
    network = made((784, 16, 10), dtype=np.float32)
    masks, before = magnitude_masks(network, keep=0.2), copies(network.parameters)
    seen = []

    def look(network):
        seen.append(all(np.all(network.parameters[n][~masks[n]] == 0) for n in masks))

    hold = Mask(masks)

    def hold_and_look(network):
        hold(network)
        look(network)

    settings = {"epochs": 2, "progress": False, "after_step": hold_and_look}
    train(network, digits.train[:500], optimizer=inner(), **settings)
    assert seen == [True] * 8
    for name, W in network.parameters.items():
        free = masks.get(name, np.ones(W.shape, bool))
        assert np.mean(W[free] != before[name][free]) > 0.4  # not where no ink is


def test_the_others_move_as_the_optimizer_within_moves_them(inner):
    """The gradients being given, whether a mask is there changes nothing for them."""
    network, plain = made(), made()
    masks = magnitude_masks(network, keep=0.4)
    optimizer, alone, hold = inner(), inner(), Mask(masks)
    rng = np.random.default_rng(0)
    for step in range(10):
        for name, dW in network.gradients.items():
            dW[:] = plain.gradients[name][:] = rng.normal(size=dW.shape)
        optimizer.step(network, 1 - step / 10)
        hold(network)
        alone.step(plain, 1 - step / 10)
        for name, W in network.parameters.items():
            free = masks.get(name, np.ones(W.shape, bool))
            np.testing.assert_array_equal(W[free], plain.parameters[name][free])
            np.testing.assert_array_equal(W[~free], 0)


def test_a_mask_of_ones_changes_no_training(digits, inner):
    networks = [made((784, 16, 10), dtype=np.float32) for _ in range(2)]
    masks = magnitude_masks(networks[0], keep=1)
    for network, hold in zip(networks, (Mask(masks), None), strict=True):
        settings = {"epochs": 1, "progress": False, "after_step": hold}
        train(network, digits.train[:500], optimizer=inner(), **settings)
    for name, W in networks[0].parameters.items():
        np.testing.assert_array_equal(W, networks[1].parameters[name])


def test_retraining_makes_good_what_pruning_cost(digits):
    network, quiet = made((784, 32, 10), dtype=np.float32), {"progress": False}
    few = digits.train[:1000]
    train(network, few, optimizer=SGD(0.1, 0.9), epochs=5, **quiet)
    masks = magnitude_masks(network, keep=0.05)
    whole = network.evaluate(few).loss
    for name, mask in masks.items():
        network.parameters[name] *= mask
    pruned = network.evaluate(few).loss
    settings = {"after_step": Mask(masks), "epochs": 5, **quiet}
    train(network, few, optimizer=SGD(0.1, 0.9), **settings)
    retrained = network.evaluate(few).loss
    assert whole < pruned
    assert retrained < pruned / 2


def test_masks_of_another_network_are_refused_and_nothing_changes():
    network = made()
    before = copies(network.parameters)
    for other in (made((6, 7, 3)), with_convolution()):
        hold = Mask(magnitude_masks(other, 0.5))
        with pytest.raises(InputError, match=r"^Mask: there is a mask \d\.W of shape"):
            hold(network)
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(W, before[name])


def test_a_mask_is_of_booleans_and_says_how_much_it_keeps():
    masks = magnitude_masks(made((784, 100, 10)), keep=0.5)
    assert repr(Mask(masks)) == "Mask(39,700 weights kept)"
    with pytest.raises(InputError, match=r"^Mask: the mask 0\.W must be .* booleans"):
        Mask({"0.W": np.ones((3, 2))})


def test_masks_reach_all_weights_of_a_recurrent_network():
    """A tenth of all weights is a tenth of W and U together."""
    layers = [Recurrent(3, 2, 8), Dense(8, 3)]
    network = Network(layers, SoftmaxCrossEntropy(), seed=0)
    masks = magnitude_masks(network, keep=0.1)
    assert masks.keys() == {"0.W", "0.U", "1.W"}
    Mask(masks)(network)
    left = sum(np.count_nonzero(network.parameters[name]) for name in masks)
    assert left == round(0.1 * sum(mask.size for mask in masks.values()))


# Without neurons ------------------------------------------------------------------


def same_outputs(network, other, rtol=1e-12):
    """See that two networks compute the same function."""
    expected = network.forward(X)
    np.testing.assert_allclose(other.forward(X), expected, rtol=rtol, atol=1e-13)


@pytest.mark.parametrize("activation", [ReLU, Sigmoid, Tanh])
def test_a_neuron_that_nobody_listens_to_can_go(activation):
    network = made(activation=activation)
    network.parameters["2.W"][[1, 3]] = 0
    smaller = without_neurons(network, 0, np.array([0, 2, 4]))
    assert repr(smaller.layers[0]) == "Dense(6, 3)"
    same_outputs(network, smaller)


@pytest.mark.parametrize("place", [0, 2])
def test_the_order_of_neurons_does_not_matter(place):
    network = made()
    order = np.random.default_rng(0).permutation(network.layers[place].outputs)
    same_outputs(network, without_neurons(network, place, order))


def test_a_doubled_neuron_counts_twice():
    network = made()
    double = without_neurons(network, 0, [0, 1, 2, 3, 4, 4])
    network.parameters["2.W"][4] *= 2
    same_outputs(network, double)


def test_a_neuron_that_is_heard_is_missed():
    network = made()
    smaller = without_neurons(network, 2, [1, 2, 3])
    A = np.maximum(0, X @ network.layers[0].W + network.layers[0].b)
    A = np.maximum(0, A @ network.layers[2].W + network.layers[2].b)
    A[:, 0] = 0
    expected = A @ network.layers[4].W + network.layers[4].b
    np.testing.assert_allclose(smaller.forward(X), expected, rtol=1e-12)


def test_neurons_go_behind_a_convolution_too():
    network, images = with_convolution(), np.random.default_rng(0).random((5, 16))
    network.parameters["6.W"][2] = 0
    smaller = without_neurons(network, 4, [0, 1, 3, 4])
    expected = network.forward(images)
    np.testing.assert_allclose(smaller.forward(images), expected, rtol=1e-5)


def test_dropout_may_stand_between_the_two_layers():
    layers = [Dense(6, 5), ReLU(), Dropout(0.5), Dense(5, 3)]
    network = Network(layers, SoftmaxCrossEntropy(), seed=0, dtype=np.float64)
    smaller = without_neurons(network, 0, [4, 3, 2, 1, 0])
    same_outputs(network, smaller)
    smaller.forward(X, training=True)
    assert smaller.layers[2].rng is smaller.rng


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_new_network_is_of_the_same_kind_and_can_be_trained(digits, dtype):
    network = made((784, 16, 10), activation=Tanh, dtype=dtype)
    smaller = without_neurons(network, 0, np.arange(8))
    assert smaller.dtype == dtype
    assert all(W.dtype == dtype for W in smaller.parameters.values())
    assert repr(smaller.layers) == "[Dense(784, 8), Tanh(), Dense(8, 10)]"
    assert repr(smaller.loss) == repr(network.loss)
    few, settings = digits.train[:200], {"epochs": 2, "progress": False}
    history = train(smaller, few, optimizer=SGD(0.1, 0.9), **settings)
    assert history.training_loss[1] < history.training_loss[0]


def test_a_smaller_network_shares_nothing_with_the_one_it_comes_from():
    network = made()
    before = copies(network.parameters)
    outputs = network.forward(X)
    for smaller in (
        without_neurons(network, 0, [0, 2]),
        without_layer(made((6, 5, 5, 3)), 2),
    ):
        for W in smaller.parameters.values():
            W += 1
        smaller.rng.random()
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(W, before[name])
    np.testing.assert_array_equal(network.forward(X), outputs)
    network.backward(np.ones_like(outputs))  # it is still in the middle of its batch


@pytest.mark.parametrize(
    "keep", [[], [[0, 1]], [0.0, 1.0], [True, False], "01", None], ids=repr
)
def test_what_are_no_numbers_of_neurons_is_refused(keep):
    with pytest.raises(InputError, match=r"^without_neurons: keep must be the numbers"):
        without_neurons(made(), 0, keep)


@pytest.mark.parametrize("wrong", [-1, 5])
def test_a_neuron_that_is_not_there_is_named(wrong):
    told = rf"Dense\(6, 5\) has the neurons 0 to 4, but {wrong} was asked for"
    with pytest.raises(InputError, match=told):
        without_neurons(made(), 0, [0, wrong, 1])


NOWHERE = {
    "no layer": (made, 9),
    "counted from the end": (made, -1),
    "an activation": (made, 1),
    "the last layer": (made, 4),
    "a convolution": (with_convolution, 1),
}
CUTS = {
    "without_neurons": lambda network, place: without_neurons(network, place, [0]),
    "strongest_neurons": lambda network, place: strongest_neurons(network, place, 1),
    "without_layer": without_layer,
}


@pytest.mark.parametrize(("build", "place"), NOWHERE.values(), ids=NOWHERE)
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_place_where_nothing_can_be_cut_is_named(cut, build, place):
    told = rf"(There is no dense layer )?at place {place} of \[.*Dense.*\]"
    with pytest.raises(InputError, match=told):
        cut(build(), place)


def test_a_layer_before_a_convolution_keeps_its_neurons():
    layers = [Dense(4, 16), Reshape(1, 4, 4), Convolution2D(1, 2, 3), Flatten()]
    network = Network([*layers, Dense(8, 3)], SoftmaxCrossEntropy(), seed=0)
    with pytest.raises(InputError, match=r"is not followed by another dense layer"):
        without_neurons(network, 0, [0, 1])


# The strongest neurons ------------------------------------------------------------


def test_the_strongest_neurons_have_the_longest_weights_in_and_out():
    network = made((2, 4, 2))
    network.parameters["0.W"][:] = [[3, 1, 0, 2], [4, 0, 9, 0]]  # lengths 5 1 9 2
    network.parameters["2.W"][:] = [[0, 3], [6, 8], [0, 0.1], [-3, 4]]  # 3 10 0.1 5
    found = {n: strongest_neurons(network, 0, n).tolist() for n in (1, 2, 3, 4)}
    assert found[1] == [0]  # 15, 10, 0.9, 10
    assert found[2] == [0, 1]  # of two that are equal, the first
    assert found[3] == [0, 1, 3]
    assert found[4] == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [0, 6, -1, 2.0, "2", None])
def test_a_count_of_neurons_out_of_range_is_refused(count):
    with pytest.raises(InputError, match=rf"from 1 to 5, but is {count!r}\."):
        strongest_neurons(made(), 0, count)


def test_what_is_left_of_a_trained_network_does_better_than_its_weakest_half(digits):
    network, few = made((784, 32, 10), dtype=np.float32), digits.train[:1000]
    train(network, few, optimizer=SGD(0.1, 0.9), epochs=5, progress=False)
    strong = strongest_neurons(network, 0, 16)
    weak = np.setdiff1d(np.arange(32), strong)
    losses = [without_neurons(network, 0, k).evaluate(few).loss for k in (strong, weak)]
    assert losses[0] < losses[1]


# Without a layer ------------------------------------------------------------------


def test_a_layer_that_hands_on_what_it_gets_can_go():
    """Behind a ReLU there is nothing below zero, so the next one changes nothing."""
    network = made((6, 5, 5, 3))
    network.parameters["2.W"][:] = np.eye(5)
    network.parameters["2.b"][:] = 0
    smaller = without_layer(network, 2)
    assert repr(smaller.layers) == "[Dense(6, 5), ReLU(), Dense(5, 3)]"
    same_outputs(network, smaller)


def test_its_activation_and_its_dropout_go_with_a_layer():
    layers = [Dense(6, 4), Tanh(), Dense(4, 4), ReLU(), Dropout(0.5), Dense(4, 3)]
    network = Network(layers, SoftmaxCrossEntropy(), seed=0, dtype=np.float64)
    smaller = without_layer(network, 2)
    assert repr(smaller.layers) == "[Dense(6, 4), Tanh(), Dense(4, 3)]"
    for place, of in ((0, 0), (2, 5)):
        for name in "Wb":
            kept = network.parameters[f"{of}.{name}"]
            np.testing.assert_array_equal(smaller.parameters[f"{place}.{name}"], kept)


def test_the_first_layer_can_go_too():
    network = made((6, 6, 3))
    smaller = without_layer(network, 0)
    expected = X @ network.layers[2].W + network.layers[2].b
    np.testing.assert_allclose(smaller.forward(X), expected, rtol=1e-12)


def test_a_layer_that_is_not_square_cannot_go():
    with pytest.raises(InputError, match=r"Dense\(5, 4\) cannot be left out, because"):
        without_layer(made(), 2)
