"""Checkpoints: a training that was cut goes on to the last bit, or says why not."""

import functools
import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from backprop import (
    SGD,
    Adam,
    AdamW,
    Dataset,
    Dense,
    Dropout,
    InputError,
    Network,
    ReLU,
    SavedFileError,
    Shift,
    SoftmaxCrossEntropy,
    Tanh,
    Warp,
    cosine,
    linear,
    load_mnist,
    one_cycle,
    train,
)
from backprop.pruning import Mask, magnitude_masks

posix = pytest.mark.skipif(os.name != "posix", reason="a signal is another thing there")


def dense(seed=3, dtype=np.float32):
    layers = [Dense(784, 16), ReLU(), Dense(16, 10)]
    return Network(layers, loss=SoftmaxCrossEntropy(), seed=seed, dtype=dtype)


def dropping():
    layers = [Dropout(0.2), Dense(784, 16), ReLU(), Dropout(0.5), Dense(16, 10)]
    return Network(layers, loss=SoftmaxCrossEntropy(), seed=3)


def masked(network, optimizer):
    hold = Mask(magnitude_masks(network, keep=0.4))
    return {"optimizer": optimizer, "before_step": hold}


KINDS = {
    "momentum": (dense, lambda net: {"optimizer": SGD(0.05, 0.9)}),
    "adam": (
        dense,
        lambda net: {"optimizer": AdamW(weight_decay=0.1), "schedule": one_cycle},
    ),
    "dropout": (dropping, lambda net: {"optimizer": SGD(0.05, 0.9, nesterov=True)}),
    "warp": (
        dense,
        lambda net: {"optimizer": SGD(0.05), "augment": Warp(1, 0.1, 0.4)},
    ),
    "patience": (
        dense,
        lambda net: {"optimizer": SGD(0.5, 0.9), "validation": True, "patience": 1},
    ),
    "masked": (dense, lambda net: masked(net, SGD(0.05, 0.9, weight_decay=0.01))),
    "all at once": (
        dropping,
        lambda net: {
            **masked(net, Adam(0.002)),
            "augment": Warp(1, 0.1, 0.4),
            "schedule": cosine,
            "validation": True,
            "patience": 2,
        },
    ),
}


@functools.cache
def embedded():
    return load_mnist("embedded")


def fresh(kind, **changed):
    """Return a network and the settings of a training, new as in another session.

    200 examples in batches of 32 are 7 steps an epoch, the last one smaller.
    """
    digits = embedded()
    build, settings_for = KINDS[kind]
    network = build()
    settings = {"epochs": 3, "batch_size": 32, "progress": False}
    settings |= settings_for(network)
    if settings.get("validation"):
        settings["validation"] = digits.validation
    return network, {"data": digits.train[:200]} | settings | changed


def run(trained, **changed):
    """Train; return the history."""
    network, settings = trained
    return train(network, **settings | changed)


def outcome(trained, history):
    """Return all that a training left behind, as bytes by name; times are left out."""
    network, settings = trained
    arrays = {f"weights {name}": W for name, W in network.parameters.items()}
    for name, parts in settings["optimizer"].state.items():
        arrays |= {f"state {name} {part}": array for part, array in parts.items()}
    for name in ("batch_loss", "training_loss"):
        arrays[name] = getattr(history, name)
    for name in ("validation_loss", "validation_accuracy"):
        arrays[name] = getattr(history, name)
    found = {name: (array.shape, array.tobytes()) for name, array in arrays.items()}
    return found | {
        "generator": network.rng.bit_generator.state,
        "best epoch": history.best_epoch,
    }


@functools.cache
def uninterrupted(kind):
    """Return what a training leaves behind that nothing cuts and no file keeps."""
    trained = fresh(kind)
    return outcome(trained, run(trained))


def at_step(step, act):
    """Return an ``after_step`` that acts once."""
    steps = []

    def after(network):
        steps.append(1)
        if len(steps) == step:
            act()

    return after


def ctrl_c(step):
    return at_step(step, lambda: os.kill(os.getpid(), signal.SIGINT))


class StopHereError(Exception):
    """What cuts a training where nobody asked it to end."""


def stop(step):
    def act():
        raise StopHereError

    return at_step(step, act)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "training.npz"


@pytest.fixture
def cut(path):
    """Return the file of a training that was cut in its second epoch."""
    with pytest.raises(StopHereError):
        run(fresh("all at once"), checkpoint=path, after_step=stop(10))
    return path


# Going on -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_keeping_checkpoints_changes_nothing(path, kind):
    trained = fresh(kind)
    history = run(trained, checkpoint=path)
    assert outcome(trained, history) == uninterrupted(kind)
    assert os.listdir(path.parent) == [path.name]


