"""The one door: what the arguments of the library must be, and what is said if not.

Each check says whose argument it was, what is expected, what came, and what to write.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.errors import InputError


def shown(value: object) -> str:
    """Return what came, as one would write it, and not longer than a line."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"an array of shape {value.shape} and type {value.dtype}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}... ({type(value).__name__})"


def kind_of(value: object) -> str:
    """Return what came where an array belongs: a list is called that, however long."""
    if isinstance(value, (list, tuple, dict, set)):
        return f"a {type(value).__name__}"
    return shown(value)


def check_whole(owner: str, **settings: tuple[int, int]) -> None:
    """Raise `InputError` unless each setting is a whole number and not too small."""
    for name, (value, least) in settings.items():
        if not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(
                f"{owner}: {name} must be a whole number of at least {least}, but is "
                f"{shown(value)}."
            )


def check_share(owner: str, name: str, value: float) -> None:
    """Raise `InputError` unless a setting is a number from 0 to below 1."""
    if not isinstance(value, Real) or not 0 <= value < 1:
        raise InputError(
            f"{owner}: {name} must be a number from 0 to below 1, but is "
            f"{shown(value)}."
        )


def number(
    owner: object, name: str, value: float, zero: bool = True, below: float = inf
) -> float:
    """Return a setting as Python's float, or raise `InputError`.

    With NumPy's own float64 the same step would be rounded otherwise.
    """
    found = float(value) if isinstance(value, Real) else float("nan")
    if not 0 <= found < below or (found == 0 and not zero):
        bounds = "of at least 0" if zero else "above 0"
        bounds += "" if below == inf else f" and below {below}"
        raise InputError(
            f"{type(owner).__name__}: {name} must be a number {bounds}, but is "
            f"{shown(value)}."
        )
    return found


def check_factor(factor: float) -> float:
    """Return a schedule's factor, or raise `InputError` if no step can be so long."""
    if not isinstance(factor, Real) or not isfinite(factor) or factor < 0:
        raise InputError(
            f"step: the factor of the learning rate must be a finite number of at "
            f"least 0, but is {shown(factor)}. Look at the schedule."
        )
    return float(factor)


def check_made(
    owner: str, name: str, value: object, expected: type, example: str
) -> None:
    """Raise `InputError` unless a thing is an object of a class (not the class)."""
    if not isinstance(value, expected):
        forgotten = isinstance(value, type) and issubclass(value, expected)
        hint = " Did you forget the parentheses?" if forgotten else ""
        raise InputError(
            f"{owner}: {name} must be a {expected.__name__}, but is {shown(value)}."
            f"{hint} Write {example}."
        )


def check_function(
    owner: str, name: str, value: Callable[..., Any] | None, example: str
) -> None:
    """Raise `InputError` unless a thing can be called, or is None."""
    if value is not None and (isinstance(value, type) or not callable(value)):
        raise InputError(
            f"{owner}: {name} must be a function, but is {shown(value)}. Write "
            f"{example}."
        )


def check_finite(X: NDArray[Any], name: str = "X") -> None:
    """Raise `InputError` naming the first row of X that is not finite."""
    # NaN and infinity reach the extremes, which need no array of the size of X.
    if X.size and not (np.isfinite(X.min()) and np.isfinite(X.max())):
        row = int(np.argmin(np.isfinite(X).all(axis=tuple(range(1, X.ndim)))))
        raise InputError(
            f"{name} holds NaN or infinity, first in row {row}. Look at how that "
            f"example was made; a division by zero in the scaling is the usual cause."
        )
