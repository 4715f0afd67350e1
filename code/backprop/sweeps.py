"""Sweeps: many trainings at once, and one gradient from many workers.

Chapter "Hyper-parameters" sweeps settings over seeds, chapter "Bigger" shares out the
gradient of one batch. Both hand their work to a `concurrent.futures.Executor`: threads,
processes, or the workers of a Dask cluster.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
)
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from itertools import product
from multiprocessing.connection import Connection
from numbers import Integral, Real
from pathlib import Path
from traceback import format_exc
from typing import Any, BinaryIO, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from backprop.errors import BackpropError, InputError, SavedFileError
from backprop.network import Network

if sys.platform != "win32":
    import fcntl

Array = NDArray[np.floating]
Setting = dict[str, Any]
Run = Callable[..., dict[str, float]]
Work = Future[tuple[dict[str, float], str]]
P = ParamSpec("P")
T = TypeVar("T")

IDENTITY = ("code", "run", "seed", "setting")  # what makes a trial the same one
LINE_START = b'{"code": "'  # of every line in a file of results
UNDER_MAIN = (
    "Each worker process imports the script that started it: put what starts workers "
    "under the line if __name__ == '__main__':"
)


@dataclass(frozen=True)
class Trial:
    """What one training of a sweep gave.

    Attributes
    ----------
    setting : dict
        What it was run with, by name.
    seed : int
        The seed it was run with.
    numbers : dict
        What it returned; empty if it failed.
    error : str
        Why it failed, a traceback as a rule; empty if it did not.
    """

    setting: Setting
    seed: int
    numbers: dict[str, float]
    error: str


def grid(**choices: Iterable[Any]) -> list[Setting]:
    """Combine each value of each name with all values of the others.

    Parameters
    ----------
    **choices : lists
        The values to try, by name; a value that stays the same is a list of one.

    Returns
    -------
    list of dict
        One setting each; the last name varies fastest.

    Raises
    ------
    InputError
        If there is not a list of values for each name.

    Examples
    --------
    >>> grid(epochs=[5], learning_rate=[0.1, 0.2])
    [{'epochs': 5, 'learning_rate': 0.1}, {'epochs': 5, 'learning_rate': 0.2}]
    """
    for name, values in choices.items():
        if isinstance(values, (str, dict)) or not isinstance(values, Iterable):
            raise InputError(
                f"grid: {name} must be a list of values to try, but is {values!r}. "
                f"A single value is a list of one: {name}=[{values!r}]."
            )
    lists = [
        [value.item() if isinstance(value, np.generic) else value for value in values]
        for values in choices.values()
    ]
    return [dict(zip(choices, values, strict=True)) for values in product(*lists)]


def sweep(
    run: Run,
    settings: Iterable[Setting],
    *,
    seeds: Iterable[int],
    path: str | os.PathLike[str],
    executor: Executor | None = None,
    each: Callable[[Trial], object] | None = None,
    progress: bool = True,
) -> list[Trial]:
    """Run every setting with every seed, several at a time, and keep what they give.

    Each result is written to a file as soon as it is there. Sweep again after an
    interruption: what is missing or has failed is run, and nothing else.

    Parameters
    ----------
    run : function (seed, **setting) -> dict of numbers
        Does one training; all its randomness comes from the seed. It stands at the
        top of a module, from where the workers import it.
    settings : list of dict
        Arguments for `run`, as `grid` makes them: numbers, texts, True, False, None,
        and lists of them.
    seeds : whole numbers
        Each setting is run with each of them.
    path : path
        The file of results, one line of JSON a trial. Several sweeps may use it, one
        after the other.
    executor : concurrent.futures.Executor, optional
        Who does the work: by default `Processes`, one for each core. For a Dask
        cluster it is ``client.get_executor()``.
    each : function (trial), optional
        Called with each new result as it arrives.
    progress : bool, optional
        Whether to show a progress bar.

    Returns
    -------
    list of Trial
        In the order of settings and seeds, from the file and new. A trial that
        failed has an error instead of numbers, and a warning counts them.

    Raises
    ------
    InputError
        If run, settings or seeds cannot be used, or run returns no numbers.
    SavedFileError
        If the file is used by another sweep or is no file of results.
    BackpropError
        If the executor that was given breaks; what had finished is in the file.

    Notes
    -----
    A trial counts as finished if the file has its setting, its seed and the name of
    `run` from the same code. Which code that is says a fingerprint of this library, of
    NumPy's version, and of the file in which `run` stands (in a notebook, of its own
    lines). If one of them changes, all is run anew, and the old lines are left alone.
    Whatever else decides the numbers, such as the data, belongs into the setting:
    ``grid(data=["mnist"], learning_rate=[0.1, 0.2])``.

    Each trial computes with one BLAS thread, because their number decides how a product
    of matrices is rounded. So all executors give the same numbers, to the last bit, on
    processors of one kind.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> def run(seed, rate):
    ...     return {"loss": rate + np.random.default_rng(seed).integers(10)}
    >>> with TemporaryDirectory() as folder, ThreadPoolExecutor() as executor:
    ...     trials = sweep(run, grid(rate=[0.1, 0.2]), seeds=range(3),
    ...                    path=f"{folder}/sweep.jsonl", executor=executor)
    >>> len(trials)
    6
    >>> trials[0]
    Trial(setting={'rate': 0.1}, seed=0, numbers={'loss': 8.1}, error='')
    """
    check_function(run, executor)
    wanted = checked_trials(run, settings, seeds)
    # Our own processes end with the block, those of a given executor live on.
    owner: AbstractContextManager[Executor]
    owner = Processes() if executor is None else nullcontext(executor)
    with (
        owner as workers,
        results_file(Path(path)) as (file, trials),
        threadpool_limits(1),  # for trials in threads of this process
    ):
        missing = {key: todo for key, todo in wanted.items() if key not in trials}
        futures = {submitted(workers, run, *missing[key]): key for key in missing}
        # tqdm is not told "disable": that would overrule the variable TQDM_DISABLE.
        arriving = as_completed(futures)
        bar = tqdm(arriving, total=len(futures), unit="trial") if progress else None
        broken: Exception | None = None
        try:
            for future in arriving if bar is None else bar:
                key = futures[future]
                try:
                    trials[key] = trial = result(future, *wanted[key])
                except (BrokenExecutor, CancelledError) as why:
                    broken = why  # but others may have finished
                    continue
                write_line(file, key, trial)
                if each is not None:
                    each(trial)
        finally:
            if bar is not None:
                bar.close()
            for future in futures:
                future.cancel()
    if broken is not None:
        raise BackpropError(
            f"sweep: the executor broke ({type(broken).__name__}: {broken}). What had "
            f"finished is in {path}. Make a new executor and sweep again: only the "
            f"rest is run."
        )
    results = [trials[key] for key in wanted]
    warn_of_failures(results)
    return results


def attempt(run: Run, seed: int, setting: Setting) -> tuple[dict[str, float], str]:
    """Do one trial, wherever that is; return its numbers and its traceback."""
    threadpool_limits(1)
    try:
        answer = run(seed, **setting)
    except (Exception, SystemExit):  # a trial does not end the sweep
        return {}, format_exc()
    return checked_numbers(answer), ""


def submitted(executor: Executor, run: Run, setting: Setting, seed: int) -> Work:
    """Hand a trial to an executor; where that is broken, return a failed future."""
    try:
        return executor.submit(attempt, run, seed, setting)
    except BrokenExecutor as why:
        future: Work = Future()
        future.set_exception(why)
        return future


def result(future: Work, setting: Setting, seed: int) -> Trial:
    """Return what a future gave, or why it gave nothing, as a trial."""
    try:
        numbers, error = future.result()
    except (BrokenExecutor, CancelledError, InputError):  # not this trial's fault
        raise
    except Exception as why:  # its worker died again and again, or cannot import run
        numbers, error = {}, f"{type(why).__name__}: {why}"
    return Trial(setting, seed, numbers, error)


def warn_of_failures(trials: Sequence[Trial]) -> None:
    """Warn if trials failed; say how many, and which was the first."""
    failed = [trial for trial in trials if trial.error]
    if failed:
        first = failed[0]
        warnings.warn(
            f"sweep: {len(failed)} of {len(trials)} trials failed. The first, "
            f"{first.setting} with seed {first.seed}: "
            f"{first.error.strip().splitlines()[-1]} Its whole traceback is in its "
            f"error. Another sweep runs what has failed once more.",
            RuntimeWarning,
            stacklevel=3,
        )


# What is checked before and after a trial


def check_function(run: Run, executor: Executor | None) -> None:
    """Raise `InputError` unless workers can find the function by its name."""
    if not inspect.isfunction(run) or "<" in run.__qualname__:
        raise InputError(
            f"sweep: run must be a function that stands at the top of a module, but is "
            f"{run!r}. What it needs besides goes into the grid, as lists of one."
        )
    processes = executor is None or isinstance(
        executor, (Processes, ProcessPoolExecutor)
    )
    main = sys.modules["__main__"]
    if processes and run.__module__ == "__main__" and not hasattr(main, "__file__"):
        raise InputError(
            f"sweep: {run.__name__} is defined in a notebook or at a prompt, where "
            f"worker processes cannot find it. Write it to a file (with %%writefile "
            f"trial.py on top of its cell) and import it from there, or give the sweep "
            f"executor=ThreadPoolExecutor()."
        )


def checked_trials(
    run: Run, settings: Iterable[Setting], seeds: Iterable[int]
) -> dict[str, tuple[Setting, int]]:
    """Return all pairs of a setting and a seed by their key, or raise `InputError`."""
    if not isinstance(seeds, Iterable):
        raise InputError(
            f"sweep: seeds must be several numbers, such as range(3), but is {seeds!r}."
        )
    code, name = fingerprint(run), f"{run.__module__}.{run.__qualname__}"
    trials: dict[str, tuple[Setting, int]] = {}
    for setting, seed in product(settings, seeds):
        check_trial(run, setting, seed)
        key = key_of({"code": code, "run": name, "seed": int(seed), "setting": setting})
        if key in trials:
            raise InputError(
                f"sweep: {setting} with seed {seed} is there twice; name each setting "
                f"and each seed once."
            )
        trials[key] = setting, int(seed)
    if not trials:
        raise InputError("sweep: there must be at least one setting and one seed.")
    return trials


def check_trial(run: Run, setting: Setting, seed: int) -> None:
    """Raise `InputError` unless `run` can be called so and JSON can keep it."""
    if not isinstance(setting, dict):
        raise InputError(
            f"sweep: settings must be a list of dictionaries, as grid(...) makes it, "
            f"but {setting!r} is in it."
        )
    if not isinstance(seed, Integral) or seed < 0:
        raise InputError(
            f"sweep: a seed must be a whole number of at least 0, but is {seed!r}."
        )
    try:
        inspect.signature(run).bind(seed, **setting)
    except TypeError as why:
        raise InputError(
            f"sweep: {run.__name__}{inspect.signature(run)} cannot be called with a "
            f"seed and {setting}: {why}."
        ) from None
    try:
        kept = json.loads(json.dumps(setting))
    except (TypeError, ValueError) as why:
        kept = why
    if kept != setting:
        raise InputError(
            f"sweep: a file of JSON cannot keep the setting {setting} ({kept}). Use "
            f"numbers, texts, True, False, None, and lists of them; no tuples, no NaN."
        )


def checked_numbers(answer: dict[str, float]) -> dict[str, float]:
    """Return what `run` returned, as Python's own numbers, or raise `InputError`."""
    if not isinstance(answer, dict) or not all(
        isinstance(name, str) and isinstance(value, Real)
        for name, value in answer.items()
    ):
        raise InputError(
            f"sweep: run must return a dictionary of numbers, such as "
            f"{{'accuracy': 0.97}}, but returned {repr(answer)[:200]}."
        )
    return {
        name: int(value) if isinstance(value, Integral) else float(value)
        for name, value in answer.items()
    }


