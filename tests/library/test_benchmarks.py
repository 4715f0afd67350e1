"""The benchmark: its statistics, its files, and that all contestants do the same."""

import dataclasses
import doctest
import importlib
import json
import pkgutil
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import benchmarks
import numpy as np
import pytest
from backprop import Convolution2D
from backprop.book.recipes import cnn, mlp
from benchmarks.contestants import Settings
from benchmarks.contestants.one_by_one import OneByOne
from benchmarks.contestants.ours import Ours
from benchmarks.contestants.products import (
    Products,
    products_of_convolution,
    products_of_network,
)
from benchmarks.footprint import IMPORT, Footprint, child
from benchmarks.goals import goals
from benchmarks.layer_race import ConvolutionAlone
from benchmarks.machine import describe
from benchmarks.races import (
    AUTOGRAD,
    COMPILED,
    ONE_BY_ONE,
    OURS,
    PRODUCTS,
    PYTORCH,
    SCIKIT_LEARN,
    Race,
    RaceResult,
    UnfairRaceError,
    compare,
    missing,
    races,
    run_race,
    twin,
)
from benchmarks.report import report, save_figure
from benchmarks.results import Results, read_results, write_results
from benchmarks.run import repeated
from benchmarks.scaling import Growth, growth, runner
from benchmarks.timing import exponent, interleaved, ratio, spread
from benchmarks.to_accuracy import Finish, first_at, race_to_accuracy

HOME = Path(benchmarks.__file__).parent
NEEDS = {"pytorch": "torch", "scikit_learn": "sklearn", "hips_autograd": "autograd"}
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages([str(HOME)], "benchmarks.")
    if not module.name.endswith("__main__")
)


def imported(name):
    """Import a module of the benchmark, or skip with a sentence."""
    package = NEEDS.get(name.split(".")[-1])
    if package is not None:
        why = f"{package} is not installed; make benchmark has an environment with it"
        pytest.importorskip(package, reason=why)
    return importlib.import_module(name)


def peer(name, network, data, settings):
    """Make a contestant that needs another package, or skip."""
    if name == PYTORCH:
        module = imported("benchmarks.contestants.pytorch")
        return module.PyTorch(network, data, settings, "fused")
    if name == SCIKIT_LEARN:
        module = imported("benchmarks.contestants.scikit_learn")
        return module.ScikitLearn(network, data, settings)
    module = imported("benchmarks.contestants.hips_autograd")
    return module.Autograd(network, data, settings)


@pytest.fixture
def few(digits):
    """Return 40 images of all digits."""
    return digits.train[::100]


# Statistics -----------------------------------------------------------------------


def test_a_spread_is_the_median_and_the_quartiles():
    found = spread([5.0, 1.0, 3.0, 2.0, 4.0])
    assert (found.lower, found.median, found.upper) == (2.0, 3.0, 4.0)


def test_one_value_has_no_spread():
    found = spread([7.0])
    assert (found.lower, found.median, found.upper) == (7.0, 7.0, 7.0)


def test_everybody_runs_once_a_round_and_nobody_is_always_first():
    order = []
    runs = {name: lambda name=name: order.append(name) or 1.0 for name in "ABC"}
    interleaved(runs, rounds=3)
    assert "".join(order[:3]) == "ABC"  # to warm up
    rounds = ["".join(order[i : i + 3]) for i in range(3, len(order), 3)]
    assert rounds == ["ABC", "BCA", "CAB"]


def test_the_warming_up_is_not_counted():
    answers = iter([100.0, 1.0, 2.0])
    assert interleaved({"A": lambda: next(answers)}, rounds=2) == {"A": [1.0, 2.0]}


def test_a_ratio_is_taken_within_each_round():
    """A slow round hits both, so it does not show in their ratio."""
    assert ratio([1.0, 10.0, 1.0], [2.0, 20.0, 2.0]) == spread([0.5, 0.5, 0.5])


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_law_is_found(p):
    sizes = [8, 16, 64, 256]
    assert exponent(sizes, [3e-6 * size**p for size in sizes]) == pytest.approx(p)


# The same work --------------------------------------------------------------------


@pytest.mark.parametrize("name", [PYTORCH, SCIKIT_LEARN, AUTOGRAD])
@pytest.mark.parametrize("widths", [(784, 12, 10), (784, 9, 8, 10)])
def test_a_peer_has_our_loss_and_gradient(few, name, widths):
    network, settings = mlp(*widths, seed=0), Settings()
    contestants = {
        OURS: Ours(network, few, settings),
        name: peer(name, network, few, settings),
    }
    assert compare(contestants, OURS, few, 1e-5)[name] > 0