@posix
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [1, 7, 10], ids="step {}".format)
def test_after_ctrl_c_a_new_session_goes_on_to_the_last_bit(path, kind, step):
    """In the first epoch, at its end, and in the next one: the whole epochs count."""
    with pytest.raises(KeyboardInterrupt):
        run(fresh(kind), checkpoint=path, after_step=ctrl_c(step))
    trained, seen = fresh(kind), []
    history = run(trained, checkpoint=path, after_step=seen.append)
    assert outcome(trained, history) == uninterrupted(kind)
    assert len(seen) == len(history.batch_loss) - (7 if step > 7 else 0)


@posix
@pytest.mark.parametrize("kind", KINDS)
def test_a_training_cut_again_and_again_goes_on_in_the_same_session(path, kind):
    """Network and optimizer have gone on living, but what counts is the file."""
    trained = fresh(kind)
    for step in (8, 3):
        with pytest.raises(KeyboardInterrupt):
            run(trained, checkpoint=path, after_step=ctrl_c(step))
        for W in trained[0].parameters.values():
            W += 1
        trained[0].rng.random()
    history = run(trained, checkpoint=path)
    assert outcome(trained, history) == uninterrupted(kind)


def test_an_optimizer_that_moved_another_network_before_goes_on_from_the_file(cut):
    _, other = fresh("all at once")
    network, settings = fresh("all at once")
    other["optimizer"].step(network)
    trained = dropping(), settings | {"optimizer": other["optimizer"]}
    history = run(trained, checkpoint=cut)
    assert outcome(trained, history) == uninterrupted("all at once")


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_learned_since_the_last_checkpoint_is_learned_again(path, kind):
    with pytest.raises(StopHereError):
        run(fresh(kind), checkpoint=path, after_step=stop(10))
    trained, seen = fresh(kind), []
    history = run(trained, checkpoint=path, after_step=seen.append)
    assert outcome(trained, history) == uninterrupted(kind)
    assert len(seen) == len(history.batch_loss) - 7


ASKED = []


def asking(progress):
    """Be a schedule that notes what it is asked."""
    ASKED.append(progress)
    return 1 - progress


def test_the_schedule_goes_on_where_it_was(path):
    settings = {"checkpoint": path, "schedule": asking}
    with pytest.raises(StopHereError):
        run(fresh("momentum"), after_step=stop(10), **settings)
    ASKED.clear()
    run(fresh("momentum"), **settings)
    np.testing.assert_array_equal(ASKED, np.arange(7, 21) / 21)


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("schedule", {"schedule": lambda progress: 1.0}),
        ("augment", {"augment": lambda images, rng: images}),
    ],
)
def test_a_function_without_a_name_cannot_be_told_from_others(path, name, setting):
    told = f"^train, {name}, with a checkpoint: <function <lambda>.*Give it a name"
    with pytest.raises(InputError, match=told):
        run(fresh("momentum"), checkpoint=path, **setting)
    assert not path.exists()


def test_more_epochs_go_on_from_fewer_where_the_rate_is_constant(path):
    run(fresh("momentum"), checkpoint=path)
    trained, seen = fresh("momentum", epochs=5), []
    history = run(trained, checkpoint=path, after_step=seen.append)
    at_once = fresh("momentum", epochs=5)
    assert outcome(trained, history) == outcome(at_once, run(at_once))
    assert len(seen) == 2 * 7
    with pytest.raises(SavedFileError, match=r"its epochs is 5, .* is 4"):
        run(fresh("momentum", epochs=4), checkpoint=path)


def test_two_trainings_on_one_file_are_noticed(path):
    """The one that comes second would undo what the first has kept."""

    def intrude():
        run(fresh("momentum", epochs=1), checkpoint=path)

    with pytest.raises(SavedFileError, match="was written by another training"):
        run(
            fresh("momentum"),
            checkpoint=path,
            after_step=at_step(3, intrude),
        )


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import test_checkpoints as tests

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def die_writing(file, **arrays):
    if len(arrays["batch_loss"]) < 14:
        return savez(file, **arrays)
    file.write(b"half of it")
    file.flush()
    die()

after_step = None
if sys.argv[3] == "in a step":
    after_step = tests.at_step(10, die)
else:
    np.savez, savez = die_writing, np.savez
