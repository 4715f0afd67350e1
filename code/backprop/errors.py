"""The exceptions of the library: what each of them means to whoever meets it.

Chapter "Forward propagation" meets one on purpose. All derive from `BackpropError`,
so that one ``except`` catches whatever the library itself complains about.
"""


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
