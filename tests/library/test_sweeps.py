"""Sweeps: the same numbers on every executor, and nothing lost whatever is killed."""

import hashlib
import importlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import contextmanager, nullcontext
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from backprop import (
    SGD,
    BackpropError,
    Dense,
    InputError,
    Network,
    ReLU,
    SavedFileError,
    SoftmaxCrossEntropy,
    load_mnist,
    train,
)
from backprop.parallel import Trial, grid, parallel_gradients, sweep, sweeps
from oracles import error
from threadpoolctl import threadpool_info, threadpool_limits

PATIENCE = 60  # seconds until a test gives up waiting


# What the sweeps here run: workers import it from this module ------------------------


@cache
def few():
    """Return 300 training images and 100 to validate."""
    digits = load_mnist("embedded")
    return digits.train[:300], digits.validation[:100]


def training(seed, learning_rate, batch_size):
    """Train a small network; return its results and a digest of all its bits."""
    data, validation = few()
    network = made(seed, np.float32)
    optimizer = SGD(learning_rate, momentum=0.9)
    settings = {"epochs": 1, "batch_size": batch_size, "seed": seed, "progress": False}
    history = train(network, data, optimizer=optimizer, **settings)
    result = network.evaluate(validation)
    bits = b"".join(W.tobytes() for W in network.parameters.values())
    return {
        "training_loss": history.training_loss[-1],
        "loss": result.loss,
        "accuracy": result.accuracy,
        **blas_threads(seed),
        "bits": int.from_bytes(hashlib.sha256(bits).digest()[:6]),
    }


def made(seed, dtype=np.float64):
    """Return a small network for digits."""
    layers = [Dense(784, 16), ReLU(), Dense(16, 10)]
    return Network(layers, loss=SoftmaxCrossEntropy(), seed=seed, dtype=dtype)


def product(seed, factor):
    return {"product": seed * factor}


def other_product(seed, factor):
    return {"product": -seed * factor}


def counted(seed, folder, fails=()):
    """Note that it ran; fail for some seeds while there is no file "mended"."""
    note(folder, seed)
    if seed in fails and not Path(folder, "mended").exists():
        raise ZeroDivisionError(f"seed {seed} fails")
    return {"seed": seed}


def leaves(seed):
    sys.exit("a trial that wants to end everything")


def kills_its_worker(seed, folder, twice=()):
    """With seed 1 always; with some seeds two times."""
    note(folder, seed)
    if seed == 1 or (seed in twice and noted(folder).count(str(seed)) <= 2):
        os.kill(os.getpid(), signal.SIGKILL)
    return {"seed": seed}


def waits(seed, folder):
    """With seed 1 say which process this is, and wait there to be killed."""
    note(folder, seed)
    if seed == 1 and not Path(folder, "killed").exists():
        Path(folder, "unfinished").write_text(str(os.getpid()))
        Path(folder, "unfinished").rename(Path(folder, "pid"))
        until(Path(folder, "killed").exists)
    return {"seed": seed}


def sleeps(seed, folder):
    if seed == 1:
        note(folder, "asleep")
        time.sleep(20)
        note(folder, "awake")
    return {"seed": seed}


def blas_threads(seed):
    return {"threads": max(info["num_threads"] for info in threadpool_info())}


def returns(seed, what):
    return ANSWERS[what]


ANSWERS = {
    "nothing": None,
    "a number": 0.5,
    "a list": [0.5],
    "a text": {"accuracy": "high"},
    "an array": {"loss": np.zeros(3)},
    "no name": {1: 0.5},
    "no numbers": {"loss": None},
}


def odd_numbers(seed):
    return {
        "nan": float("nan"),
        "inf": np.inf,
        "float32": np.float32(0.1),
        "float64": np.float64(0.1),
        "int64": np.int64(7),
        "true": True,
        "third": 1 / 3,
    }


EVENT = threading.Event()


def waits_for_the_other(seed):
    """With seed 0, finish only after `each` has been called for seed 1."""
    return {"seen": seed == 1 or EVENT.wait(PATIENCE)}


# Helpers ----------------------------------------------------------------------------


