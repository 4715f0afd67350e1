"""The bare matrix products of a step: what no NumPy program can do without."""

from __future__ import annotations

from math import prod
from time import perf_counter
from typing import NamedTuple

import numpy as np
from backprop import Convolution2D, Network
from numpy.typing import NDArray

from benchmarks.contestants import Array, pairs


class Product(NamedTuple):
    """A matrix product A B and the place where it goes."""

    A: Array
    B: Array
    out: Array


class Products:
    """Matrix products one after another, into memory that is there already.

    Parameters
    ----------
    products : list of Product
        Those of one step.
    steps : int
        How many steps are an epoch.
    """

    def __init__(self, products: list[Product], steps: int) -> None:
        self.products, self.steps = products, steps

    def epoch(self) -> float:
        """Do the products of all steps; return the seconds."""
        start = perf_counter()
        for _ in range(self.steps):
            for A, B, out in self.products:
                np.matmul(A, B, out=out)
        return perf_counter() - start


def products_of_network(network: Network, batch_size: int) -> list[Product]:
    """Return the products of a step of dense layers: X W, Xᵀ dZ and dZ Wᵀ.

    The last of the three is not needed for the first layer.

    Examples
    --------
    >>> from backprop.book.recipes import mlp
    >>> network = mlp(784, 100, 10, seed=0)
    >>> [product.out.shape for product in products_of_network(network, 128)]
    [(128, 100), (128, 10), (100, 10), (128, 100), (784, 100)]
    """
    weights = [W for W, _ in pairs(network.parameters)]
    widths = [len(weights[0]), *(W.shape[1] for W in weights)]
    rng = np.random.default_rng(0)
    X = [rng.random((batch_size, width), dtype=np.float32) for width in widths]
    Z, dX = [np.empty_like(x) for x in X], [np.empty_like(x) for x in X]
    forward = [Product(x, W, z) for x, W, z in zip(X[:-1], weights, Z[1:], strict=True)]
    backward = []
    for layer in reversed(range(len(weights))):
        x, W, dZ = X[layer], weights[layer], X[layer + 1]
        backward.append(Product(x.T, dZ, np.empty_like(W)))
        if layer > 0:
            backward.append(Product(dZ, W.T, dX[layer]))
    return forward + backward


def products_of_convolution(
    layer: Convolution2D, images: NDArray[np.floating]
) -> list[Product]:
    """Return the three products of a convolution layer: Wᵀ P, P dZᵀ and W dZ.

    Parameters
    ----------
    layer : Convolution2D
        Any.
    images : array (batch, in_channels, height, width)
        What goes in.
    """
    W = layer.W.reshape(-1, layer.out_channels)
    batch, _, *sizes = images.shape
    windows = [
        (size + 2 * layer.padding - layer.size) // layer.stride + 1 for size in sizes
    ]
    columns = batch * prod(windows)
    rng = np.random.default_rng(0)
    P = rng.random((len(W), columns), dtype=np.float32)
    dZ = rng.random((layer.out_channels, columns), dtype=np.float32)
    return [
        Product(W.T, P, np.empty_like(dZ)),
        Product(P, dZ.T, np.empty_like(W)),
        Product(W, dZ, np.empty_like(P)),
    ]
