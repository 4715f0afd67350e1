"""What a layer, a loss, an optimizer or an augmentation says of itself.

Chapter "Building the network" relies on it for layers of one's own: an object was made
with certain arguments and keeps each of them under its own name. That is how it is
printed, and how a saved file tells whether it belongs to it.
"""

from __future__ import annotations

import inspect
import zlib
from typing import Any

import numpy as np

from backprop.errors import InputError

LONGEST = 600


def settings_of(thing: object) -> dict[str, Any]:
    """Return what an object was made with, by the names of its arguments.

    Parameters
    ----------
    thing : object
        Of a class that keeps each argument of ``__init__`` as an attribute of the
        same name.

    Returns
    -------
    dict of str to object
        In the order of the arguments.

    Raises
    ------
    InputError
        If an argument is not kept.

    Examples
    --------
    >>> from backprop import Dense
    >>> list(settings_of(Dense(3, 2)))
    ['inputs', 'outputs', 'initialization']
    """
    found = {}
    for name in signature_of(thing):
        if not hasattr(thing, name):
            raise InputError(
                f"{type(thing).__name__} does not say with which {name} it was made. "
                f"Keep the argument under its own name: self.{name} = {name}."
            )
        found[name] = getattr(thing, name)
    return found


def signature_of(thing: object) -> dict[str, inspect.Parameter]:
    """Return the named arguments of an object's ``__init__``, by name."""
    if type(thing).__init__ is object.__init__:
        return {}
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        name: argument
        for name, argument in inspect.signature(type(thing)).parameters.items()
        if argument.kind not in several
    }


def printed(thing: object, named: bool = False) -> str:
    """Return how an object was made, as one would write it.

    What is as it is unless one says something else is left out, and so are functions
    that may be left out: the initialization of a layer.

    Parameters
    ----------
    thing : object
        As for `settings_of`.
    named : bool, optional
        Whether all arguments are printed with their names, the first one always.

    Returns
    -------
    str
        For example ``"Dense(3, 2)"``.

    Examples
    --------
    >>> from backprop import Dense, Convolution2D
    >>> printed(Convolution2D(1, 8, size=3, padding=1))
    'Convolution2D(1, 8, 3, padding=1)'
    """
    written: list[str] = []
    for name, argument in signature_of(thing).items():
        value = getattr(thing, name, "?")
        if named and not written:
            written.append(f"{name}={word_for(value)}")
        elif argument.default is inspect.Parameter.empty:
            written.append(word_for(value))
        elif not callable(value) and not np.array_equal(value, argument.default):
            written.append(f"{name}={word_for(value)}")
    return f"{type(thing).__name__}({', '.join(written)})"


def identity_of(thing: Any) -> Any:
    """Return, as JSON can write it, what tells an object from others of its kind.

    Parameters
    ----------
    thing : object
        A number, a text, None, an array, a function of a module, or an object of
        which `settings_of` speaks; lists and dictionaries of these.

    Returns
    -------
    object
        Equal for two things that do the same, also in another session.

    Raises
    ------
    InputError
        If it cannot be told from others: a lambda, a function within a function.

    Examples
    --------
    >>> from backprop import Dropout, cosine
    >>> identity_of(cosine)
    'backprop.schedules.cosine'
    >>> identity_of(Dropout(0.5))
    ['backprop.layers.Dropout', {'rate': 0.5}]
    """
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if isinstance(thing, np.generic):
        return thing.item()
    if isinstance(thing, np.ndarray):
        content = zlib.crc32(np.ascontiguousarray(thing).view(np.uint8).data)
        return ["array", str(thing.dtype), list(thing.shape), content]
    if isinstance(thing, (list, tuple)):
        return [identity_of(one) for one in thing]
    if isinstance(thing, dict):
        return {str(name): identity_of(value) for name, value in thing.items()}
    if inspect.isroutine(thing):
        return name_of(thing)
    own = getattr(thing, "settings", None)
    settings = settings_of(thing) if own is None else own
    return [name_of(type(thing)), identity_of(settings)]


def told(identity: Any) -> str:
    """Return an identity in words.

    Parameters
    ----------
    identity : object
        From `identity_of`, or from a file, where it may be anything that JSON holds.

    Returns
    -------
    str
        On one line, and not longer than a message bears.

    Examples
    --------
    >>> from backprop import Dense
    >>> told(identity_of(Dense(3, 2).settings))
    '{inputs: 3, outputs: 2}'
    >>> told(identity_of([Dense(3, 2)]))
    '[Dense(inputs=3, outputs=2)]'
    """
    try:
        text = in_words(identity)
    except RecursionError:
        return "something nested without end"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def in_words(identity: Any) -> str:
    """Return an identity in words, however long."""
    match identity:
        case ["array", str(dtype), list(shape), int(checksum)]:
            return f"{dtype} array of shape {tuple(shape)}, checksum {checksum:08x}"
        case [str(name), dict(settings)]:
            inside = ", ".join(
                f"{n}={in_words(value)}" for n, value in settings.items()
            )
            return f"{name.rpartition('.')[2]}({inside})"
        case list(things):
            return f"[{', '.join(in_words(thing) for thing in things)}]"
        case dict(things):
            return f"{{{', '.join(f'{n}: {in_words(v)}' for n, v in things.items())}}}"
        case str(name):
            return name.removeprefix("backprop.")
    return repr(identity)


def name_of(thing: Any) -> str:
    """Return where a function or class stands, or raise `InputError` if nowhere."""
    name = getattr(thing, "__qualname__", "<")
    if "<" in name:
        raise InputError(
            f"{thing!r} cannot be told from other functions when the file is read "
            f"again. Give it a name of its own: a def that stands in no other function."
        )
    return f"{thing.__module__}.{name}"


def word_for(value: Any) -> str:
    """Return a value as one would write it: a function by its name."""
    return getattr(value, "__name__", None) or repr(value)