def note(folder, what):
    with Path(folder, "log").open("a") as file:
        file.write(f"{what}\n")


def noted(folder):
    """Return what was noted, sorted; none if nothing was."""
    log = Path(folder, "log")
    return sorted(log.read_text().split()) if log.exists() else []


def until(condition):
    """Wait for a condition, with patience."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@contextmanager
def killing_the_waiting(folder, with_signal=signal.SIGKILL):
    """Kill, from another thread, the process that `waits`."""

    def kill():
        until((folder / "pid").exists)
        os.kill(int((folder / "pid").read_text()), with_signal)
        (folder / "killed").touch()

    thread = threading.Thread(target=kill)
    thread.start()
    yield
    thread.join()


def spawning(workers):
    """Return Python's own executor, as a reader would give it."""
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


def here(run, settings, seeds, path, **changed):
    """Sweep quietly in one thread."""
    with ThreadPoolExecutor(1) as executor:
        given = {"executor": executor, "progress": False} | changed
        return sweep(run, settings, seeds=seeds, path=path, **given)


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def client():
    """Return the client of a Dask cluster: a scheduler and two worker processes."""
    import dask
    from distributed import Client, LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        # Any free port, on this machine only: the usual one may be another cluster's.
        LocalCluster(
            2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def workers():
    """Return Python's own executor, which several tests use: starting takes time."""
    with spawning(2) as executor:
        yield executor


def executor_named(name, request):
    """Return a context with an executor; None stands for the sweep's own processes."""
    if name == "dask":
        return nullcontext(request.getfixturevalue("client").get_executor())
    if name == "given processes":
        return nullcontext(request.getfixturevalue("workers"))
    return {
        "serial": lambda: ThreadPoolExecutor(1),
        "threads": lambda: ThreadPoolExecutor(3),
        "processes": nullcontext,
    }[name]()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sweep.jsonl"


# The grid ---------------------------------------------------------------------------


def test_a_grid_has_all_combinations_and_the_last_name_varies_fastest():
    assert grid(a=[1, 2], b=["x", None]) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": None},
        {"a": 2, "b": "x"},
        {"a": 2, "b": None},
    ]


def test_values_from_numpy_become_pythons_own(path):
    settings = grid(factor=np.arange(2, 4))
    assert settings == [{"factor": 2}, {"factor": 3}]
    assert all(type(setting["factor"]) is int for setting in settings)
    here(product, settings, np.arange(2), path)
    assert grid(rate=np.array([0.5], np.float32)) == [{"rate": 0.5}]


@pytest.mark.parametrize("value", [0.1, "adam", None, {"rate": 0.1}])
def test_a_single_value_is_refused_with_the_remedy(value):
    with pytest.raises(InputError, match=r"rate must be a list .* rate=\["):
        grid(rate=value)


# The same numbers everywhere --------------------------------------------------------

SETTINGS = grid(learning_rate=[0.05, 0.2], batch_size=[50, 128])
SEEDS = range(2)


@pytest.fixture(scope="module")
def expected():
    """Return the trials as plain calls give them, one BLAS thread each."""
    with threadpool_limits(1):
        return [
            Trial(setting, seed, training(seed, **setting), "")
            for setting in SETTINGS
            for seed in SEEDS
        ]


EXECUTORS = ["serial", "threads", "processes", "given processes", "dask"]