def test_pytorch_has_our_gradient_of_the_small_cnn(few):
    network, settings = cnn(seed=0), Settings()
    contestants = {
        OURS: Ours(network, few, settings),
        PYTORCH: peer(PYTORCH, network, few, settings),
    }
    compare(contestants, OURS, few, 1e-5)


@pytest.mark.parametrize(
    ("name", "momentum"), [(PYTORCH, 0.9), (SCIKIT_LEARN, 0.0), (AUTOGRAD, 0.9)]
)
def test_a_peer_takes_our_steps(few, name, momentum):
    """With all examples in a batch their order does not matter: three equal steps.

    scikit-learn starts with some momentum of its own, see its module.
    """
    network = mlp(784, 12, 10, seed=0)
    settings = Settings(len(few), learning_rate=0.1, momentum=momentum)
    contestants = {
        OURS: Ours(network, few, settings),
        name: peer(name, network, few, settings),
    }
    before = contestants[OURS].gradient(few.inputs, few.targets)[0]
    for contestant in contestants.values():
        for _ in range(3):
            assert contestant.epoch() > 0
    compare(contestants, OURS, few, 1e-4)
    assert contestants[OURS].gradient(few.inputs, few.targets)[0] < before


def test_the_gradients_of_a_peer_are_float32(few):
    """Float64 would make it slower for a reason that nobody chose."""
    _, gradients = peer(AUTOGRAD, mlp(784, 12, 10, seed=0), few, Settings()).gradient(
        few.inputs, few.targets
    )
    assert {dW.dtype for dW in gradients.values()} == {np.dtype(np.float32)}


def test_the_loop_has_the_gradient_of_sigmoids_and_squared_error(few):
    network = mlp(784, 9, 8, 10, seed=0)
    contestants = {
        ONE_BY_ONE: OneByOne(network, few, Settings(10)),
        OURS: twin(network),
    }
    compare(contestants, OURS, few, 1e-12)


def test_the_loop_learns(few):
    loop = OneByOne(mlp(784, 12, 10, seed=0), few, Settings(10, learning_rate=1.0))
    before, _ = loop.gradient(few.inputs, few.targets)
    for _ in range(5):
        loop.epoch()
    after, _ = loop.gradient(few.inputs, few.targets)
    assert after < before


def test_who_computes_something_else_is_not_let_in(few):
    ours, other = (
        Ours(mlp(784, 12, 10, seed=seed), few, Settings()) for seed in (0, 1)
    )
    with pytest.raises(UnfairRaceError, match="other computes something else than"):
        compare({OURS: ours, "other": other}, OURS, few, 1e-5)


def test_who_computes_nan_is_not_let_in(few):
    ours, other = (Ours(mlp(784, 12, 10, seed=0), few, Settings()) for _ in range(2))
    other.network.layers[0].b[:] = np.nan
    with pytest.raises(UnfairRaceError), np.errstate(invalid="ignore"):
        compare({OURS: ours, "other": other}, OURS, few, 1e-5)


def test_the_bare_products_are_those_of_a_step():
    network = mlp(784, 100, 30, 10, seed=0)
    products = products_of_network(network, 128)
    shapes = [(A.shape, B.shape, out.shape) for A, B, out in products]
    assert shapes == [
        ((128, 784), (784, 100), (128, 100)),
        ((128, 100), (100, 30), (128, 30)),
        ((128, 30), (30, 10), (128, 10)),
        ((30, 128), (128, 10), (30, 10)),
        ((128, 10), (10, 30), (128, 30)),
        ((100, 128), (128, 30), (100, 30)),
        ((128, 30), (30, 100), (128, 100)),
        ((784, 128), (128, 100), (784, 100)),
    ]
    assert Products(products, steps=2).epoch() > 0


@pytest.mark.parametrize("padding", [0, 2])
def test_the_bare_products_of_a_convolution_are_as_large_as_its_output(padding):
    layer = Convolution2D(3, 4, size=5, stride=2, padding=padding)
    alone = ConvolutionAlone(layer, 12, steps=1)
    forward, by_weights, by_images = products_of_convolution(layer, alone.X)
    assert forward.out.size == layer.forward(alone.X).size
    assert by_weights.out.size == layer.W.size
    assert by_images.out.shape == forward.B.shape
    assert alone.epoch() > 0


# A race ---------------------------------------------------------------------------


