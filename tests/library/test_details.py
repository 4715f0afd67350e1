"""What only a changed default, type or number would tell: found by `make mutants`."""

import numpy as np
import pytest
from backprop import (
    Adam,
    Convolution2D,
    Dense,
    Dropout,
    InputError,
    Network,
    ReLU,
    SavedFileError,
    SoftmaxCrossEntropy,
)
from backprop.checks import check_finite
from backprop.optimizers import Optimizer
from backprop.saving import write_arrays

LEARNING = {
    "dense": lambda: Dense(3, 2),
    "convolution": lambda: Convolution2D(2, 3, 2),
}
learning = pytest.mark.parametrize("make", LEARNING.values(), ids=LEARNING)


@learning
def test_a_layer_by_itself_has_the_weights_of_seed_0(make):
    layer, again = make(), make()
    again.initialize(np.random.default_rng(0))
    np.testing.assert_array_equal(layer.W, again.W)
    assert layer.W.dtype == np.float32


def test_dropout_by_itself_draws_from_seed_0():
    dropout, again = Dropout(0.5), Dropout(0.5)
    again.initialize(np.random.default_rng(0))
    X = np.ones((5, 20), dtype=np.float32)
    masked = dropout.forward(X, training=True)
    np.testing.assert_array_equal(masked, again.forward(X, training=True))


@learning
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_parameters_and_gradients_have_the_type_that_is_asked_for(make, dtype):
    layer = make()
    layer.initialize(np.random.default_rng(0), dtype)
    arrays = [*layer.parameters.values(), *layer.gradients.values()]
    assert [array.dtype for array in arrays] == [dtype] * 4


def test_an_activation_keeps_to_the_order_in_memory_of_each_input():
    relu, X = ReLU(), np.ones((3, 4))
    for Z in (X, np.asfortranarray(X), X):
        assert relu.forward(Z).strides == Z.strides


def test_an_optimizer_remembers_nothing_before_its_first_step():
    adam = Adam()
    assert (adam.state, adam.network_key) == ({}, "")


def test_adam_has_the_settings_and_the_names_of_its_paper():
    adam, network = Adam(), Network([Dense(3, 2)], loss=SoftmaxCrossEntropy(), seed=0)
    settings = [adam.learning_rate, adam.beta1, adam.beta2, adam.epsilon]
    assert settings == [0.001, 0.9, 0.999, 1e-8]
    adam.start(network)
    assert [list(state) for state in adam.state.values()] == [["m", "v", "t"]] * 2


def test_an_optimizer_decays_nothing_unless_asked():
    assert Optimizer(0.1).weight_decay == 0


def test_answers_are_counted_for_labels_only():
    loss = SoftmaxCrossEntropy()
    assert loss.answers(np.array([0, 0])).tolist() == [0, 0]
    assert loss.answers(np.array([0.0, 0.0])) is None
    assert loss.answers(np.array([[0, 0], [0, 0]])) is None


def test_what_is_not_finite_is_called_x_unless_it_has_another_name():
    with pytest.raises(InputError, match=r"^X holds NaN or infinity, first in row 0\."):
        check_finite(np.array([[np.inf]]))
    with pytest.raises(InputError, match=r"^y holds NaN or infinity"):
        check_finite(np.array([np.nan]), "y")


def test_a_file_of_another_format_is_told_by_the_format_it_has(tmp_path):
    path = tmp_path / "weights.npz"
    write_arrays(path, {"format": np.array("another 2")})
    network = Network([Dense(3, 2)], loss=SoftmaxCrossEntropy(), seed=0)
    with pytest.raises(SavedFileError) as caught:
        network.load(path)
    assert str(caught.value) == (
        f"{path} was not written by Network.save (format 'another 2', expected "
        f"'backprop network 2')."
    )
