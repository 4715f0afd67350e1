"""Sweeps: one training for each setting and seed, as many at once as there are workers.

Chapter "Hyper-parameters" sweeps settings over seeds. The work goes to a
`concurrent.futures.Executor`: threads, processes, or the workers of a Dask cluster.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import BrokenExecutor, CancelledError, ProcessPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice, product
from multiprocessing.connection import Connection, wait
from numbers import Integral, Real
from pathlib import Path
from threading import Thread
from traceback import format_exc
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from backprop.errors import BackpropError, InputError, SavedFileError
from backprop.saving import check_folder

if sys.platform != "win32":
    import fcntl

Array = NDArray[np.floating]
Setting = dict[str, Any]
Run = Callable[..., dict[str, float]]
Todo = dict[str, tuple[Setting, int]]  # setting and seed of trials, by their keys
Arrivals = Generator[tuple[str, "Trial"], None, None]

IDENTITY = ("code", "run", "seed", "setting")  # what makes a trial the same one
LINE_START = b'{"code": "'  # of every line in a file of results
ENDED = "Its worker process ended, though nothing else ran; did it use up the memory?"
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
    executor: futures.Executor | None = None,
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
        Who does the work: by default processes of the sweep's own, one for each core.
        For a Dask cluster it is ``client.get_executor()``.
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

    If one of the sweep's own processes is killed, what it did and what ran beside it is
    run again. A trial whose process ends even though it runs alone has failed.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
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
    with results_file(Path(path)) as (file, trials):
        missing = {key: todo for key, todo in wanted.items() if key not in trials}
        arriving = (
            from_processes(run, missing)
            if executor is None
            else from_executor(nullcontext(executor), run, missing)
        )
        # tqdm is not told "disable": that would overrule the variable TQDM_DISABLE.
        bar = tqdm(arriving, total=len(missing), unit="trial") if progress else arriving
        with closing(arriving), closing(bar), threadpool_limits(1):
            try:
                for key, trial in bar:
                    trials[key] = trial
                    write_line(file, key, trial)
                    if each is not None:
                        each(trial)
            except (BrokenExecutor, CancelledError) as why:
                raise BackpropError(
                    f"sweep: the executor broke ({type(why).__name__}: {why}). What "
                    f"had finished is in {path}. Make a new executor and sweep again: "
                    f"only the rest is run."
                ) from None
    results = [trials[key] for key in wanted]
    warn_of_failures(results)
    return results


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


# Who does the work


def attempt(run: Run, seed: int, setting: Setting) -> tuple[dict[str, float], str]:
    """Do one trial, wherever that is; return its numbers and its traceback."""
    threadpool_limits(1)
    try:
        answer = run(seed, **setting)
    except (Exception, SystemExit):  # a trial does not end the sweep
        return {}, format_exc()
    return checked_numbers(answer), ""


def from_executor(
    opened: AbstractContextManager[futures.Executor], run: Run, todo: Todo
) -> Arrivals:
    """Yield trials as they finish; raise at the end if the executor broke."""
    keys: dict[futures.Future[tuple[dict[str, float], str]], str] = {}
    broken: Exception | None = None
    try:
        with opened as executor:
            try:
                for key, (setting, seed) in todo.items():
                    keys[executor.submit(attempt, run, seed, setting)] = key
            except BrokenExecutor as why:
                broken = why
            for future in futures.as_completed(keys):
                try:
                    answer = future.result()
                except (BrokenExecutor, CancelledError) as why:
                    broken = why  # but other trials may have finished
                    continue
                except InputError:
                    raise
                except Exception as why:  # Dask gave it up, or cannot import run
                    answer = {}, f"{type(why).__name__}: {why}"
                yield keys[future], Trial(*todo[keys[future]], *answer)
    finally:  # after `with`, because canceled work confuses a pool that breaks
        for future in keys:
            future.cancel()
    if broken is not None:
        raise broken


def from_processes(run: Run, todo: Todo) -> Arrivals:
    """Yield trials as they finish in worker processes, any of which may be killed.

    That breaks their pool, and what is missing runs again in a new one. If that breaks
    too, trials run alone, until the one is found that ends its process.
    """
    rest, breaks = dict(todo), 0
    while rest:
        alone = breaks >= 2
        now = dict(islice(rest.items(), 1 if alone else None))
        try:
            for key, trial in from_executor(processes(run, alone), run, now):
                del rest[key]
                yield key, trial
        except BrokenExecutor:
            breaks += 1
            if alone:
                [key] = now
                yield key, Trial(*rest.pop(key), {}, ENDED)
                breaks = 1


@contextmanager
def processes(run: Run, alone: bool) -> Iterator[ProcessPoolExecutor]:
    """Open a pool of processes that can import `run`; an exception kills them."""
    spawn = multiprocessing.get_context("spawn")
    theirs, ours = spawn.Pipe(duplex=False)
    pool = ProcessPoolExecutor(1 if alone else None, spawn, begin_worker, (theirs,))
    with theirs, ours, pool:
        try:
            pool.submit(callable, run).result()
            yield pool
        except BrokenExecutor:
            raise InputError(
                f"sweep: a worker process ended before it could import "
                f"{run.__module__}.{run.__name__}; it says above why. {UNDER_MAIN}"
            ) from None
        except BaseException:
            ours.close()  # which ends them
            raise


def begin_worker(lifeline: Connection) -> None:
    """Make this process end with the sweep, however that ends, and not by Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=end_worker, args=(lifeline,), daemon=True).start()