tests.run(tests.fresh("all at once"), checkpoint=sys.argv[2], after_step=after_step)
"""


@posix
@pytest.mark.parametrize("when", ["in a step", "writing"])
def test_a_process_that_was_killed_has_left_a_whole_checkpoint(path, when):
    """In the second epoch, or while its end is being written down."""
    here = str(Path(__file__).parent)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, here, str(path), when],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (killed.returncode, killed.stderr) == (-signal.SIGKILL, "")
    trained, seen = fresh("all at once"), []
    history = run(trained, checkpoint=path, after_step=seen.append)
    assert outcome(trained, history) == uninterrupted("all at once")
    assert len(seen) == 14


@pytest.mark.parametrize("kind", KINDS)
def test_a_finished_training_is_there_at_once(path, kind):
    """Also one that had waited enough and ended before its last epoch."""
    run(fresh(kind), checkpoint=path)
    content = path.read_bytes()
    trained, seen = fresh(kind), []
    history = run(trained, checkpoint=path, after_step=seen.append)
    assert seen == []
    assert outcome(trained, history) == uninterrupted(kind)
    assert path.read_bytes() == content


def test_the_training_with_patience_does_end_early():
    """Else the test above would not see what it says."""
    shape, _ = uninterrupted("patience")["validation_loss"]
    assert shape < (3,)


@posix
def test_ctrl_c_in_the_last_step_leaves_the_best_weights_to_the_next_session(path):
    """The interrupted one keeps its last weights; the finished one takes the best."""
    settings = {"checkpoint": path, "patience": 2, "epochs": 2}
    first = fresh("patience")
    with pytest.raises(KeyboardInterrupt):
        run(first, after_step=ctrl_c(14), **settings)
    again, uncut = fresh("patience"), fresh("patience")
    history = run(again, **settings)
    expected = run(uncut, **settings | {"checkpoint": None})
    assert outcome(again, history) == outcome(uncut, expected)
    W = "0.W"
    assert not np.array_equal(first[0].parameters[W], again[0].parameters[W])


def test_a_path_may_be_text(path):
    run(fresh("momentum"), checkpoint=str(path))
    assert path.exists()


def test_a_checkpoint_holds_no_pickles(cut):
    with np.load(cut, allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


# Another training -----------------------------------------------------------------


def changed_label(split):
    return Dataset(split.inputs, np.append(split.targets[:-1], 9 - split.targets[-1]))


def changed_pixel(split):
    images = split.inputs.copy()
    images[-1, -1] += 0.5
    return Dataset(images, split.targets)


def other_layers():
    layers = [Dropout(0.2), Dense(784, 16), Tanh(), Dropout(0.5), Dense(16, 10)]
    return Network(layers, loss=SoftmaxCrossEntropy(), seed=3)


def other_seed():
    layers = [Dropout(0.2), Dense(784, 16), ReLU(), Dropout(0.5), Dense(16, 10)]
    return Network(layers, loss=SoftmaxCrossEntropy(), seed=4)


def other_type():
    layers = [Dropout(0.2), Dense(784, 16), ReLU(), Dropout(0.5), Dense(16, 10)]
    return Network(layers, SoftmaxCrossEntropy(), seed=3, dtype=np.float64)


OTHERS = {
    "layers": ("layers", r".*ReLU.* this one is .*Tanh", other_layers, {}),
    "type": ("type", r"float32.* this one is .*float64", other_type, {}),
    "network's seed": ("network's seed", "3, .* one is 4", other_seed, {}),
    "label": (
        "data",
        r"Dataset\(inputs=float32 array of shape \(200, 784\)",
        None,
        {"data": changed_label},
    ),
    "pixel": (
        "data",
        r"Dataset\(inputs=float32 array of shape \(200, 784\)",
        None,
        {"data": changed_pixel},
    ),
    "fewer": (
        "data",
        r"Dataset.*\(200, 784\).*\(199, 784\)",
        None,
        {"data": lambda split: split[:199]},
    ),
    "validation": (
        "validation",
        r"Dataset.*\(500, 784\)",
        None,
        {"validation": changed_label},
    ),
    "rate": (
        "optimizer",
        r".*0\.002.*0\.003",
        None,
        {"optimizer": lambda _: Adam(0.003)},
    ),
    "optimizer": (
        "optimizer",
        r"Adam\(.* is SGD\(",
        None,
        {"optimizer": lambda _: SGD(0.1)},
    ),
    "epochs": ("epochs", "3, .* is 4.*falls", None, {"epochs": lambda _: 4}),
    "batch": ("batch_size", "32, .* is 31", None, {"batch_size": lambda _: 31}),
    "schedule": (
        "schedule",
        r"schedules.cosine, .* is schedules.linear",
        None,
        {"schedule": lambda _: linear},
    ),
    "augment": (
        "augment",
        r"Warp\(.* is Shift\(pixels=1\)",
        None,
        {"augment": lambda _: Shift(1)},
    ),
    "patience": ("patience", "2, .* is 3", None, {"patience": lambda _: 3}),
    "no patience": ("patience", "2, .* None", None, {"patience": lambda _: None}),
    "seed": ("seed", "0, .* is 1", None, {"seed": lambda _: 1}),
}


def unchanged_by(path, match, trained=None):
    """Train with a file that cannot serve: one clear error, no step, nothing moved."""
    network, settings = fresh("all at once") if trained is None else trained
    before = {name: W.copy() for name, W in network.parameters.items()}
    state, content = network.rng.bit_generator.state, path.read_bytes()
    seen = []
    with pytest.raises(SavedFileError, match=match) as caught:
        run((network, settings), checkpoint=path, after_step=seen.append)
    assert str(path) in str(caught.value)
    for name, W in network.parameters.items():
        np.testing.assert_array_equal(W, before[name])
    assert network.rng.bit_generator.state == state
    assert seen == []
    assert path.read_bytes() == content
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("name", "told", "build", "changes"), OTHERS.values(), ids=OTHERS
)
def test_another_training_is_refused_and_what_differs_is_named(
    cut, name, told, build, changes
):
    network, settings = fresh("all at once")
    network = network if build is None else build()
    settings["seed"] = 0
    for setting, change in changes.items():
        settings[setting] = change(settings[setting])
    match = rf"belongs to another training: its {name} is {told}.*(another|new) file"
    unchanged_by(cut, match, (network, settings))


def test_another_training_leaves_the_state_of_its_optimizer(cut):
    network, settings = fresh("momentum")
    run((network, settings))
    before = settings["optimizer"].state["0.W"]["v"].copy()
    unchanged_by(cut, "another training", (network, settings))
    np.testing.assert_array_equal(settings["optimizer"].state["0.W"]["v"], before)


def test_numbers_of_numpy_are_the_same_settings(path):
    numbers = {"epochs": np.int64(3), "batch_size": np.int32(32), "seed": np.uint8(0)}
    with pytest.raises(StopHereError):
        run(fresh("momentum"), checkpoint=path, after_step=stop(10), **numbers)
    trained = fresh("momentum")
    assert outcome(trained, run(trained, checkpoint=path)) == uninterrupted("momentum")


class Invert:
    """An augmentation that says nothing of itself, as classes do by default."""

    def __call__(self, images, rng):
        return 1 - images


class Another(SoftmaxCrossEntropy):
    """A loss like that."""

    __repr__ = object.__repr__


def slowly(power, progress):
    return (1 - progress) ** power


def test_what_has_no_name_is_the_same_setting_in_another_session(path):
    """Python tells of such objects by their address, another one in each session."""

    def trained():
        network = Network([Dense(784, 10)], loss=Another(), seed=0)
        _, settings = fresh("momentum")
        settings |= {"augment": Invert(), "schedule": functools.partial(slowly, 2)}
        return network, settings

    first, second, uncut = trained(), trained(), trained()
    with pytest.raises(StopHereError):
        run(first, checkpoint=path, after_step=stop(10))
    again = outcome(second, run(second, checkpoint=path))
    assert again == outcome(uncut, run(uncut))


# Files that are no checkpoint -----------------------------------------------------


def rewrite(path, **changed):
    """Replace some arrays of a file; None leaves one out."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files} | changed
    with path.open("wb") as file:
        kept = {name: array for name, array in arrays.items() if array is not None}
        np.savez(file, **kept)