# The file of results


def fingerprint(run: Run) -> str:
    """Return a digest of the code that the numbers of a trial come from."""
    digest = hashlib.sha256(np.__version__.encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    source = Path(inspect.getsourcefile(run) or "")
    try:
        lines = source.read_bytes() if source.is_file() else None
        digest.update(lines or inspect.getsource(run).encode())
    except OSError:
        raise InputError(
            f"sweep: the source of {run.__name__} cannot be read, and the results must "
            f"say which code they come from. Define it in a file or a notebook."
        ) from None
    return digest.hexdigest()[:16]


def key_of(record: dict[str, Any]) -> str:
    """Return the text that stands for a trial: what makes it the same one."""
    return json.dumps({name: record[name] for name in IDENTITY}, sort_keys=True)


@contextmanager
def results_file(path: Path) -> Iterator[tuple[BinaryIO, dict[str, Trial]]]:
    """Open a file of results for one sweep only; give also its finished trials."""
    if path.is_dir() or not path.parent.is_dir():
        raise SavedFileError(
            f"{path}: results need a file in a folder that exists. Make the folder "
            f"{path.parent}, or name another file."
        )
    with path.open("a+b") as file:
        try:
            lock(file)
        except BlockingIOError:
            raise SavedFileError(
                f"{path}: another sweep is writing to this file. Wait until it ends, "
                f"or give this one a path of its own."
            ) from None
        try:
            yield file, finished_trials(file, path)
        finally:
            lock(file, free=True)  # else forked workers would keep it


def lock(file: BinaryIO, free: bool = False) -> None:
    """Lock a file until it is freed or its process ends, however that ends."""
    if sys.platform != "win32":  # Windows has no such locks: there, take care
        fcntl.flock(file, fcntl.LOCK_UN if free else fcntl.LOCK_EX | fcntl.LOCK_NB)


def finished_trials(file: BinaryIO, path: Path) -> dict[str, Trial]:
    """Read the trials that have numbers, by key; cut off a last line that is torn."""
    file.seek(0)
    *lines, torn = file.read().split(b"\n")
    trials = {}
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            key, error = key_of(record), record["error"]
            trial = Trial(record["setting"], record["seed"], record["numbers"], error)
        except (ValueError, KeyError, TypeError):
            raise not_results(path, number) from None
        if not error:
            trials[key] = trial
    if torn:  # the sweep was killed while it wrote
        if torn[: len(LINE_START)] != LINE_START[: len(torn)]:
            raise not_results(path, len(lines) + 1)
        file.truncate(file.tell() - len(torn))
    return trials


def not_results(path: Path, number: int) -> SavedFileError:
    """Return the error for a line that no sweep wrote."""
    return SavedFileError(
        f"{path}, line {number}: this was not written by a sweep, or is damaged. Give "
        f"the sweep another path, or delete that line."
    )


def write_line(file: BinaryIO, key: str, trial: Trial) -> None:
    """Append a trial as a line, and see it on the disk."""
    record = {**json.loads(key), **asdict(trial)}
    file.write(json.dumps(record).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())


# Worker processes


class Processes(ThreadPoolExecutor):
    """Worker processes on this machine, each with one BLAS thread.

    An executor like Python's `ProcessPoolExecutor`, but a worker that is killed takes
    nothing along: another one does its task again, and the others do not notice. If
    its ``with`` block is left by an exception, such as that of Ctrl-C, what is running
    is killed.

    Parameters
    ----------
    workers : int, optional
        How many; by default one for each core.

    Raises
    ------
    InputError
        If it is made while a worker imports the script that started it.
    BackpropError
        From ``result()``, if a task's worker died twice.

    Examples
    --------
    >>> with Processes(1) as executor:
    ...     executor.submit(pow, 2, 10).result()
    1024
    """

    # Each thread of the pool feeds one process through a pipe, and sees it die.

    def __init__(self, workers: int | None = None) -> None:
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            raise InputError(UNDER_MAIN)
        super().__init__(os.cpu_count() if workers is None else workers)
        self._mine = threading.local()
        self._workers: list[tuple[Any, Connection]] = []
        self._starting = threading.Lock()
        self._killed = False

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Have a worker call a function; return the future of what it returns."""
        return super().submit(self._serve, pickle.dumps((fn, args, kwargs)))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks, and end the workers when theirs are done."""
        super().shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            for process, connection in self._workers:
                connection.close()
                process.join()

    def __exit__(self, *why: Any) -> None:
        if why[0] is not None:
            with self._starting:
                self._killed = True
                for process, _ in self._workers:
                    process.kill()
        self.shutdown()

    def _serve(self, task: bytes) -> Any:
        for _ in range(2):
            process, connection = self._worker()
            begun = False
            try:
                connection.send_bytes(task)
                begun = connection.recv()
                answer, error = connection.recv()
            except (EOFError, OSError):  # it is dead
                del self._mine.worker
                process.join()
                if process.exitcode > 0 and not begun:
                    raise InputError(
                        f"A worker process ended before it began; it says above why. "
                        f"{UNDER_MAIN}"
                    ) from None
                continue
            if error is not None:
                raise error
            return answer
        raise BackpropError(
            f"Its worker process died twice, at last with exit code {process.exitcode} "
            f"(a negative one is the number of the signal that killed it; -9 may mean "
            f"that memory ran out)."
        )

    def _worker(self) -> tuple[Any, Connection]:
        if not hasattr(self._mine, "worker"):
            spawn = multiprocessing.get_context("spawn")
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=work, args=(theirs,), daemon=True)
            with self._starting:
                if self._killed:
                    raise CancelledError
                process.start()
                self._mine.worker = process, ours
                self._workers.append(self._mine.worker)
            theirs.close()  # now only the worker holds it: its death can be heard
        return self._mine.worker


