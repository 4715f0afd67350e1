"""What the library tells whoever gives it something wrong.

The pieces that a message must have stand in messages.toml, one case below the other, so
that they are read together.
"""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from backprop import (
    SGD,
    Adam,
    BackpropError,
    Convolution2D,
    Dataset,
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
)

SAID = tomllib.loads(Path(__file__).with_name("messages.toml").read_text("utf-8"))
FLAT = np.zeros((2, 3))
ROWS = np.zeros((2, 784), np.float32)


def network(*layers, loss=None, seed=0, dtype=np.float32):
    """Return a network of one dense layer, or what else was asked for."""
    loss = loss or SoftmaxCrossEntropy()
    return Network(list(layers) or [Dense(3, 2)], loss=loss, seed=seed, dtype=dtype)


def cross_entropy(outputs, targets):
    """Compute a loss."""
    SoftmaxCrossEntropy().forward(outputs, targets)


def squared_error(outputs, targets):
    """Compute a loss."""
    MeanSquaredError().forward(outputs, targets)


def pass_through(layer, *shape, dtype=np.float32):
    """Pass zeros of a shape through a layer."""
    layer.forward(np.zeros(shape, dtype))


def transposed(rng, inputs, outputs):
    """Return weights of the wrong shape."""
    return np.zeros((outputs, inputs))


def pass_back(gradient):
    """Pass a gradient back through a network."""
    made = network()
    made.forward(FLAT)
    made.backward(gradient)


def used_layer():
    """Build two networks with one layer."""
    layer = Dense(3, 2)
    network(layer)
    network(layer)


def same_layer():
    """Build a network with one layer at two places."""
    layer = ReLU()
    network(layer, layer)


