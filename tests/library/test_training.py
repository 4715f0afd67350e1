"""The training loop: repeatable, able to learn, and clear about what goes wrong."""

import os
import re
import signal
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest
from backprop import (
    SGD,
    Adam,
    Dataset,
    Dense,
    Dropout,
    History,
    InputError,
    MeanSquaredError,
    Network,
    ReLU,
    Shift,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
    TrainingError,
    Warp,
    cosine,
    linear,
    running,
    train,
    train_step,
)
from backprop.layers import Layer
from backprop.training import mini_batches
from hypothesis import given
from hypothesis import strategies as st


def made(seed=0, loss=SoftmaxCrossEntropy, dtype=np.float32, activation=ReLU):
    """Return a small network for digits."""
    layers = [Dense(784, 16), activation(), Dense(16, 10)]
    return Network(layers, loss=loss(), seed=seed, dtype=dtype)


def run(data, network=None, **changed):
    """Train a small network quietly; return it and its history."""
    network = made() if network is None else network
    settings = {
        "optimizer": SGD(0.1, momentum=0.9),
        "epochs": 2,
        "batch_size": 32,
        "progress": False,
    }
    return network, train(network, data, **(settings | changed))


def same(first, second):
    """Tell whether two trainings gave the same bits."""
    (network, history), (other, again) = first, second
    theirs = other.parameters
    return history.batch_loss.tobytes() == again.batch_loss.tobytes() and all(
        W.tobytes() == theirs[name].tobytes() for name, W in network.parameters.items()
    )


def weights(network):
    """Return all weights of a network in one piece."""
    return b"".join(W.tobytes() for W in network.parameters.values())


def weights_by_step(data, network=None, **changed):
    """Train; return the weights after each step, and those at the end."""
    seen = []
    network, _ = run(
        data, network, after_step=lambda net: seen.append(weights(net)), **changed
    )
    return seen, weights(network)


@pytest.fixture(scope="session")
def few(digits):
    """Return 200 training images: no multiple of 32, so the last batch is smaller."""
    return digits.train[:200]


# Repeatable -----------------------------------------------------------------------


def test_training_is_repeatable_to_the_last_bit(few, digits):
    first = run(few, validation=digits.validation)
    second = run(few, validation=digits.validation)
    assert same(first, second)
    for name in ("training_loss", "validation_loss", "validation_accuracy"):
        np.testing.assert_array_equal(
            getattr(first[1], name), getattr(second[1], name), strict=True
        )


def test_another_seed_shuffles_otherwise(few):
    assert not same(run(few, seed=0), run(few, seed=1))


def test_another_network_seed_starts_otherwise(few):
    assert not same(run(few, made(seed=0)), run(few, made(seed=1)))


def test_training_does_not_touch_numpys_global_generator(few):
    np.random.seed(1)  # noqa: NPY002
    first = run(few)
    np.random.seed(2)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert same(first, run(few))
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_validation_only_looks_on(few, digits):
    assert same(run(few), run(few, validation=digits.validation))


def test_training_leaves_the_data_alone(few):
    images, labels = few.inputs.copy(), few.targets.copy()
    run(few)
    np.testing.assert_array_equal(few.inputs, images)
    np.testing.assert_array_equal(few.targets, labels)


# Learning -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "activation", "rate"),
    [
        (SoftmaxCrossEntropy, ReLU, 0.05),
        (SoftmaxCrossEntropy, Sigmoid, 0.2),
        (MeanSquaredError, Tanh, 0.01),
    ],
)
def test_twenty_digits_are_learned_without_error(digits, loss, activation, rate):
    twenty, network = digits.train[:20], made(loss=loss, activation=activation)
    settings = {"optimizer": SGD(rate, momentum=0.9), "epochs": 100, "batch_size": 5}
    network, history = run(twenty, network, **settings)
    result = network.evaluate(twenty)
    assert result.accuracy == 1
    assert result.loss < 0.01 < history.training_loss[0]


def test_a_few_epochs_beat_guessing_by_far(digits):
    network, history = run(digits.train, validation=digits.validation, epochs=3)
    assert history.validation_accuracy[-1] > 0.8
    assert np.all(np.diff(history.training_loss) < 0)
    assert network.evaluate(digits.test).accuracy > 0.8


