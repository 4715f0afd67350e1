"""The exceptions of the library: what each of them means to whoever meets it.

Chapter "Forward propagation" meets one on purpose. All derive from `BackpropError`,
so that one ``except`` catches whatever the library itself complains about. The checks
of settings that several parts need stand below them.
"""

from numbers import Real

import numpy as np


class BackpropError(ValueError):
    """Something the library was given is wrong; the message says what to do.

    Examples
    --------
    >>> issubclass(InputError, BackpropError), issubclass(BackpropError, ValueError)
    (True, True)
    """


class DataError(BackpropError):
    """A data set is missing, damaged, or not what its name promises."""


class InputError(BackpropError):
    """An argument has the wrong shape, type or range."""


class TrainingError(BackpropError):
    """A training went wrong on the way: its loss is no longer a number."""


class SavedFileError(BackpropError):
    """A saved file is missing, damaged, foreign, or of another network or run."""


def check_whole(owner: str, **settings: tuple[int, int]) -> None:
    """Raise `InputError` unless each setting is a whole number and not too small."""
    for name, (value, least) in settings.items():
        if not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(
                f"{owner}: {name} must be a whole number of at least {least}, but is "
                f"{value!r}."
            )


def check_share(owner: str, name: str, value: float) -> None:
    """Raise `InputError` unless a setting is a number from 0 to below 1."""
    if not isinstance(value, Real) or not 0 <= value < 1:
        raise InputError(
            f"{owner}: {name} must be a number from 0 to below 1, but is {value!r}."
        )