def test_a_race_counts_every_round_of_everybody(few):
    race = Race("tiny", partial(mlp, 784, 12, 10, seed=0), 10, 40, 2, one_by_one=True)
    left_out = missing(quick=True)
    result = run_race(race, few, left_out)
    assert {OURS, ONE_BY_ONE, PRODUCTS} <= set(result.seconds)
    assert set(left_out).isdisjoint(result.seconds)
    assert all(len(seconds) == 2 for seconds in result.seconds.values())
    assert set(result.disagreement) == set(result.seconds) - {OURS, PRODUCTS}
    assert all(min(seconds) > 0 for seconds in result.seconds.values())


def test_seconds_are_scaled_to_sixty_thousand_images(few, monkeypatch):
    monkeypatch.setattr(Ours, "epoch", lambda self: 1.0)
    monkeypatch.setattr(OneByOne, "epoch", lambda self: 1.0)
    everybody = dict.fromkeys([PYTORCH, COMPILED, SCIKIT_LEARN, AUTOGRAD], "not now")
    race = Race("tiny", partial(mlp, 784, 12, 10, seed=0), 10, 40, 1, one_by_one=True)
    seconds = run_race(race, few, everybody).seconds
    assert seconds[OURS] == [60_000 / 40]
    assert seconds[ONE_BY_ONE] == [60_000 / 8]  # it ran over a fifth of them


@pytest.mark.parametrize("quick", [False, True])
def test_all_batches_of_a_race_are_full(quick):
    """torch.compile would compile anew for a smaller last batch."""
    for race in races(quick):
        assert race.images % race.batch_size == 0


def test_a_small_data_set_is_repeated(few):
    assert len(repeated(few, 100)) == 100
    np.testing.assert_array_equal(repeated(few, 100).targets[80:], few.targets[:20])


def test_who_is_not_installed_is_left_out_with_a_reason(monkeypatch):
    monkeypatch.setattr("benchmarks.races.find_spec", lambda package: None)
    left_out = missing(quick=False)
    assert set(left_out) == {PYTORCH, COMPILED, SCIKIT_LEARN, AUTOGRAD}
    assert "torch is not installed (make benchmark installs it)" in left_out[PYTORCH]


def test_the_race_to_98_percent_needs_the_full_mnist(digits):
    finish = race_to_accuracy(digits, {}, quick=False)
    assert "full MNIST" in finish.skipped
    assert finish.seconds == {}


def test_the_first_epoch_at_the_target_counts():
    assert first_at([0.9, 0.98, 0.97, 0.99], 0.98) == 2
    assert first_at([0.9, 0.97], 0.98) is None


def test_growth_fits_what_was_measured(monkeypatch):
    """Ten steps of each size are measured; here one takes size² microseconds."""
    monkeypatch.setattr(Ours, "epoch", lambda self: 10e-6 * self.batch_size**2)
    series = growth("batch", {n: runner((4,), n, steps=10) for n in (2, 4, 8)}, True)
    assert series.exponent == pytest.approx(2.0)
    assert series.seconds == pytest.approx([4e-6, 16e-6, 64e-6])


def test_import_is_measured_in_a_python_of_its_own():
    assert 0 < float(child("-c", IMPORT)) < 60


# Files ----------------------------------------------------------------------------


def made_results(**changed):
    """Return the results of a run that never was."""
    full = {
        OURS: [0.9, 1.0, 1.1],
        PYTORCH: [1.8, 2.0, 2.2],
        SCIKIT_LEARN: [1.0, 1.0, 1.0],
        ONE_BY_ONE: [30.0, 30.0, 30.0],
        PRODUCTS: [0.75, 0.75, 0.75],
    }
    alone = {OURS: [3.0, 3.0, 3.0], PRODUCTS: [2.0, 2.0, 2.0]}
    results = Results(
        machine=describe(),
        quick=False,
        data="full MNIST: 55,000 training images",
        left_out={COMPILED: "torch.compile does not work here: no compiler"},
        races=[
            RaceResult("784-100-10, batch 128", 128, 12_800, full, {PYTORCH: 3e-7}, {}),
            RaceResult("convolution", 64, 3_200, alone),
        ],
        to_accuracy=Finish(
            "", {OURS: [4.0, None], PYTORCH: [6.0, 7.0]}, {OURS: [4, None]}
        ),
        footprint=Footprint(2.5, None, [0.1, 0.2, 0.3]),
        growth=[Growth("width", [64, 128], [0.001, 0.003], 1.5, 1.5)],
    )
    results.to_accuracy.epochs[PYTORCH] = [4, 5]
    return dataclasses.replace(results, **changed)


def test_results_come_back_from_their_file_as_they_were(tmp_path):
    results = made_results()
    write_results(tmp_path / "speed.json", results)
    assert read_results(tmp_path / "speed.json") == results