def test_a_training_goes_on_where_the_last_one_stopped(few):
    network, first = run(few)
    _, second = run(few, network)
    assert second.training_loss[0] < first.training_loss[-1]


def test_a_step_is_forward_backward_update(few):
    X, y = few.inputs[:8], few.targets[:8]
    ours, by_hand = made(), made()
    loss = train_step(ours, X, y, SGD(0.5), factor=0.5)
    assert loss == by_hand.loss.forward(by_hand.forward(X), y)
    by_hand.backward(by_hand.loss.backward())
    for name, W in by_hand.parameters.items():
        expected = W - np.float32(0.25) * by_hand.gradients[name]
        np.testing.assert_allclose(ours.parameters[name], expected, rtol=1e-6)


def test_all_weights_move_after_all_gradients_are_known(few):
    """Were W of a later layer moved first, an earlier gradient would be wrong."""
    network, X, y = made(dtype=np.float64), few.inputs[:8], few.targets[:8]
    network.loss.forward(network.forward(X), y)
    network.backward(network.loss.backward())
    before = {name: W.copy() for name, W in network.parameters.items()}
    gradients = {name: dW.copy() for name, dW in network.gradients.items()}
    train_step(network, X, y, SGD(0.5))
    for name, W in network.parameters.items():
        expected = before[name] - 0.5 * gradients[name]
        np.testing.assert_allclose(W, expected, rtol=1e-12, atol=1e-15)


# What a history holds -------------------------------------------------------------


def test_a_history_has_an_entry_a_step_and_an_epoch(few, digits):
    _, history = run(few, epochs=3, validation=digits.validation)
    assert isinstance(history, History)
    assert history.batch_loss.shape == (21,)  # 200 / 32, rounded up, three times
    assert history.training_loss.shape == (3,)
    assert history.validation_loss.shape == history.validation_accuracy.shape == (3,)
    assert history.seconds > 0
    expected = history.batch_loss.reshape(3, 7).mean(axis=1)
    np.testing.assert_allclose(history.training_loss, expected)


def test_the_last_validation_is_that_of_the_trained_network(few, digits):
    network, history = run(few, validation=digits.validation)
    result = network.evaluate(digits.validation)
    assert history.validation_loss[-1] == result.loss
    assert history.validation_accuracy[-1] == result.accuracy


def test_without_validation_its_entries_are_empty(few):
    _, history = run(few)
    assert history.validation_loss.shape == history.validation_accuracy.shape == (0,)


def test_the_first_batch_loss_is_that_of_the_untrained_network(few):
    _, history = run(few, batch_size=200)
    untrained = made().evaluate(few)
    assert history.batch_loss[0] == pytest.approx(untrained.loss, rel=1e-6)


def test_a_history_cannot_be_changed(few):
    _, history = run(few)
    with pytest.raises(AttributeError):
        history.seconds = 0.0


# Batches, schedule, progress ------------------------------------------------------


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 1000))
def test_each_example_is_seen_once_an_epoch_with_its_own_label(size, batch_size, seed):
    data = Dataset(np.arange(2.0 * size).reshape(size, 2), np.arange(size))
    rows, labels = [], []
    for X, y in mini_batches(data, batch_size, np.random.default_rng(seed)):
        assert len(X) == len(y) <= batch_size
        rows += X.tolist()
        labels += y.tolist()
    assert sorted(labels) == list(range(size))
    assert rows == data.inputs[labels].tolist()


def test_images_in_another_order_of_memory_give_the_same_batches():
    wide = np.random.default_rng(0).random((50, 6))
    plain = Dataset(np.ascontiguousarray(wide[:, ::2]), np.arange(50))
    for order in (wide[:, ::2], np.asfortranarray(plain.inputs)):
        for expected, found in zip(
            mini_batches(plain, 8, np.random.default_rng(0)),
            mini_batches(Dataset(order, plain.targets), 8, np.random.default_rng(0)),
            strict=True,
        ):
            np.testing.assert_array_equal(found[0], expected[0])
            assert found[0].flags.c_contiguous


