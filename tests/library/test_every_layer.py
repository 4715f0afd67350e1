"""Each layer and each loss of the library holds what all of them promise.

They are found by themselves: a new one without an entry below turns this red.
"""

import copy
import importlib
import inspect
import pkgutil

import backprop
import numpy as np
import pytest
from backprop import Dense, InputError, Network, SoftmaxCrossEntropy, check_gradients
from backprop.layers import Layer
from backprop.losses import Loss

# How each is made, and what goes into it: an input without the batch.
LAYERS = {
    "BatchNormalization": ((4,), (4,)),
    "Convolution2D": ((2, 3, 2), (2, 4, 5)),
    "Dense": ((4, 3), (4,)),
    "Dropout": ((0.5,), (4,)),
    "Flatten": ((), (2, 3, 4)),
    "MaxPooling2D": ((2,), (2, 4, 6)),
    "ReLU": ((), (4,)),
    "Recurrent": ((3, 2, 4), (6,)),
    "Reshape": ((2, 3, 2), (12,)),
    "Sigmoid": ((), (4,)),
    "Tanh": ((), (4,)),
}


LEAST = {"BatchNormalization": 3}  # of two, each is as far from the mean as the other
PATIENTS = "backprop.book.bugs"  # wrong on purpose


def labels(rng, batch):
    return rng.integers(3, size=batch)


def numbers(rng, batch):
    return rng.normal(size=(batch, 3))


def answers(rng, batch):
    return rng.integers(2, size=(batch, 3))


def labels_and_boxes(rng, batch):
    return np.hstack([rng.integers(3, size=(batch, 1)), rng.normal(size=(batch, 4))])


# How each is made, how many outputs it takes, and targets for a batch.
LOSSES = {
    "ClassAndBox": ((2.0,), 7, labels_and_boxes),
    "MeanSquaredError": ((), 3, numbers),
    "SigmoidCrossEntropy": ((), 3, answers),
    "SmoothedCrossEntropy": ((0.2,), 3, labels),
    "SoftmaxCrossEntropy": ((), 3, labels),
}


def found(kind):
    """Return all public classes of a kind in the library, by name."""
    modules = pkgutil.walk_packages(backprop.__path__, "backprop.")
    classes = {}
    for module in modules:
        members = vars(importlib.import_module(module.name)).items()
        classes |= {
            name: thing
            for name, thing in members
            if inspect.isclass(thing) and issubclass(thing, kind) and thing is not kind
            if thing.__module__ == module.name != PATIENTS
        }
    return classes


each_layer = pytest.mark.parametrize("name", sorted(found(Layer)))
each_loss = pytest.mark.parametrize("name", sorted(found(Loss)))


def made(name, table=LAYERS, kind=Layer):
    """Return a new one of the library's classes."""
    assert name in table, f"{name} has no entry in {__name__}: how is it made?"
    return found(kind)[name](*table[name][0])


def network_with(name, batch, seed=0):
    """Return a network with a layer before a dense one, and a batch for it."""
    rng = np.random.default_rng(seed)
    batch = max(batch, LEAST.get(name, 1))
    layer, X = made(name), rng.normal(size=(batch, *LAYERS[name][1]))
    probe = copy.deepcopy(layer)
    probe.initialize(rng, np.float64)
    out = probe.forward(X)
    rows = [] if out.ndim == 2 else [found(Layer)["Flatten"]()]
    width = int(np.prod(out.shape[1:]))
    before = [Dense(X.shape[1], X.shape[1])] if X.ndim == 2 else []
    layers = [*before, layer, *rows, Dense(width, 3)]
    network = Network(layers, SoftmaxCrossEntropy(), seed=seed, dtype=np.float64)
    return network, X, labels(rng, batch)


def test_there_is_nothing_below_that_is_not_in_the_library():
    assert LAYERS.keys() == found(Layer).keys()
    assert LOSSES.keys() == found(Loss).keys()


@each_layer
@pytest.mark.parametrize("batch", [1, 5])
def test_the_gradients_of_a_layer_agree_with_nudging(name, batch):
    network, X, y = network_with(name, batch)
    report = check_gradients(network, X, y, training=True)
    for row in report.rows:
        if (name, row.name) == ("BatchNormalization", "0.b"):
            assert row.verdict == "too small to tell"  # what it adds, the mean removes
        else:
            assert row.verdict == "right", f"{name}\n{report}"
            assert row.relative_error < 1e-7


@each_loss
@pytest.mark.parametrize("batch", [1, 5])
def test_the_gradient_of_a_loss_agrees_with_nudging(name, batch):
    rng = np.random.default_rng(0)
    loss, (_, outputs, targets) = made(name, LOSSES, Loss), LOSSES[name]
    network = Network([Dense(4, outputs)], loss=loss, seed=0, dtype=np.float64)
    X = rng.normal(size=(batch, 4))
    report = check_gradients(network, X, targets(rng, batch))
    assert report.worst < 1e-7, f"{name}\n{report}"


@each_layer
def test_a_layer_keeps_what_it_was_made_with_and_prints_it(name):
    layer = made(name)
    again = eval(repr(layer), dict(found(Layer)))
    assert again.settings == layer.settings
    assert set(layer.weight_names) <= set(layer.parameter_names)


@each_layer
def test_backward_before_forward_and_with_another_shape_is_refused(name):
    layer = made(name)
    X = np.random.default_rng(0).normal(size=(3, *LAYERS[name][1]))
    layer.initialize(np.random.default_rng(0), np.float64)
    with pytest.raises(InputError, match="call forward first"):
        made(name).backward(X)
    out = layer.forward(X)
    for wrong in (out[:-1], out[..., np.newaxis], np.zeros(0), out.astype(int), None):
        with pytest.raises(InputError, match="gradient by the output"):
            layer.backward(wrong)


@each_layer
def test_forward_and_backward_change_nothing_that_they_are_given(name):
    layer, rng = made(name), np.random.default_rng(0)
    layer.initialize(rng, np.float64)
    X = rng.normal(size=(3, *LAYERS[name][1]))
    kept = X.copy()
    out = layer.forward(X, training=True)
    slopes = rng.normal(size=out.shape)
    given = slopes.copy()
    layer.backward(slopes)
    np.testing.assert_array_equal(X, kept)
    np.testing.assert_array_equal(slopes, given)


@each_loss
def test_a_loss_prints_what_it_was_made_with_and_goes_back_after_forward(name):
    loss = made(name, LOSSES, Loss)
    assert repr(eval(repr(loss), dict(found(Loss)))) == repr(loss)
    with pytest.raises(InputError, match="call forward first"):
        loss.backward()