def test_results_hold_no_nan(tmp_path):
    """JSON knows none, and other readers than Python's stop at it."""
    results = made_results(footprint=Footprint(float("nan"), None, [0.1]))
    with pytest.raises(ValueError, match="JSON"):
        write_results(tmp_path / "speed.json", results)


def test_a_machine_is_described_without_its_name_and_paths():
    text = json.dumps(describe())
    assert json.loads(text)["versions"]["numpy"] == np.__version__
    assert str(Path.home()) not in text
    assert str(HOME.parent) not in text
    assert ".so" not in text
    host = socket.gethostname()
    assert len(host) < 5 or host not in text


def test_goals_stand_beside_what_was_measured():
    found = {goal.what: goal for goal in goals(made_results())}
    race = "784-100-10, batch 128: this library / "
    assert found[race + PYTORCH].measured.median == pytest.approx(0.5)
    assert found[race + PYTORCH].verdict == "yes"
    assert found[race + SCIKIT_LEARN].verdict == "no"
    assert found[race + ONE_BY_ONE].verdict == "yes"
    assert found["convolution: this library / bare products"].verdict == "yes"
    assert found["small CNN: this library / PyTorch"].verdict == "not measured"
    assert found["import beyond NumPy's, seconds"].measured.median == 0.2


def test_without_pytorch_the_table_says_so():
    race = RaceResult("784-100-10, batch 128", 128, 1_280, {OURS: [1.0]})
    left_out = {PYTORCH: "torch is not installed"}
    text = report(made_results(races=[race], left_out=left_out))
    assert "- PyTorch is left out: torch is not installed." in text
    goal = "| 784-100-10, batch 128: this library / PyTorch | – | ≤ 0.55 | not measured"
    assert goal in text


def test_the_report_says_what_was_measured():
    text = report(made_results())
    assert "| 0.5 | ≤ 0.55 | yes |" in text
    assert "| this library | 4, never | 4, never |" in text
    assert "| width | 64 to 128 | 1 3 | 1.50 | 1.50 |" in text
    assert "| PyTorch | 3e-07 |" in text
    assert "quick run" not in text
    assert "**A quick run: its numbers are worth little.**" in report(
        made_results(quick=True)
    )


def test_every_row_of_a_table_has_the_columns_of_its_head():
    for block in report(made_results()).split("\n\n"):
        if block.startswith("|"):
            assert len({line.count("|") for line in block.splitlines()}) == 1


def test_a_skipped_race_to_98_percent_says_why():
    text = report(made_results(to_accuracy=Finish("no time", {}, {})))
    assert "Skipped: no time." in text


def test_the_figure_is_saved_twice_and_the_same_at_every_run(tmp_path):
    once, again = tmp_path / "once", tmp_path / "again"
    for folder in (once, again):
        folder.mkdir()
        save_figure(made_results(), folder)
    for name in ("speed.svg", "speed.pdf"):
        assert (once / name).read_bytes() == (again / name).read_bytes()


def test_without_any_peer_there_is_no_figure(tmp_path):
    race = RaceResult("small CNN, batch 64", 64, 1_280, {OURS: [1.0]})
    save_figure(made_results(races=[race]), tmp_path)
    assert list(tmp_path.iterdir()) == []


# The package ----------------------------------------------------------------------


def test_the_command_pins_the_threads_before_numpy_is_there():
    program = """
import os, sys
import benchmarks.__main__, benchmarks.threads
assert "numpy" not in sys.modules
benchmarks.threads.pin_environment()
print(os.environ["OPENBLAS_NUM_THREADS"], os.environ["OMP_NUM_THREADS"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=HOME.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1", "1"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    assert doctest.testmod(imported(name)).failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_a_module_opens_with_a_sentence(name):
    first = imported(name).__doc__.splitlines()[0]
    assert first.endswith((".", "``."))
    assert len(first) > 40


def test_the_listings_of_the_last_chapter_have_the_same_gradient(few):
    pytest.importorskip("torch", reason="torch is not installed; make benchmark has it")
    from benchmarks.side_by_side import by_pytorch, by_this_library

    rng = np.random.default_rng(0)
    W1 = rng.normal(0, 0.05, (784, 12)).astype(np.float32)
    W2 = rng.normal(0, 0.3, (12, 10)).astype(np.float32)
    ours, dW = by_this_library(W1, W2, few.inputs, few.targets)
    theirs, their_dW = by_pytorch(W1, W2, few.inputs, few.targets)
    assert theirs == pytest.approx(ours, rel=1e-6)
    np.testing.assert_allclose(their_dW, dW, rtol=1e-4, atol=1e-7)