def test_each_epoch_has_an_order_of_its_own():
    data = Dataset(np.zeros((50, 2)), np.arange(50))
    rng = np.random.default_rng(0)
    first, second = ([*np.concatenate([y for _, y in mini_batches(data, 8, rng)])]
                     for _ in range(2))  # fmt: skip
    assert first != second
    assert first != sorted(first)


def test_a_batch_larger_than_the_data_is_one_batch(few):
    _, history = run(few, batch_size=5000)
    assert history.batch_loss.shape == (2,)
    assert same(run(few, batch_size=200), run(few, batch_size=5000))


def test_the_schedule_gets_the_progress_of_each_step(few):
    asked = []

    def spy(progress):
        asked.append(progress)
        return 1.0

    run(few, schedule=spy)
    np.testing.assert_allclose(asked, np.arange(14) / 14)


@pytest.mark.parametrize("schedule", [linear, cosine])
def test_the_schedule_changes_the_training(few, schedule):
    assert not same(run(few), run(few, schedule=schedule))
    assert same(run(few), run(few, schedule=lambda progress: 1.0))


def test_without_progress_nothing_is_printed(few, capfd):
    run(few)
    assert capfd.readouterr() == ("", "")


def test_tqdm_disable_hides_the_bar():
    code = """
from backprop import SGD, Dense, Network, SoftmaxCrossEntropy, load_mnist, train
network = Network([Dense(784, 10)], loss=SoftmaxCrossEntropy(), seed=0)
train(network, load_mnist("embedded").test, optimizer=SGD(0.1), epochs=2)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TQDM_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ran.stdout, ran.stderr) == ("", "")


def test_with_progress_there_is_a_bar_on_stderr_only(few, capfd):
    run(few, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "2/2" in err


def test_a_bar_is_closed_when_a_training_is_interrupted(few, monkeypatch):
    """By the ``with`` block: not whenever the iterator happens to be collected."""
    closed = []

    class Spy(running.tqdm):
        def __exit__(self, *why):
            super().__exit__(*why)
            closed.append(self.disable)

    def interrupt(progress):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "tqdm", Spy)
    with pytest.raises(KeyboardInterrupt):
        run(few, progress=True, schedule=interrupt)
    assert closed == [True]


# Augmentation and dropout ---------------------------------------------------------


@pytest.mark.parametrize("augment", [Shift(2), Warp(1, 0.1, 0.4)], ids=repr)
def test_augmentation_is_seeded_and_changes_the_training(few, augment):
    plain, augmented = run(few), run(few, augment=augment)
    assert same(augmented, run(few, augment=augment))
    assert not same(augmented, plain)
    assert not same(augmented, run(few, augment=augment, seed=1))


def test_each_batch_is_augmented_by_the_generator_that_shuffles(few):
    rngs, rows = set(), []

    def spy(X, rng):
        rngs.add(rng)
        rows.append(len(X))
        return X

    assert same(run(few, augment=spy), run(few))
    assert rows == 2 * [32, 32, 32, 32, 32, 32, 8]
    assert [type(rng) for rng in rngs] == [np.random.Generator]


def test_what_the_augmentation_returns_is_what_is_learned_from(few):
    network, _ = run(few, augment=lambda X, rng: np.zeros_like(X))
    untouched = made().parameters["0.W"]
    np.testing.assert_array_equal(network.parameters["0.W"], untouched)
    assert not np.array_equal(network.parameters["2.b"], made().parameters["2.b"])


def test_labels_stay_with_their_augmented_images():
    data = Dataset(np.arange(100.0).reshape(50, 2), np.arange(50))
    rng = np.random.default_rng(0)
    for X, y in mini_batches(data, 8, rng, augment=lambda X, rng: X + 1000):
        np.testing.assert_array_equal(X - 1000, data.inputs[y])


def test_an_augmentation_that_works_in_place_leaves_the_data_alone(few):
    def blacken(X, rng):
        X[:] = 1
        return X

    images = few.inputs.copy()
    run(few, augment=blacken)
    np.testing.assert_array_equal(few.inputs, images)


def test_validation_is_not_augmented(few, digits):
    network, history = run(few, augment=Shift(3), validation=digits.validation)
    result = network.evaluate(digits.validation)
    assert history.validation_loss[-1] == result.loss


def test_only_the_steps_of_a_training_are_said_to_be_training(few):
    """By that `Dropout` knows when to silence."""

    class Spy(Layer):
        def forward(self, X, training=False):
            asked.append((len(X), training))
            return X

        def backward(self, d_output, input_gradient=True):
            return d_output

    asked = []
    network = Network([Spy(), Dense(784, 10)], loss=SoftmaxCrossEntropy(), seed=0)
    run(few, network, validation=few[:100], batch_size=150, epochs=1)
    tried, steps, validated = asked[:2], asked[2:4], asked[4:]
    assert tried == [(2, False), (2, False)]
    assert steps == [(150, True), (50, True)]
    assert validated == [(100, False)]


def with_dropout(seed=0):
    layers = [Dropout(0.2), Dense(784, 16), ReLU(), Dropout(0.5), Dense(16, 10)]
    return Network(layers, loss=SoftmaxCrossEntropy(), seed=seed)


def test_dropout_is_repeatable_and_draws_other_masks_each_step(few):
    masks = []
    network = with_dropout()
    again = run(
        few, network, after_step=lambda net: masks.append(net.layers[3].M.copy())
    )
    assert same(again, run(few, with_dropout()))
    assert len({mask.tobytes() for mask in masks}) == len(masks) == 14
    assert set(np.unique(masks[0])) == {0, 2}


def test_a_network_with_dropout_is_evaluated_with_all_its_neurons(few, digits):
    network, history = run(few, with_dropout(), validation=digits.validation)
    result = network.evaluate(digits.validation)
    assert history.validation_loss[-1] == result.loss
    plain = made()
    for place, of in (("0", "1"), ("2", "4")):
        for name in "Wb":
            W = network.parameters[f"{of}.{name}"]
            plain.parameters[f"{place}.{name}"][...] = W
    assert plain.evaluate(digits.validation) == result


# A look after each step -----------------------------------------------------------


def test_a_look_after_each_step_sees_the_step_done_and_its_gradients(few):
    network = made(dtype=np.float64)
    before = [{name: W.copy() for name, W in network.parameters.items()}]

    def look(seen):
        assert seen is network
        for name, W in seen.parameters.items():
            moved = before[-1][name] - 0.1 * seen.gradients[name]
            np.testing.assert_allclose(W, moved, rtol=1e-12, atol=1e-15)
            assert not np.array_equal(W, before[-1][name])
        before.append({name: W.copy() for name, W in seen.parameters.items()})

    _, history = run(few, network, optimizer=SGD(0.1), after_step=look)
    assert len(before) - 1 == len(history.batch_loss) == 14


def test_a_look_after_each_step_changes_nothing(few, digits):
    settings = {"validation": digits.validation, "optimizer": Adam()}
    seen = []
    looked = run(few, after_step=seen.append, **settings)
    settings["optimizer"] = Adam()
    assert same(looked, run(few, **settings))
    assert len(seen) == 14


# Early stopping -------------------------------------------------------------------


class Scripted(SoftmaxCrossEntropy):
    """Gives, for each validation in turn, a loss that a test has thought of."""

    def __init__(self, losses):
        self.losses = iter(losses)

    def forward(self, outputs, targets):
        loss = super().forward(outputs, targets)
        return next(self.losses) if len(outputs) == 123 else loss


def scripted(few, losses, **changed):
    """Train with such losses; return what `train` does, and the weights by epoch."""
    network = Network([Dense(784, 10)], loss=Scripted(losses), seed=0)
    seen = []

    def look(net):
        seen.append(weights(net))

    validation = few[:123]
    _, history = run(few, network, validation=validation, after_step=look, **changed)
    return network, history, seen[6::7]


@pytest.mark.parametrize(
    ("losses", "patience", "ended", "best"),
    [
        ([5, 4, 3, 4, 4, 1], 2, 5, 3),
        ([5, 4, 3, 4, 4, 1], 1, 4, 3),
        ([5, 4, 3, 4, 4, 1], 3, 6, 6),
        ([5, 5, 5, 5, 5, 5], 3, 4, 1),  # as small is not smaller
        ([5, 4, 4, 3, 3, 3], 2, 6, 4),  # the waiting starts anew
        ([1, 2, 1, 0.5, 3, 4], 2, 3, 1),
        ([5, 6, 5.5, 4, 4.5, 4.2], 9, 6, 4),  # patience outlasts the training
        ([6, 5, 4, 3, 2, 1], 1, 6, 6),
    ],
)
def test_patience_ends_in_time_with_the_best_weights(
    few, losses, patience, ended, best
):
    network, history, by_epoch = scripted(few, losses, patience=patience, epochs=6)
    assert len(history.training_loss) == len(by_epoch) == ended
    assert history.validation_loss.tolist() == losses[:ended]
    assert history.best_epoch == best
    assert weights(network) == by_epoch[best - 1]


def test_with_patience_the_network_has_its_smallest_validation_loss(few, digits):
    network = made()
    settings = {"validation": digits.validation, "epochs": 40, "patience": 3}
    _, history = run(few, network, **settings)
    assert len(history.validation_loss) < 40
    assert history.best_epoch == history.validation_loss.argmin() + 1
    best = network.evaluate(digits.validation)
    assert best.loss == history.validation_loss.min()
    assert best.accuracy == history.validation_accuracy[history.best_epoch - 1]


def test_patience_changes_no_step(few, digits):
    settings = {"validation": digits.validation, "epochs": 3}
    plain, _ = weights_by_step(few, **settings)
    patient, _ = weights_by_step(few, **settings, patience=3)
    assert plain == patient


def test_without_patience_the_last_weights_stay(few):
    network, history, by_epoch = scripted(few, [1, 2, 3], epochs=3)
    assert history.best_epoch is None
    assert weights(network) == by_epoch[-1]


def test_patience_without_validation_is_refused(few):
    with pytest.raises(InputError, match=r"patience needs validation .*validation="):
        run(few, patience=2)


@pytest.mark.parametrize("patience", [0, -1, 2.5])
def test_a_patience_that_is_no_number_of_epochs_is_refused(few, patience):
    with pytest.raises(InputError, match=rf"patience must be .* 1, but is {patience}"):
        run(few, validation=few, patience=patience)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_validation_loss_that_is_no_number_is_not_waited_out(few, wrong):
    with pytest.raises(
        TrainingError, match=rf"validation loss became {wrong} at st.*14"
    ):
        scripted(few, [5, wrong, 4, 3], patience=2, epochs=4)


# Ctrl-C ---------------------------------------------------------------------------

posix = pytest.mark.skipif(os.name != "posix", reason="a signal is another thing there")


@pytest.fixture(autouse=True)
def handler():
    """See that each test leaves Ctrl-C to whom it belonged before."""
    before = signal.getsignal(signal.SIGINT)
    yield before
    after = signal.signal(signal.SIGINT, before)
    assert after is before


def ctrl_c(step, times=1):
    """Return an ``after_step`` that sends a real SIGINT at a step."""
    steps = []

    def send(network):
        steps.append(1)
        if len(steps) == step:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    return send


@posix
@pytest.mark.parametrize("step", [1, 5, 7, 9, 14])
def test_ctrl_c_comes_through_after_a_whole_step_and_what_was_learned_stays(few, step):
    network = made()
    with pytest.raises(KeyboardInterrupt):
        run(few, network, optimizer=Adam(), after_step=ctrl_c(step))
    by_step, _ = weights_by_step(few, optimizer=Adam())
    assert weights(network) == by_step[step - 1]


@posix
def test_ctrl_c_ends_a_loop_over_trainings(few):
    begun = []

    def sweep():
        for rate in (0.1, 0.2, 0.3):
            begun.append(rate)
            run(few, optimizer=SGD(rate), after_step=ctrl_c(3))

    with pytest.raises(KeyboardInterrupt):
        sweep()
    assert begun == [0.1]


@posix
def test_a_step_of_one_s_own_is_whole_as_well(few):
    """The signal comes while the optimizer moves the first of the parameters."""

    class Interrupted(SGD):
        def move(self, name, *rest):
            if name == "0.W":
                os.kill(os.getpid(), signal.SIGINT)
            super().move(name, *rest)

    networks = made(), made()
    with pytest.raises(KeyboardInterrupt):
        train_step(networks[0], few.inputs[:5], few.targets[:5], Interrupted(0.1))
    train_step(networks[1], few.inputs[:5], few.targets[:5], SGD(0.1))
    assert weights(networks[0]) == weights(networks[1])


@posix
def test_after_ctrl_c_the_last_weights_stay_even_with_patience(few, digits):
    settings = {"validation": digits.validation, "patience": 5, "epochs": 3}
    network = made()
    with pytest.raises(KeyboardInterrupt):
        run(few, network, after_step=ctrl_c(18), **settings)
    by_step, _ = weights_by_step(few, **settings)
    assert weights(network) == by_step[17]


@posix
@pytest.mark.parametrize("spoiled", [False, True])
def test_ctrl_c_belongs_to_the_training_only_while_it_runs(few, handler, spoiled):
    heard, inside = [], []

    def mine(number, frame):
        heard.append(number)

    signal.signal(signal.SIGINT, mine)
    try:
        if spoiled:
            with pytest.raises(TrainingError):
                run(few, made(loss=MeanSquaredError), optimizer=SGD(1e20))
        else:
            run(
                few,
                after_step=lambda _: inside.append(signal.getsignal(signal.SIGINT)),
            )
            assert mine not in inside
        assert signal.getsignal(signal.SIGINT) is mine
        os.kill(os.getpid(), signal.SIGINT)
        assert heard == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, handler)


@posix
def test_where_ctrl_c_is_ignored_it_stays_ignored(few, handler):
    """So are the workers of a sweep: a cut training must not count as a result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        found = run(few, after_step=ctrl_c(3))
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, handler)
    assert same(found, run(few))


