"""What surrounds a training and is no part of it: Ctrl-C, threads, a progress bar.

Each of them is left out where there is no such thing, as in a browser.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

try:
    import signal
    from threading import get_ident
except ImportError:  # a browser has none
    signal = None  # type: ignore[assignment]
try:
    from tqdm import tqdm
except ImportError:
    tqdm = None

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class Listener:
    """Hears Ctrl-C for one thread, and hands it on when no step is at work.

    Attributes
    ----------
    thread : int
        Who is heard for; Python lets only the main thread hear.
    before : function
        To whom Ctrl-C is handed on.
    stepping : bool
        Whether a step is at work.
    came : list
        Ctrl-C of that step, one entry for each time.
    """

    thread: int
    before: Callable[..., Any]
    stepping: bool = False
    came: list[tuple[Any, ...]] = field(default_factory=list)

    def hear(self, *what: Any) -> None:
        """Take Ctrl-C: keep it for the end of the step, or hand it on."""
        if self.stepping:
            self.came.append(what)
        else:
            self.before(*what)


listeners: list[Listener] = []  # the innermost training last


@contextmanager
def listening() -> Iterator[None]:
    """Hear Ctrl-C while trainings run, where there is such a thing and it is heard."""
    before: Any = signal.getsignal(signal.SIGINT) if signal else None
    if not callable(before):
        yield
        return
    listener = Listener(get_ident(), before)
    try:
        signal.signal(signal.SIGINT, listener.hear)
    except ValueError:  # another thread than the main one
        yield
        return
    listeners.append(listener)
    try:
        yield
    finally:
        listeners.remove(listener)
        signal.signal(signal.SIGINT, before)


@contextmanager
def undivided() -> Iterator[None]:
    """Let what stands inside be finished when Ctrl-C comes, then hand it on.

    A step that is cut in the middle would leave some weights moved and others not.
    Setting up a listener takes longer than a small step, so that a training has one
    for all its steps.
    """
    if not listeners:
        with listening():
            if not listeners:  # nobody hears
                yield
                return
            with undivided():
                yield
        return
    listener = listeners[-1]
    if listener.stepping or listener.thread != get_ident():
        yield
        return
    listener.stepping = True
    try:
        yield
    finally:
        listener.stepping = False
        if listener.came:
            listener.before(*listener.came.pop(0))


def one_blas_thread() -> AbstractContextManager[Any]:
    """Let NumPy's matrix products work in one thread for a while.

    They are so small in a mini-batch that threads wait for each other, on a busy
    machine for most of the time. If one of the variables in `THREADS` says how many
    there shall be, that holds; without the package threadpoolctl nothing changes.
    """
    if any(os.environ.get(name) for name in THREADS):
        return nullcontext()
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="blas")
    return limits


@contextmanager
def undisturbed(
    epochs: Iterable[int], total: int, bar: bool
) -> Iterator[Iterable[int]]:
    """Give epochs to a training that nothing shall disturb.

    NumPy does not warn of numbers that are too large, since the training says it
    better; matrix products have one thread; Ctrl-C waits for the end of a step; and a
    bar shows how far it is, if it is asked for.
    """
    quiet = np.errstate(over="ignore", invalid="ignore")
    with quiet, one_blas_thread(), listening(), with_bar(epochs, total, bar) as counted:
        yield counted


@contextmanager
def with_bar(epochs: Iterable[int], total: int, shown: bool) -> Iterator[Iterable[int]]:
    """Give epochs to go through, with a progress bar if one is asked for."""
    if not shown or tqdm is None:
        yield epochs
        return
    # tqdm is not told "disable": that would overrule the variable TQDM_DISABLE.
    with tqdm(epochs, total=total, unit="epoch") as bar:
        yield bar
