"""MNIST, the handwritten digits: find, download, verify, parse and split them.

Every chapter that trains calls `load_mnist`. Nothing here is taken on trust: a file
counts only with the right checksum, and `Digits.source` says what was loaded.
"""

from backprop.data.digits import Digits
from backprop.data.mnist import find_mnist, load_mnist

__all__ = ["Digits", "find_mnist", "load_mnist"]
