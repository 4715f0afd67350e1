"""Arrays by name, as `parameters` and `gradients` hand them out.

Chapter "Building the network" meets them. The arrays belong to layers; what is assigned
under a name is copied into the layer's array, so that no assignment is lost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from backprop.errors import InputError

Array = NDArray[np.floating]


def room(owner: object, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
    """Return an array with arbitrary content to compute in, the same for each step.

    Where arrays are large, to ask for them anew each time takes as long as to fill
    them. The owner keeps them in its attribute ``room``, which a copy does without.
    """
    rooms: dict[str, Array] = vars(owner).setdefault("room", {})
    if name not in rooms or rooms[name].shape != shape or rooms[name].dtype != dtype:
        rooms[name] = np.empty(shape, dtype)
    return rooms[name]


class NamedArrays(dict[str, Array]):
    """A dictionary of arrays whose names and shapes are fixed.

    Reading gives the array itself; assigning copies values into it.

    Parameters
    ----------
    arrays : mapping of str to array
        The arrays, of any shapes.

    Raises
    ------
    InputError
        If a name is assigned that is not there or is taken out, or if values do not
        have the shape of their array or are no numbers. Nothing has changed then.

    Examples
    --------
    >>> arrays = NamedArrays({"W": np.zeros((1, 2)), "b": np.zeros(2)})
    >>> arrays["b"] = [0.5, -1.0]
    >>> arrays
    {'W': array([[0., 0.]]), 'b': array([ 0.5, -1. ])}
    """

    def __setitem__(self, name: str, values: ArrayLike) -> None:
        self.update({name: values})

    def update(self, *others: Any, **more: ArrayLike) -> None:
        """Copy the values of several arrays, all of them or none."""
        new = dict(*others, **more)
        fitting = {
            name: self._fitting(self._known(name), values)
            for name, values in new.items()
        }
        for name, values in fitting.items():
            self[name][...] = values

    def __ior__(self, other: Any) -> NamedArrays:  # type: ignore[override, misc]
        self.update(other)
        return self

    def setdefault(self, name: str, values: Any = None) -> Array:
        """Return the array; there is no other to be set."""
        return self[self._known(name)]

    def __delitem__(self, name: str) -> None:
        raise InputError(
            f"The array {name!r} cannot be taken out: it belongs to a layer. Set it to "
            f"0 with [{name!r}] = 0, or build a network without it."
        )

    def pop(self, name: str, *default: Any) -> Any:
        """Raise `InputError`: no array can be taken out."""
        del self[name]

    def popitem(self) -> Any:
        """Raise `InputError`: no array can be taken out."""
        del self[next(iter(self), "")]

    def clear(self) -> None:
        """Raise `InputError`: no array can be taken out."""
        self.popitem()

    def __reduce__(self) -> tuple[Any, ...]:
        return NamedArrays, (dict(self),)

    def _known(self, name: str) -> str:
        if name not in self:
            raise InputError(
                f"There is no array {name!r}; there are {', '.join(self) or 'none'}."
            )
        return name

    def _fitting(self, name: str, values: ArrayLike) -> NDArray[Any]:
        """Return values that can be copied into an array, or raise `InputError`."""
        array = self[name]
        try:
            new = np.asarray(values)
        except ValueError as why:  # rows of several lengths
            raise InputError(f"{name!r} takes an array, but got: {why}") from None
        if new.dtype.kind not in "biuf":
            raise InputError(f"{name!r} takes numbers, but got {new.dtype}.")
        if new.shape not in (array.shape, ()):
            raise InputError(
                f"{name!r} has shape {array.shape}, but was given values of shape "
                f"{new.shape}."
            )
        return new
