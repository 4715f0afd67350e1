"""The digits in three parts, as a chapter gets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backprop.dataset import Dataset


@dataclass(frozen=True)
class Digits:
    """Handwritten digits in three parts that share no image.

    Attributes
    ----------
    train, validation, test : Dataset
        To learn from; to choose settings by; to be looked at once, at the end.
    source : "mnist" or "embedded"
        Whether these are all of MNIST or the subset that is always there.
    description : str
        The source, the number of images, and why it is only the subset where that
        was not asked for; for people.

    Examples
    --------
    >>> from backprop import load_mnist
    >>> load_mnist("embedded").description
    'embedded subset of MNIST: 4,000 training, 500 validation and 500 test images'
    """

    train: Dataset
    validation: Dataset
    test: Dataset
    source: Literal["mnist", "embedded"]
    description: str