CALLS = {
    "losses": {
        "smoothing of 1": lambda: SmoothedCrossEntropy(1),
        "softmax backward first": lambda: SoftmaxCrossEntropy().backward(),
        "squares backward first": lambda: MeanSquaredError().backward(),
        "list for outputs": lambda: cross_entropy([[1.0]], np.array([0])),
        "integer outputs": lambda: cross_entropy(FLAT.astype(int), np.array([0, 1])),
        "outputs of one axis": lambda: cross_entropy(FLAT[0], np.array([0])),
        "outputs without class": lambda: cross_entropy(FLAT[:, :0], np.array([0, 1])),
        "text for targets": lambda: cross_entropy(FLAT, np.array(["a", "b"])),
        "ragged targets": lambda: cross_entropy(FLAT, [[0], [1, 2]]),
        "too few labels": lambda: cross_entropy(FLAT, np.array([0])),
        "float labels": lambda: cross_entropy(FLAT, np.array([0.0, 1.0])),
        "label too large": lambda: cross_entropy(FLAT, np.array([0, 3])),
        "label below 0": lambda: cross_entropy(FLAT[:, :2], np.array([-1, 1])),
        "labels for one output": lambda: cross_entropy(FLAT[:, :1], np.array([0, 1])),
        "other targets": lambda: squared_error(FLAT, np.zeros((3, 2))),
        "flat targets": lambda: squared_error(FLAT[:, :1], np.zeros(2)),
    },
    "layers": {
        "no input": lambda: Dense(0, 2),
        "half an output": lambda: Dense(3, 2.5),
        "weights of another shape": lambda: Dense(3, 2, transposed),
        "list for Dense": lambda: Dense(3, 2).forward([[1.0]]),
        "example for Dense": lambda: pass_through(Dense(3, 2), 3),
        "width for Dense": lambda: pass_through(Dense(3, 2), 2, 4),
        "images for Dense": lambda: pass_through(Dense(3, 2), 2, 1, 3),
        "type for Dense": lambda: pass_through(Dense(3, 2), 2, 3, dtype=np.float64),
        "rate of 1": lambda: Dropout(1),
        "rate that is text": lambda: Dropout("0.5"),
        "list for ReLU": lambda: ReLU().forward([[1.0]]),
        "integers for Tanh": lambda: pass_through(Tanh(), 2, 3, dtype=int),
        "number for Sigmoid": lambda: Sigmoid().forward(3),
    },
    "convolution": {
        "no channel in": lambda: Convolution2D(0, 2, 3),
        "no channel out": lambda: Convolution2D(1, 0, 3),
        "half a pixel": lambda: Convolution2D(1, 2, 2.5),
        "no stride": lambda: Convolution2D(1, 2, 3, stride=0),
        "padding below 0": lambda: Convolution2D(1, 2, 3, padding=-1),
        "weights of another shape": lambda: Convolution2D(
            2, 3, 2, initialization=transposed
        ),
        "small images": lambda: pass_through(
            Convolution2D(1, 2, 5, padding=1), 2, 1, 4, 2
        ),
        "type": lambda: pass_through(
            Convolution2D(1, 2, 3), 2, 1, 4, 4, dtype=np.float64
        ),
        "rows": lambda: Convolution2D(1, 2, 3).forward(ROWS),
        "no channels": lambda: pass_through(Convolution2D(1, 2, 3), 2, 8, 8),
        "channels last": lambda: pass_through(Convolution2D(1, 2, 3), 2, 8, 8, 1),
        "no window": lambda: MaxPooling2D(0),
        "rows for pooling": lambda: MaxPooling2D(2).forward(ROWS),
        "no height": lambda: pass_through(MaxPooling2D(2), 2, 1, 0, 4),
        "odd height": lambda: pass_through(MaxPooling2D(2), 2, 1, 3, 4),
        "odd width": lambda: pass_through(MaxPooling2D(2), 2, 1, 4, 5),
        "image without channel": lambda: Reshape(0, 28, 28),
        "image without height": lambda: Reshape(1, 0, 28),
        "image without width": lambda: Reshape(1, 28, 0),
        "long rows": lambda: Reshape(1, 2, 3).forward(ROWS),
        "list for Reshape": lambda: Reshape(1, 2, 3).forward([[1.0]]),
        "rows for Flatten": lambda: Flatten().forward(ROWS),
    },
    "optimizers": {
        "no rate": lambda: SGD(0),
        "rate without end": lambda: SGD(float("inf")),
        "momentum of 1": lambda: SGD(0.1, momentum=1),
        "decay below 0": lambda: SGD(0.1, weight_decay=-0.1),
        "nesterov alone": lambda: SGD(0.1, nesterov=True),
        "beta1 of 1": lambda: Adam(beta1=1),
        "beta2 below 0": lambda: Adam(beta2=-0.1),
        "no epsilon": lambda: Adam(epsilon=0),
        "factor below 0": lambda: SGD(0.1).step(network(), -1),
        "factor that is text": lambda: Adam().step(network(), "1"),
    },
    "network": {
        "one layer": lambda: Network(Dense(3, 2), loss=SoftmaxCrossEntropy(), seed=0),
        "no layers": lambda: Network([], loss=SoftmaxCrossEntropy(), seed=0),
        "class for a layer": lambda: network(Dense(3, 2), ReLU),
        "class for a loss": lambda: network(loss=SoftmaxCrossEntropy),
        "function for a layer": lambda: network(Dense(3, 2), abs),
        "used layer": used_layer,
        "same layer": same_layer,
        "widths": lambda: network(Dense(3, 2), ReLU(), Dense(3, 2)),
        "seed": lambda: network(seed=-1),
        "type": lambda: network(dtype=np.float16),
        "ragged rows": lambda: network().forward([[1.0], [1.0, 2.0]]),
        "integers": lambda: network().forward(FLAT.astype(int)),
        "one example": lambda: network().forward(FLAT[0]),
        "large number": lambda: network().forward(FLAT + 1e300),
        "backward first": lambda: network().backward(FLAT),
        "list for a gradient": lambda: pass_back([[0.0, 0.0], [0.0, 0.0]]),
        "integer gradient": lambda: pass_back(np.zeros((2, 2), int)),
        "gradient of another shape": lambda: pass_back(FLAT),
        "NaN": lambda: network().predict(np.array([[0.0, 0, 0], [0, np.nan, 0]])),
        "array for a split": lambda: network().evaluate(FLAT),
        "empty split": lambda: network().evaluate(Dataset(FLAT, np.array([0, 1]))[:0]),
    },
}


def test_there_is_a_call_for_each_message():
    assert {m: set(calls) for m, calls in CALLS.items()} == {
        m: set(messages) for m, messages in SAID.items()
    }


@pytest.mark.parametrize(
    ("module", "case"), [(m, case) for m, calls in CALLS.items() for case in calls]
)
def test_a_message_tells_what_is_expected_what_came_and_what_to_write(module, case):
    with pytest.raises(BackpropError) as caught:
        CALLS[module][case]()
    rest = str(caught.value)
    for piece in SAID[module][case]:
        _, found, rest = rest.partition(piece)
        assert found, f"{piece!r} is not told in: {caught.value}"
