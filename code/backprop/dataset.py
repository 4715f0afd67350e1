"""Pairs to learn from: inputs, and the target of each.

Chapter "Handwritten digits" meets them as images and labels; they may be biopsies and
diagnoses as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.errors import InputError


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Examples for one purpose: to learn from, to choose by, or to be tested on.

    Attributes
    ----------
    inputs : array (n, ...)
        One example an entry: for MNIST float32 (n, 784), one image a row, pixel by
        pixel from the top left; 0 is paper, 1 is ink.
    targets : array (n, ...)
        What a network should say of each: for MNIST integers (n,), the digit that the
        image shows, 0 to 9.

    Raises
    ------
    InputError
        If inputs and targets are not NumPy arrays of the same length, or a single
        example is asked for by its number; see the examples.

    Examples
    --------
    A slice or an array of indices chooses some of the examples:

    >>> from backprop import load_mnist
    >>> train = load_mnist("embedded").train
    >>> train[:100]
    Dataset(100 examples)
    >>> threes = train[train.targets == 3]
    >>> len(threes)
    400
    """

    inputs: NDArray[np.floating]
    targets: NDArray[Any]

    def __post_init__(self) -> None:
        for name, array in (("inputs", self.inputs), ("targets", self.targets)):
            if not isinstance(array, np.ndarray) or array.ndim == 0:
                raise InputError(
                    f"Dataset: {name} must be a NumPy array with an entry for each "
                    f"example, but is a {type(array).__name__}. Write np.array(...)."
                )
        if len(self.inputs) != len(self.targets):
            raise InputError(
                f"Dataset: there must be one target for each input, but there are "
                f"{len(self.inputs)} inputs and {len(self.targets)} targets."
            )

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(
        self, chosen: slice | list[int] | NDArray[np.integer] | NDArray[np.bool_]
    ) -> Dataset:
        if isinstance(chosen, (int, np.integer)):
            raise InputError(
                f"A Dataset is cut by a slice or an array of indices, but the index is "
                f"{chosen}. One example is data[[{chosen}]]; one input is "
                f"data.inputs[{chosen}]."
            )
        return Dataset(self.inputs[chosen], self.targets[chosen])

    def __repr__(self) -> str:
        return f"Dataset({len(self):,} examples)"