@pytest.mark.parametrize("name", EXECUTORS)
def test_every_executor_gives_the_same_bits(name, request, path, expected, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")  # for processes to come
    with (
        threadpool_limits(2),  # which the sweep must not let have an effect
        executor_named(name, request) as executor,
    ):
        trials = sweep(
            training,
            SETTINGS,
            seeds=SEEDS,
            path=path,
            executor=executor,
            progress=False,
        )
    assert trials == expected
    assert {trial.numbers["threads"] for trial in trials} == {1}
    assert len({trial.numbers["bits"] for trial in trials}) == len(trials)
    assert here(training, SETTINGS, SEEDS, path) == expected  # from the file
    assert len(lines_of(path)) == len(expected)


def test_a_trial_has_one_blas_thread_and_ours_are_given_back(path):
    with threadpool_limits(2):
        [trial] = here(blas_threads, [{}], [0], path)
        assert trial.numbers == {"threads": 1}
        assert blas_threads(0) == {"threads": 2}


# The file of results ----------------------------------------------------------------


def test_results_arrive_and_are_written_while_others_still_run(path):
    EVENT.clear()
    arrived = []

    def each(trial):
        arrived.append(trial)
        assert len(lines_of(path)) == len(arrived)
        EVENT.set()

    with ThreadPoolExecutor(2) as executor:
        trials = sweep(
            waits_for_the_other,
            [{}],
            seeds=[0, 1],
            path=path,
            executor=executor,
            each=each,
            progress=False,
        )
    assert [trial.seed for trial in arrived] == [1, 0]
    assert [trial.seed for trial in trials] == [0, 1]
    assert trials[0].numbers == {"seen": 1}


def test_a_line_says_what_ran_with_what_and_what_it_gave(path):
    here(product, grid(factor=[3]), [2], path)
    assert path.read_bytes().endswith(b"}\n")
    [line] = lines_of(path)
    assert line == {
        "code": sweeps.fingerprint(product),
        "run": "test_sweeps.product",
        "seed": 2,
        "setting": {"factor": 3},
        "numbers": {"product": 6},
        "error": "",
    }


def test_a_line_is_on_the_disk_before_the_next(path, monkeypatch):
    synced = []

    def spy(descriptor):
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", spy)
    here(product, grid(factor=[3]), range(3), path)
    ends = np.cumsum([len(line) for line in path.read_bytes().splitlines(True)])
    assert synced == ends.tolist()


def test_a_repeated_sweep_runs_what_is_missing_only(path, tmp_path):
    settings = grid(folder=[str(tmp_path)])
    first = here(counted, settings, range(2), path)
    again = here(counted, settings, [3, 1, 0], path)
    assert noted(tmp_path) == ["0", "1", "3"]
    assert again == [
        Trial(settings[0], 3, {"seed": 3}, ""),
        *reversed(first),
    ]
    assert len(lines_of(path)) == 3


def test_what_is_on_file_is_not_announced_again(path):
    arrived = []
    for _ in range(2):
        here(product, grid(factor=[3]), range(2), path, each=arrived.append)
    assert len(arrived) == 2


def test_a_torn_last_line_is_cut_off_wherever_it_was_torn(path, tmp_path):
    settings = grid(folder=[str(tmp_path)])
    trials = here(counted, settings, range(3), path)
    whole = path.read_bytes()
    last = len(whole.splitlines(True)[-1])
    for kept in {*range(12), *range(12, last, 12), last - 2, last - 1}:
        path.write_bytes(whole[: len(whole) - last + kept])
        (tmp_path / "log").unlink()
        assert here(counted, settings, range(3), path) == trials
        assert noted(tmp_path) == ["2"]
        assert path.read_bytes() == whole


def changed_line(**parts):
    """Return a line as a sweep writes it, but for some of its parts."""
    line = {"code": "0", "run": "m.f", "seed": 0, "setting": {}, "numbers": {}}
    return json.dumps(line | {"error": ""} | parts).encode() + b"\n"


FOREIGN = {
    "a note": b"milk, eggs",
    "a line of text": b"milk, eggs\n",
    "an array": b"[1, 2]\n",
    "a number": b"7\n",
    "another object": b'{"code": "x"}\n',
    "numbers that are a text": changed_line(numbers="abc"),
    "a number that is a list": changed_line(numbers={"accuracy": [1]}),
    "a setting that is a list": changed_line(setting=[1]),
    "a seed that is a fraction": changed_line(seed=0.5),
    "an error that is a number": changed_line(error=0),
    "code without a name": changed_line(code=None),
    "brackets without end": b"[" * 100_000 + b"\n",
    "no text": b"\xff\xfe\n",
    "an empty line": b"\n",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused_and_left_alone(path, content):
    path.write_bytes(content)
    with pytest.raises(SavedFileError, match=r"sweep\.jsonl, line 1: this was not wr"):
        here(product, grid(factor=[3]), [0], path)
    assert path.read_bytes() == content


def test_a_damaged_line_in_the_middle_is_named(path):
    here(product, grid(factor=[3]), range(3), path)
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(lines[0] + lines[1][5:] + lines[2])
    with pytest.raises(SavedFileError, match="line 2"):
        here(product, grid(factor=[3]), range(3), path)


def test_a_pipe_is_no_file_of_results(path):
    os.mkfifo(path)
    with pytest.raises(SavedFileError, match=r"sweep\.jsonl is a pipe or a device; na"):
        here(product, grid(factor=[3]), [0], path)


def test_a_file_that_cannot_be_opened_is_named(path, monkeypatch):
    def refuse(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    told = r"cannot be written \(Permission denied\)"
    with pytest.raises(SavedFileError, match=told), sweeps.results_file(path):
        pass


@pytest.mark.parametrize("where", ["", "missing/sweep.jsonl"])
def test_a_path_that_can_be_no_file_is_refused(tmp_path, where):
    with pytest.raises(SavedFileError, match=r"there is no folder|is a folder; give"):
        here(product, grid(factor=[3]), [0], tmp_path / where)


def test_two_sweeps_do_not_write_into_one_file_at_once(path):
    def sweep_again(trial):
        here(product, grid(factor=[4]), [0], path)

    with pytest.raises(SavedFileError, match="another sweep is writing"):
        here(product, grid(factor=[3]), [0], path, each=sweep_again)
    here(product, grid(factor=[4]), [0], path)
    assert len(lines_of(path)) == 2


def test_the_file_is_free_after_a_sweep_even_if_a_forked_process_has_it(path):
    with sweeps.results_file(path) as (file, _):
        forked = os.dup(file.fileno())
    here(product, grid(factor=[3]), [0], path)
    os.close(forked)


def test_results_of_other_code_are_not_mixed_in(path, tmp_path, monkeypatch):
    settings = grid(folder=[str(tmp_path)])
    here(counted, settings, [0], path)
    monkeypatch.setattr(sweeps, "fingerprint", lambda run: "0" * 16)
    here(counted, settings, [0], path)
    assert noted(tmp_path) == ["0", "0"]
    monkeypatch.undo()
    here(counted, settings, [0], path)
    assert noted(tmp_path) == ["0", "0"]
    assert len(lines_of(path)) == 2


def test_two_functions_share_a_file_without_mixing(path):
    settings = grid(factor=[3])
    [first] = here(product, settings, [1], path)
    [second] = here(other_product, settings, [1], path)
    assert (first.numbers, second.numbers) == ({"product": 3}, {"product": -3})
    assert here(product, settings, [1], path) == [first]


def test_the_fingerprint_changes_with_the_functions_file(tmp_path, monkeypatch):
    file = tmp_path / "fingerprinted.py"
    file.write_text("def run(seed):\n    return helper(seed)\n")
    monkeypatch.syspath_prepend(tmp_path)
    run = importlib.import_module("fingerprinted").run
    before = sweeps.fingerprint(run)
    assert sweeps.fingerprint(run) == before
    file.write_text(file.read_text() + "def helper(seed):\n    return {}\n")
    assert sweeps.fingerprint(run) != before


def test_the_fingerprint_changes_with_the_library_and_with_numpy(tmp_path, monkeypatch):
    before = sweeps.fingerprint(product)
    with monkeypatch.context() as changed:
        changed.setattr(np, "__version__", "0.0")
        assert sweeps.fingerprint(product) != before
    package = Path(sweeps.__file__).parents[1]
    shutil.copytree(package, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(sweeps, "__file__", str(tmp_path / "parallel" / "sweeps.py"))
    assert sweeps.fingerprint(product) == before
    for drawn in ("plots/style.py", ".ipynb_checkpoints/layers.py"):
        (tmp_path / drawn).parent.mkdir(exist_ok=True)
        (tmp_path / drawn).write_text("# changed\n")
    assert sweeps.fingerprint(product) == before
    with (tmp_path / "layers.py").open("a") as file:
        file.write("# changed\n")
    assert sweeps.fingerprint(product) != before


def test_a_function_without_source_is_refused(path):
    names = {"__name__": __name__}
    exec("def run(seed): return {}", names)
    with pytest.raises(InputError, match="the source of run cannot be read"):
        here(names["run"], [{}], [0], path)


# Numbers ----------------------------------------------------------------------------


def test_odd_numbers_survive_the_file(path):
    [new], [read] = (here(odd_numbers, [{}], [0], path) for _ in range(2))
    for trial in (new, read):
        numbers = dict(trial.numbers)
        assert np.isnan(numbers.pop("nan"))
        assert numbers == {
            "inf": np.inf,
            "float32": float(np.float32(0.1)),
            "float64": 0.1,
            "int64": 7,
            "true": 1,
            "third": 1 / 3,
        }
        assert {type(value) for value in trial.numbers.values()} == {int, float}


@pytest.mark.parametrize(
    ("name", "what"),
    [*(("threads", what) for what in ANSWERS), ("processes", "nothing")],
)
def test_a_function_that_returns_no_numbers_stops_the_sweep(name, what, path, request):
    with (
        executor_named(name, request) as executor,
        pytest.raises(InputError, match="run must return a dictionary of numbers"),
    ):
        here(returns, grid(what=[what]), range(3), path, executor=executor)


# Failures ---------------------------------------------------------------------------


def test_a_trial_that_fails_is_reported_and_does_not_stop_the_others(path, tmp_path):
    settings = grid(folder=[str(tmp_path)], fails=[[1]])
    with pytest.warns(RuntimeWarning, match=r"1 of 3 .* seed 1: ZeroDivisionError: se"):
        trials = here(counted, settings, range(3), path)
    assert [trial.numbers for trial in trials] == [{"seed": 0}, {}, {"seed": 2}]
    assert [bool(trial.error) for trial in trials] == [False, True, False]
    assert "Traceback" in trials[1].error
    assert "in counted\n    raise ZeroDivisionError" in trials[1].error
    assert [line["error"] for line in lines_of(path)] == [t.error for t in trials]


def test_what_failed_is_run_again_next_time(path, tmp_path):
    settings = grid(folder=[str(tmp_path)], fails=[[1]])
    with pytest.warns(RuntimeWarning, match="1 of 3"):
        here(counted, settings, range(3), path)
    (tmp_path / "mended").touch()
    for _ in range(2):
        trials = here(counted, settings, range(3), path)
        assert [trial.numbers["seed"] for trial in trials] == [0, 1, 2]
    assert noted(tmp_path) == ["0", "1", "1", "2"]


@pytest.mark.parametrize("name", ["threads", "given processes"])
def test_a_trial_that_leaves_python_ends_nothing_else(name, request, path):
    with (
        executor_named(name, request) as executor,
        pytest.warns(RuntimeWarning, match="2 of 2"),
    ):
        trials = here(leaves, [{}], range(2), path, executor=executor)
    assert all("SystemExit: a trial that wants" in trial.error for trial in trials)


# Killed workers ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["processes", "dask"])
def test_a_worker_killed_in_the_middle_loses_nothing(name, request, path, tmp_path):
    settings = grid(folder=[str(tmp_path)])
    with (
        executor_named(name, request) as executor,
        killing_the_waiting(tmp_path),
    ):
        trials = here(waits, settings, range(6), path, executor=executor)
    assert trials == [Trial(settings[0], seed, {"seed": seed}, "") for seed in range(6)]
    assert len(lines_of(path)) == 6
    assert noted(tmp_path).count("1") == 2


def test_a_trial_that_kills_its_worker_again_is_reported(path, tmp_path, monkeypatch):
    pool = sweeps.processes  # of one worker here, so that the order is certain
    monkeypatch.setattr(sweeps, "processes", lambda run, alone: pool(run, True))
    settings = grid(folder=[str(tmp_path)], twice=[[0]])
    with pytest.warns(RuntimeWarning, match=r"1 of 3 .*seed 1: Its worker"):
        trials = here(kills_its_worker, settings, range(3), path, executor=None)
    assert [trial.numbers.get("seed") for trial in trials] == [0, None, 2]
    assert [line["error"] == "" for line in lines_of(path)] == [True, False, True]
    # Two pools break at 0. Then each runs alone, until the one is found that ends it.
    assert noted(tmp_path) == ["0", "0", "0", "1", "2"]


def test_a_trial_that_dask_gives_up_is_reported(client, path, tmp_path):
    settings = grid(folder=[str(tmp_path)])
    executor = client.get_executor()
    with pytest.warns(RuntimeWarning, match=r"1 of 1 .*seed 1: KilledWorker: "):
        here(kills_its_worker, settings, [1], path, executor=executor)


def test_a_given_executor_that_breaks_leaves_what_had_finished(path, tmp_path):
    settings = grid(folder=[str(tmp_path)])
    told = r"BrokenProcessPool.*finished is in .*sweep\.jsonl\. Make a new executor"
    with spawning(1) as executor:
        for _ in range(2):  # the second time it is broken from the start
            with pytest.raises(BackpropError, match=told):
                here(kills_its_worker, settings, range(3), path, executor=executor)
    assert [line["seed"] for line in lines_of(path)] == [0]
    here(kills_its_worker, settings, [0, 2], path)
    assert noted(tmp_path) == ["0", "1", "2"]


def test_what_finished_beside_a_break_is_written(path):
    """Whatever the order in which the futures are looked at."""

    class Breaks(ThreadPoolExecutor):
        def submit(self, function, run, seed, setting):
            future = super().submit(function, run, seed, setting)
            future.result()
            if seed % 2:
                future = Future()
                future.set_exception(BrokenExecutor("on purpose"))
            return future

    with Breaks(1) as executor, pytest.raises(BackpropError, match="on purpose"):
        here(product, grid(factor=[3]), range(20), path, executor=executor)
    seeds = [line["seed"] for line in lines_of(path)]
    assert sorted(seeds) == list(range(0, 20, 2))


def test_what_began_before_a_break_is_written(path):
    class Breaks(ThreadPoolExecutor):
        def submit(self, function, run, seed, setting):
            if seed == 3:
                raise BrokenExecutor("on purpose")
            return super().submit(function, run, seed, setting)

    with Breaks(1) as executor, pytest.raises(BackpropError, match="on purpose"):
        here(product, grid(factor=[3]), range(5), path, executor=executor)
    assert sorted(line["seed"] for line in lines_of(path)) == [0, 1, 2]


def test_work_that_is_canceled_is_no_failure_of_the_trial(path):
    class Cancels(Executor):
        def submit(self, *args):
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    with pytest.raises(BackpropError, match=r"the executor broke \(Cancelled"):
        here(product, grid(factor=[3]), range(3), path, executor=Cancels())
    assert lines_of(path) == []


def test_workers_leave_ctrl_c_to_who_started_them(path, tmp_path):
    settings = grid(folder=[str(tmp_path)])
    with killing_the_waiting(tmp_path, signal.SIGINT):
        here(waits, settings, [1], path, executor=None)
    assert noted(tmp_path) == ["1"]


def test_an_interrupted_sweep_cancels_what_waits_in_a_given_executor(path):
    given = []

    class Begins(Executor):
        def submit(self, function, run, seed, setting):
            given.append(Future())
            if seed == 0:
                given[0].set_result(({"product": 0}, ""))
            return given[-1]

    def interrupt(trial):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        here(
            product, grid(factor=[3]), range(3), path, executor=Begins(), each=interrupt
        )
    assert [future.cancelled() for future in given] == [False, True, True]
    assert [line["seed"] for line in lines_of(path)] == [0]


def test_an_interrupted_sweep_waits_for_nobody(path, tmp_path):
    def interrupt(trial):
        until(lambda: noted(tmp_path))
        raise KeyboardInterrupt

    settings = grid(folder=[str(tmp_path)])
    before = set(multiprocessing.active_children())
    with pytest.raises(KeyboardInterrupt):
        here(sleeps, settings, range(6), path, executor=None, each=interrupt)
    until(lambda: before.issuperset(multiprocessing.active_children()))
    assert noted(tmp_path) == ["asleep"]
    assert [line["seed"] for line in lines_of(path)] == [0]


# Killed sweeps ----------------------------------------------------------------------

TRIAL = """
import os, time
def run(seed, folder):
    with open(os.path.join(folder, "log"), "a") as log:
        log.write(f"{seed}\\n")
    time.sleep(0.05)
    return {"pid": os.getpid(), "seed": seed}
"""
SCRIPT = """
import os, signal, sys
from backprop.parallel import sweeps
from killed_trial import run

def half_a_line(file, key, trial, count=[0]):
    count[0] += 1
    if count[0] <= 3:
        return whole(file, key, trial)
    line = (key + "\\n").encode()
    file.write(line[: len(line) // 2])
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    folder = sys.argv[1]
    whole, sweeps.write_line = sweeps.write_line, half_a_line
    sweeps.sweep(run, [{"folder": folder}], seeds=range(8),
                 path=os.path.join(folder, "sweep.jsonl"))
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Write a script and the module of its trial; return what runs it."""
    (tmp_path / "killed_trial.py").write_text(TRIAL)
    monkeypatch.syspath_prepend(tmp_path)

    def start(text):
        (tmp_path / "script.py").write_text(text)
        return subprocess.run(
            [sys.executable, tmp_path / "script.py", tmp_path],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    yield start
    sys.modules.pop("killed_trial", None)


def test_a_sweep_killed_in_the_middle_of_a_line_goes_on_where_it_was(
    script, path, tmp_path
):
    # This returns when the last of its processes has ended: none is left behind.
    assert script(SCRIPT).returncode == -signal.SIGKILL
    *lines, torn = path.read_bytes().split(b"\n")
    assert len(lines) == 3
    assert torn.startswith(b'{"code": "')
    done = [json.loads(line) for line in lines]
    before = noted(tmp_path)

    run = importlib.import_module("killed_trial").run
    trials = here(run, [{"folder": str(tmp_path)}], range(8), path)
    assert [trial.numbers["seed"] for trial in trials] == list(range(8))
    kept = [trial for trial in trials if trial.numbers["pid"] != os.getpid()]
    assert sorted(trial.seed for trial in kept) == sorted(d["seed"] for d in done)
    assert len(noted(tmp_path)) == len(before) + 5


def test_a_script_without_a_guard_says_what_is_missing(script):
    unguarded = SCRIPT.replace('if __name__ == "__main__":', "if True:")
    ran = script(unguarded)
    assert ran.returncode == 1
    assert ran.stderr.rstrip().endswith("under the line if __name__ == '__main__':")
    assert "a worker process ended before it could import killed_trial" in ran.stderr
    assert (
        ran.stderr.count("Each worker process imports") == 2
    )  # the worker says it too


# What is refused --------------------------------------------------------------------

WRONG = {
    "no settings": ([], [0], "at least one setting"),
    "no seeds": (grid(factor=[3]), [], "at least one setting and one seed"),
    "one seed": (grid(factor=[3]), 3, r"such as range\(3\), but is 3"),
    "a negative seed": (grid(factor=[3]), [-1], "at least 0, but is -1"),
    "half a seed": (grid(factor=[3]), [0.5], "whole number .* but is 0.5"),
    "a setting twice": (grid(factor=[3, 3]), [0], "'factor': 3.* is there twice"),
    "a seed twice": (grid(factor=[3]), [1, 1], "seed 1 is there twice"),
    "no list": ({"factor": 3}, [0], "list of dictionaries.* but 'factor'"),
    "a wrong name": (
        grid(factors=[3]),
        [0],
        r"product\(seed, factor\) cannot be run with",
    ),
    "a name too few": ([{}], [0], "missing a required argument: 'factor'"),
    "a seed in the setting": (grid(seed=[1], factor=[3]), [0], "multiple values"),
    "a tuple": (grid(factor=[(3, 4)]), [0], "lists of them; no tuples"),
    "nan": (grid(factor=[float("nan")]), [0], "no NaN"),
    "an object": (grid(factor=[SGD(0.1)]), [0], "SGD is not JSON serializable"),
    "an array": ([{"factor": np.zeros(2)}], [0], "ndarray is not JSON serializable"),
}


@pytest.mark.parametrize(("settings", "seeds", "told"), WRONG.values(), ids=WRONG)
def test_wrong_settings_are_refused_before_anything_runs(settings, seeds, told, path):
    with pytest.raises(InputError, match=f"^sweep: .*{told}"):
        here(product, settings, seeds, path)
    assert not path.exists()


def test_only_a_function_with_a_name_of_its_own_is_run(path):
    def local(seed):
        return {}

    for run in (lambda seed: {}, local, partial(product, factor=3), "product", print):
        with pytest.raises(InputError, match="function that stands at the top of"):
            here(run, [{}], [0], path)


def test_a_function_of_a_notebook_is_refused_for_processes_only(
    workers, path, monkeypatch
):
    monkeypatch.setattr(product, "__module__", "__main__")
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    settings = grid(factor=[3])
    for executor in (None, workers, spawning(1)):
        with pytest.raises(InputError, match=r"%%writefile trial\.py"):
            sweep(product, settings, seeds=[0], path=path, executor=executor)
    [trial] = here(product, settings, [2], path)
    assert trial.numbers == {"product": 6}


# Progress ---------------------------------------------------------------------------


def test_a_bar_counts_the_trials_on_stderr(path, capfd):
    here(product, grid(factor=[3]), range(4), path, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "4/4" in err


def test_without_progress_nothing_is_printed(path, capfd):
    here(product, grid(factor=[3]), range(4), path)
    assert capfd.readouterr() == ("", "")


# Gradients of shards ----------------------------------------------------------------


def gradient_at_once(network, X, y):
    loss = network.loss.forward(network.forward(X), y)
    network.backward(network.loss.backward())
    return loss, {name: dW.copy() for name, dW in network.gradients.items()}


@pytest.mark.parametrize("name", ["threads", "given processes", "dask"])
def test_shards_add_up_to_the_gradient_of_the_batch(name, request, digits):
    data, network = digits.train[:103], made(seed=1)
    X, y = data.inputs.astype(np.float64), data.targets
    loss, gradients = gradient_at_once(made(seed=1), X, y)
    with executor_named(name, request) as executor:
        shard_loss, added = parallel_gradients(network, X, y, executor, shards=4)
    assert shard_loss == pytest.approx(loss, rel=1e-12)
    assert list(added) == list(network.gradients)
    for key, dW in gradients.items():
        assert added[key].shape == dW.shape
        assert error(added[key], dW) <= 1e-12


@pytest.mark.parametrize("shards", [1, 2, 7, 8])
def test_any_number_of_shards_gives_the_gradient(shards, digits):
    data = digits.train[:8]
    X, y = data.inputs.astype(np.float64), data.targets
    loss, gradients = gradient_at_once(made(seed=1), X, y)
    with ThreadPoolExecutor(4) as executor:
        shard_loss, added = parallel_gradients(made(seed=1), X, y, executor, shards)
    assert shard_loss == pytest.approx(loss, rel=1e-12)
    for key, dW in gradients.items():
        assert error(added[key], dW) <= 1e-12


def test_the_network_is_left_alone_and_its_type_kept(digits):
    network, data = made(seed=1, dtype=np.float32), digits.train[:10]
    before = gradient_at_once(network, data.inputs, data.targets)[1]
    with ThreadPoolExecutor(2) as executor:
        _, added = parallel_gradients(
            network, data.inputs[5:], data.targets[5:], executor, 2
        )
    for key, dW in network.gradients.items():
        np.testing.assert_array_equal(dW, before[key])
        assert added[key].dtype == np.float32


@pytest.mark.parametrize("shards", [0, -1, 11, 2.0])
def test_a_wrong_number_of_shards_is_refused(shards, digits):
    data = digits.train[:10]
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(InputError, match=rf"from 1 to 10, .*but is {shards}\."),
    ):
        parallel_gradients(made(0), data.inputs, data.targets, executor, shards)


def test_shards_need_a_target_for_each_example(digits):
    data = digits.train[:10]
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(InputError, match="10 examples and 9 targets"),
    ):
        parallel_gradients(made(0), data.inputs, data.targets[:9], executor, 2)