def work(connection: Connection) -> None:
    """Do one task after another in a worker process, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it decides what to stop
    threadpool_limits(1)
    with suppress(EOFError, BrokenPipeError):
        while True:
            task = connection.recv_bytes()
            connection.send(True)
            answer, error = None, None
            try:
                function, args, kwargs = pickle.loads(task)
                answer = function(*args, **kwargs)
            except Exception as why:
                error = why
            connection.send((answer, error))


# The gradient of one batch, from many workers


def parallel_gradients(
    network: Network,
    X: Array,
    y: NDArray[Any],
    executor: Executor,
    shards: int,
) -> tuple[float, dict[str, Array]]:
    """Compute the gradient of a batch from the gradients of its shards.

    The loss of a batch is a mean over its examples, so its gradient is the mean of
    its shards' gradients, each weighted by its share of the batch::

        dW = sum over shards of (shard's examples / batch) · shard's dW

    Parameters
    ----------
    network : Network
        Each shard's worker gets a copy; it is not changed itself. `Dropout` rests.
    X : floating-point array (batch, ...)
        The examples of one batch.
    y : array (batch, ...)
        Their targets.
    executor : concurrent.futures.Executor
        Who does the work, as in `sweep`.
    shards : int
        Into how many parts the batch is cut, from 1 to its length; their lengths
        differ by 1 at most.

    Returns
    -------
    loss : float
        Mean over the batch.
    gradients : dict of arrays
        With the keys and shapes of ``network.gradients``, and the same numbers up to
        rounding.

    Raises
    ------
    InputError
        If there are not as many targets as examples, or too few of them for the
        shards.

    Examples
    --------
    >>> from backprop import Dense, SoftmaxCrossEntropy
    >>> network = Network([Dense(2, 2)], loss=SoftmaxCrossEntropy(), seed=0)
    >>> X, y = np.eye(2), np.array([0, 1])
    >>> with ThreadPoolExecutor() as executor:
    ...     loss, gradients = parallel_gradients(network, X, y, executor, shards=2)
    >>> loss == network.loss.forward(network.forward(X), y)
    True
    >>> gradients["0.W"].shape
    (2, 2)
    """
    if len(X) != len(y):
        raise InputError(
            f"parallel_gradients: there must be a target for each example, but there "
            f"are {len(X)} examples and {len(y)} targets."
        )
    if not isinstance(shards, Integral) or not 1 <= shards <= len(X):
        raise InputError(
            f"parallel_gradients: shards must be a whole number from 1 to {len(X)}, "
            f"the length of the batch, but is {shards!r}."
        )
    packed = pickle.dumps(network)  # threads must not share the network's buffers
    parts = list(zip(np.array_split(X, shards), np.array_split(y, shards), strict=True))
    futures = [executor.submit(shard_gradients, packed, *part) for part in parts]
    loss = 0.0
    gradients = {name: np.zeros_like(dW) for name, dW in network.gradients.items()}
    for (_, targets), future in zip(parts, futures, strict=True):
        share = len(targets) / len(y)
        shard_loss, of_shard = future.result()
        loss += share * shard_loss
        for name, dW in gradients.items():
            dW += share * of_shard[name]
    return loss, gradients


def shard_gradients(
    packed: bytes, X: Array, y: NDArray[Any]
) -> tuple[float, dict[str, Array]]:
    """Return loss and gradients of a pickled network for some examples."""
    network = pickle.loads(packed)
    loss = network.loss.forward(network.forward(X), y)
    network.backward(network.loss.backward())
    return loss, network.gradients