def test_a_thread_other_than_the_main_one_trains_alike(few):
    found = []
    thread = threading.Thread(target=lambda: found.append(run(few)))
    thread.start()
    thread.join()
    assert same(found[0], run(few))


STOPPED = """
import sys, time
from backprop import SGD, Dense, Network, ReLU, SoftmaxCrossEntropy, load_mnist, train

def look(network):
    print("step", flush=True)
    time.sleep(0.01)

layers = [Dense(784, 16), ReLU(), Dense(16, 10)]
network = Network(layers, loss=SoftmaxCrossEntropy(), seed=0)
few = load_mnist("embedded").train[:200]
steps = []
try:
    train(network, few, optimizer=SGD(0.1, 0.9), epochs=1000, batch_size=32,
          before_step=steps.append, after_step=look)
except KeyboardInterrupt:
    network.save(sys.argv[1])
    print("interrupted", len(steps))
"""


@posix
def test_ctrl_c_stops_a_program_between_two_steps(few, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(tmp_path / "weights.npz")],
        env={**os.environ, "TQDM_DISABLE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for _ in range(10):
            assert process.stdout.readline() == "step\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    interrupted, steps = out.splitlines()[-1].split()
    assert interrupted == "interrupted"
    assert 10 <= int(steps) < 7000
    network = made()
    network.load(tmp_path / "weights.npz")
    by_step, _ = weights_by_step(few, epochs=-(-int(steps) // 7))
    assert weights(network) == by_step[int(steps) - 1]


# Memory ---------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9, weight_decay=1e-4), Adam()])
def test_a_training_needs_little_memory_and_no_more_from_step_to_step(
    digits, optimizer
):
    layers = [Dense(784, 100), ReLU(), Dense(100, 10)]
    network = Network(layers, loss=SoftmaxCrossEntropy(), seed=0)
    settings = {"optimizer": optimizer, "batch_size": 128, "epochs": 2}
    held, peaks = [], []

    def look(network):
        now, peak = tracemalloc.get_traced_memory()
        held.append(now)
        peaks.append(peak)
        tracemalloc.reset_peak()

    run(digits.train[:256], network, **settings)  # what is made once is made
    tracemalloc.start()
    try:
        run(digits.train, network, validation=digits.validation, **settings)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000  # the data: 12.5 MB
        run(digits.train, network, after_step=look, **settings)
    finally:
        tracemalloc.stop()
    per_epoch = len(held) // 2
    held, peaks = held[2:per_epoch], peaks[2:per_epoch]
    assert held[-1] - held[0] < 5_000  # a loss a step
    assert max(peaks) - held[0] < 1_000_000  # a batch of images has 400,000


# Wrong input ----------------------------------------------------------------------


def test_an_empty_data_set_is_refused(few):
    with pytest.raises(InputError, match="train, data: the data set is empty"):
        run(few[:0])


@pytest.mark.parametrize("epochs", [0, -1])
def test_less_than_one_epoch_is_refused(few, epochs):
    with pytest.raises(InputError, match=rf"epochs must be .* 1, but is {epochs}\."):
        run(few, epochs=epochs)


@pytest.mark.parametrize("size", [0, -32])
def test_a_batch_size_below_one_is_refused(few, size):
    with pytest.raises(InputError, match=rf"batch_size must be .* 1, but is {size}\."):
        run(few, batch_size=size)


@pytest.mark.parametrize("seed", [-1, None, "0", 0.0])
def test_a_seed_that_repeats_nothing_is_refused(few, seed):
    with pytest.raises(
        InputError, match=rf"seed must be .* least 0, but is {seed!r}\."
    ):
        run(few, seed=seed)


@pytest.mark.parametrize("setting", ["epochs", "batch_size"])
def test_a_number_that_is_not_whole_is_refused(few, setting):
    with pytest.raises(InputError, match=rf"{setting} must be .* but is 2\.5"):
        run(few, **{setting: 2.5})


def test_images_without_as_many_labels_are_refused(few):
    with pytest.raises(InputError, match=r"200 inputs and 199 targets"):
        run(Dataset(few.inputs, few.targets[:-1]))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_nan_or_infinity_in_the_data_is_refused_before_any_step(few, wrong):
    images = few.inputs.copy()
    images[17, 3] = wrong
    network = made()
    with pytest.raises(InputError, match=r"X holds NaN or infinity, first in row 17\."):
        run(Dataset(images, few.targets), network)
    for name, W in made().parameters.items():
        np.testing.assert_array_equal(network.parameters[name], W)


def test_raw_pixels_are_refused_with_the_remedy(few):
    pixels = (few.inputs * 255).astype(np.uint8)
    with pytest.raises(InputError, match=r"X is uint8\. .* X / 255"):
        run(Dataset(pixels, few.targets))


def test_images_of_another_width_name_the_layer(few):
    with pytest.raises(
        InputError, match=r"Dense\(784, 16\): X must have .*784\).*\(2, 100\)"
    ):
        run(Dataset(few.inputs[:, :100], few.targets))


WRONG = {
    "empty": (lambda split: split[:0], r"the data set is empty"),
    "width": (
        lambda split: Dataset(split.inputs[:, :100], split.targets),
        r"\(batch, 784",
    ),
    "label": (
        lambda split: Dataset(split.inputs, np.append(split.targets[1:], 11)),
        "11",
    ),
    "negative": (
        lambda split: Dataset(split.inputs, np.append(split.targets[1:], -3)),
        r"label -3",
    ),
    "float": (lambda split: Dataset(split.inputs, split.targets / 2), "whole numbers"),
    "nan": (lambda split: Dataset(split.inputs + np.nan, split.targets), "X holds NaN"),
}


@pytest.mark.parametrize(("spoil", "told"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("which", ["data", "validation"])
def test_a_wrong_split_is_named_before_the_first_step(few, which, spoil, told):
    splits = {"data": few, "validation": few} | {which: spoil(few)}
    network = made()
    with pytest.raises(InputError, match=rf"^train, {which}:.*{told}"):
        run(splits["data"], network, validation=splits["validation"])
    for name, W in made().parameters.items():
        np.testing.assert_array_equal(network.parameters[name], W)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_targets_that_are_no_numbers_are_refused_before_any_step(few, wrong):
    targets, network = np.zeros((200, 10)), made(loss=MeanSquaredError)
    targets[17, 3] = wrong
    with pytest.raises(InputError, match=r"data: y holds NaN .* in row 17\."):
        run(Dataset(few.inputs, targets), network)
    for name, W in made().parameters.items():
        np.testing.assert_array_equal(network.parameters[name], W)


def test_float_targets_are_learned_and_have_no_accuracy(few):
    data = Dataset(few.inputs, np.eye(10)[few.targets])
    network = made(loss=MeanSquaredError)
    _, history = run(data, network, validation=data, optimizer=SGD(0.01))
    _, same_by_label = run(few, made(loss=MeanSquaredError), optimizer=SGD(0.01))
    np.testing.assert_array_equal(history.batch_loss, same_by_label.batch_loss)
    assert np.isnan(history.validation_accuracy).all()
    assert np.isfinite(history.validation_loss).all()


def test_histories_are_compared_without_a_traceback(few):
    """By identity: arrays have no single answer to ==."""
    (_, first), (_, second) = run(few), run(few)
    assert first == first
    assert first != second


@pytest.mark.parametrize("label", [-1, 10])
def test_labels_out_of_range_are_refused(few, label):
    labels = few.targets.copy()
    labels[5] = label
    with pytest.raises(InputError, match=rf"from 0 to 9, .* label {label}\."):
        run(Dataset(few.inputs, labels))


def test_float_labels_are_refused_with_the_remedy(few):
    with pytest.raises(InputError, match=r"Labels must be whole .*labels\.astype\(int"):
        run(Dataset(few.inputs, few.targets.astype(float)))


# A loss that is no number ---------------------------------------------------------


def test_a_loss_that_became_nan_is_located_and_explained(few):
    with pytest.raises(TrainingError) as caught:
        run(few, made(loss=MeanSquaredError), optimizer=SGD(1e20), epochs=5)
    message = str(caught.value)
    assert re.match(r"The loss became (inf|nan) at step [2-7] \(epoch 1\);", message)
    assert "learning rate is too high (try a tenth of it" in message
    assert "SGD(learning_rate=1e+20)" in message
    assert "inputs are not scaled to [0, 1]" in message
    assert "initial weights are too large" in message
    assert message.endswith("build a new network and a new optimizer.")


def test_weights_spoiled_by_the_very_last_step_are_seen(few):
    """No loss is computed after it."""
    settings = {"optimizer": SGD(1e38), "epochs": 1, "batch_size": 200}
    with pytest.raises(
        TrainingError, match=r"A weight became NaN or infinite at step 1 \(epoch 1\);"
    ):
        run(few, made(loss=Huge), **settings)


class Huge(SoftmaxCrossEntropy):
    """Its gradients are too large for a step."""

    def backward(self):
        return super().backward() * np.float32(1e30)


def test_a_validation_loss_that_is_no_number_is_divergence(few):
    class Fails(SoftmaxCrossEntropy):
        def forward(self, outputs, targets):
            loss = super().forward(outputs, targets)
            return float("inf") if len(outputs) == 123 else loss

    network = made(loss=Fails)
    with pytest.raises(
        TrainingError, match=r"The validation loss became inf at step 7 \(epoch 1\);"
    ):
        run(few, network, validation=few[:123])


def test_a_spoiled_network_is_not_trained_on(few):
    network = made()
    network.parameters["2.b"][3] = np.nan
    with pytest.raises(TrainingError, match=r"loss is nan before the first .*weights"):
        run(few, network)
    assert np.isnan(network.parameters["2.b"]).sum() == 1


def test_a_loss_that_is_no_number_at_step_1_is_not_blamed_on_the_rate(few):
    class Fails(SoftmaxCrossEntropy):
        def forward(self, outputs, targets):
            loss = super().forward(outputs, targets)
            return float("nan") if len(outputs) == 32 else loss

    with pytest.raises(
        TrainingError, match=r"nan at step 1 .*weights .*or targets"
    ) as e:
        run(few, made(loss=Fails))
    assert "rate" not in str(e.value)


@pytest.mark.parametrize(("step", "epoch"), [(1, 1), (7, 1), (8, 2), (14, 2)])
def test_the_step_and_the_epoch_of_a_nan_are_right(few, step, epoch):
    class Fails(SoftmaxCrossEntropy):
        calls = 0

        def forward(self, outputs, targets):
            self.calls += 1
            loss = super().forward(outputs, targets)
            # `train` tries the loss once before the first step.
            return float("nan") if self.calls == step + 1 else loss

    with pytest.raises(TrainingError, match=rf"nan at step {step} \(epoch {epoch}\)"):
        run(few, made(loss=Fails))