@pytest.mark.parametrize("kept", [0, 1, 100, -100, -22, -1])
def test_a_truncated_file_is_refused_with_the_remedy(cut, kept):
    cut.write_bytes(cut.read_bytes()[:kept])
    unchanged_by(cut, r"is not a checkpoint of a training, or only .* Delete it and tr")


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04 not a zip", b"loss,accuracy\n0.1,0.9\n", pickle.dumps({"W": 1})],
    ids=["broken zip", "text", "pickle"],
)
def test_a_file_of_another_kind_is_refused(path, content):
    path.write_bytes(content)
    unchanged_by(path, "is not a checkpoint of a training")


def test_a_saved_network_is_no_checkpoint(path):
    dropping().save(path)
    unchanged_by(path, r"not a checkpoint .*format 'backprop network 2', expected 'ba")


def test_arrays_of_another_program_are_refused(path):
    np.savez(path, W=np.zeros(3))
    unchanged_by(path, r"is not a checkpoint of a training \(format 'None'")


def test_a_folder_is_no_checkpoint(tmp_path):
    with pytest.raises(SavedFileError, match="is a folder; name the file inside it"):
        run(fresh("momentum"), checkpoint=tmp_path)


def test_a_file_that_unpacks_to_more_is_refused(cut):
    np.savez_compressed(cut, zeros=np.zeros(1_000_000))
    unchanged_by(cut, r"is not a checkpoint of a training: its .* would unpack to 8,0")