def end_worker(lifeline: Connection) -> None:
    """Wait until the sweep closes its end of a pipe, or is dead; end this process."""
    wait([lifeline])
    os._exit(1)


# What is checked before and after a trial


def check_function(run: Run, executor: futures.Executor | None) -> None:
    """Raise `InputError` unless workers can find the function by its name."""
    if not inspect.isfunction(run) or "<" in run.__qualname__:
        raise InputError(
            f"sweep: run must be a function that stands at the top of a module, but is "
            f"{run!r}. What it needs besides goes into the grid, as lists of one."
        )
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise InputError(UNDER_MAIN)  # a worker imports the script that started it
    spawns = executor is None or isinstance(executor, ProcessPoolExecutor)
    main = sys.modules["__main__"]
    if spawns and run.__module__ == "__main__" and not hasattr(main, "__file__"):
        raise InputError(
            f"sweep: {run.__name__} is defined in a notebook or at a prompt, where "
            f"worker processes cannot find it. Write it to a file (with %%writefile "
            f"trial.py on top of its cell) and import it from there, or give the sweep "
            f"executor=ThreadPoolExecutor()."
        )


def checked_trials(run: Run, settings: Iterable[Setting], seeds: Iterable[int]) -> Todo:
    """Return all pairs of a setting and a seed by their keys, or raise `InputError`."""
    if not isinstance(seeds, Iterable):
        raise InputError(
            f"sweep: seeds must be several numbers, such as range(3), but is {seeds!r}."
        )
    code, name = fingerprint(run), f"{run.__module__}.{run.__qualname__}"
    trials: Todo = {}
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
    signature = inspect.signature(run)
    try:
        signature.bind(seed, **setting)
        if (kept := json.loads(json.dumps(setting, allow_nan=False))) != setting:
            raise ValueError(f"JSON keeps it as {kept}")
    except (TypeError, ValueError) as why:
        raise InputError(
            f"sweep: {run.__name__}{signature} cannot be run with {setting}: {why}. A "
            f"setting names all arguments but the seed, and JSON must keep them: "
            f"numbers, texts, True, False, None, and lists of them; no tuples, no NaN."
        ) from None


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
    """Return a digest of the code that the numbers of a trial come from.

    No number hangs on what draws, nor on what editors leave in hidden files.
    """
    source = Path(inspect.getsourcefile(run) or "")
    try:
        text = source.read_text("utf-8") if source.is_file() else inspect.getsource(run)
    except OSError:
        raise InputError(
            f"sweep: the source of {run.__name__} cannot be read, and the results must "
            f"say which code they come from. Define it in a file or a notebook."
        ) from None
    digest = hashlib.sha256((np.__version__ + text).encode())
    library = Path(__file__).parents[1]
    for module in sorted(library.rglob("*.py")):
        parts = module.relative_to(library).parts
        if parts[0] != "plots" and not any(part.startswith(".") for part in parts):
            digest.update(module.read_bytes())
    return digest.hexdigest()[:16]


def key_of(record: dict[str, Any]) -> str:
    """Return the text that stands for a trial: what makes it the same one."""
    return json.dumps({name: record[name] for name in IDENTITY}, sort_keys=True)


@contextmanager
def results_file(path: Path) -> Iterator[tuple[BinaryIO, dict[str, Trial]]]:
    """Open a file of results for one sweep only; give also its finished trials."""
    check_folder(path)
    if path.is_dir():
        raise SavedFileError(f"{path} is a folder; give the results a file in it.")
    if path.exists() and not path.is_file():
        raise SavedFileError(f"{path} is a pipe or a device; name an ordinary file.")
    try:
        opened = path.open("a+b")
    except OSError as why:
        raise SavedFileError(
            f"{path} cannot be written ({why.strerror}); name another file."
        ) from None
    with opened as file:
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
    if torn[: len(LINE_START)] != LINE_START[: len(torn)]:
        lines.append(torn)  # no sweep began it
    trials = {}
    for number, line in enumerate(lines, start=1):
        try:
            key, trial = read_line(line)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise SavedFileError(
                f"{path}, line {number}: this was not written by a sweep, or is "
                f"damaged: {line[:60]!r}. Give the sweep another path, or delete that "
                f"line."
            ) from None
        if not trial.error:
            trials[key] = trial
    file.truncate(file.tell() - len(torn))
    return trials


def read_line(line: bytes) -> tuple[str, Trial]:
    """Return the key and the trial that `write_line` wrote, or raise."""
    record = json.loads(line)
    trial = Trial(*(record[name] for name in ("setting", "seed", "numbers", "error")))
    kinds = [
        (trial.setting, dict),
        (trial.seed, int),
        (trial.error, str),
        *((record[name], str) for name in ("code", "run")),
    ]
    if not all(isinstance(value, kind) for value, kind in kinds):
        raise TypeError("a part of another kind")
    checked_numbers(trial.numbers)
    return key_of(record), trial


def write_line(file: BinaryIO, key: str, trial: Trial) -> None:
    """Append a trial as a line, and see it on the disk."""
    file.write(json.dumps({**json.loads(key), **asdict(trial)}).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())