def test_a_file_with_pickles_is_refused_and_runs_nothing(cut):
    ran = []

    class Trap:
        def __reduce__(self):
            return (ran.append, (1,))

    rewrite(cut, settings=np.array([Trap()], object))
    unchanged_by(cut, r"damaged or not a checkpoint of a training \(Object arrays can")
    assert ran == []


def test_whichever_byte_is_spoiled_the_training_is_right_or_refused(cut):
    """A spoiled byte may stand where nobody reads it; it must never be believed."""
    content, refused = cut.read_bytes(), 0
    for place in range(3, len(content), len(content) // 60):
        spoiled = bytearray(content)
        spoiled[place] ^= 0x55
        cut.write_bytes(spoiled)
        trained = fresh("all at once")
        try:
            history = run(trained, checkpoint=cut)
        except SavedFileError:
            refused += 1
            continue
        assert outcome(trained, history) == uninterrupted("all at once")
    assert refused > 50


@pytest.mark.parametrize(
    "name",
    ["settings", "random", "batch_loss", "validation", "seconds", "best_epoch"],
)
@pytest.mark.parametrize("wrong", [None, np.array("text"), np.array([1j])], ids=str)
def test_a_part_that_is_missing_or_something_else_is_refused(cut, name, wrong):
    rewrite(cut, **{name: wrong})
    unchanged_by(cut, r"is damaged|belongs to another training")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("settings", "[]"),
        ("settings", "[" * 100_000),
        ("random", "7"),
        ("best_epoch", -1),
        ("best_epoch", 1000),
        ("seconds", np.nan),
        ("seconds", -1.0),
        ("seconds", [1.0]),
        ("batch_loss", 0.5),
        ("batch_loss", [[0.5]]),
        ("validation", [[[0.5]], [[0.9]]]),
        ("validation", [0.5, 0.9]),
        ("validation", [["a"], ["b"]]),
    ],
)
def test_a_part_that_makes_no_sense_is_refused(cut, name, value):
    rewrite(cut, **{name: np.array(value)})
    unchanged_by(cut, r"is damaged \(.*\)\. Delete it and train again")


@pytest.mark.parametrize("which", ["network", "training"])
@pytest.mark.parametrize(
    "state",
    [{}, {"bit_generator": "MT19937"}, [], "text", None],
    ids=json.dumps,
)
def test_a_generator_in_no_possible_state_moves_no_weight(cut, which, state):
    with np.load(cut) as file:
        random = json.loads(str(file["random"]))
    rewrite(cut, random=np.array(json.dumps(random | {which: state})))
    unchanged_by(cut, r"is damaged \(.*\)\. Delete it and train again")


@pytest.mark.parametrize(
    "name", ["learned 1.W", "best 4.b", "remembered 1.b v", "remembered 4.W t"]
)
def test_an_array_that_is_missing_or_not_finite_moves_no_weight(cut, name):
    with np.load(cut) as file:
        array = file[name]
    rewrite(cut, **{name: None})
    unchanged_by(cut, rf": {name} is missing or misshapen\.")
    rewrite(cut, **{name: np.zeros((7, 7))})
    unchanged_by(cut, rf": {name} is missing or misshapen\.")
    rewrite(cut, **{name: np.full_like(array, np.nan)})
    unchanged_by(cut, rf": {name} does not hold finite floating-point numbers only;")


# Files that cannot be written -----------------------------------------------------


def test_a_missing_folder_is_told_before_the_first_step(tmp_path):
    seen = []
    with pytest.raises(SavedFileError, match=r"there is no folder .*absent; make it"):
        run(
            fresh("momentum"),
            checkpoint=tmp_path / "absent" / "training.npz",
            after_step=seen.append,
        )
    assert seen == []


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (OSError(28, "No space left on device"), SavedFileError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(
    cut, monkeypatch, failure, told
):
    content = cut.read_bytes()

    def fail(file, **arrays):
        file.write(b"half of it")
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", fail)
        match = None if told is KeyboardInterrupt else "cannot be written .No space"
        with pytest.raises(told, match=match):
            run(fresh("all at once"), checkpoint=cut)
    assert os.listdir(cut.parent) == [cut.name]
    assert cut.read_bytes() == content
    trained = fresh("all at once")
    history = run(trained, checkpoint=cut)
    assert outcome(trained, history) == uninterrupted("all at once")
