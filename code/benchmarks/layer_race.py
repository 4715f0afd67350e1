"""One convolution layer against its three bare matrix products."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from backprop import Convolution2D

from benchmarks.contestants.products import Products, products_of_convolution
from benchmarks.races import EPOCH, OURS, PRODUCTS, RaceResult
from benchmarks.timing import interleaved

BATCH = 64


class ConvolutionAlone:
    """A convolution layer, forward and backward, without a network around it.

    Parameters
    ----------
    layer : Convolution2D
        What is measured.
    height : int
        Height and width of the images.
    steps : int
        How many steps are an epoch.
    """

    def __init__(self, layer: Convolution2D, height: int, steps: int) -> None:
        self.layer, self.steps = layer, steps
        rng = np.random.default_rng(0)
        shape = (layer.in_channels, height, height, BATCH)
        # As the layer before hands them on: the batch last in memory.
        self.X = rng.random(shape, dtype=np.float32).transpose(3, 0, 1, 2)
        self.dZ = layer.forward(self.X).copy(order="K")

    def epoch(self) -> float:
        """Go forward, and backward to weights and images; return the seconds."""
        start = perf_counter()
        for _ in range(self.steps):
            self.layer.forward(self.X)
            self.layer.backward(self.dZ)
        return perf_counter() - start


def convolution_race(quick: bool) -> RaceResult:
    """Time the second convolution of the small CNN: 16 channels of 12 × 12 to 32.

    Parameters
    ----------
    quick : bool
        Whether a few steps are enough.

    Returns
    -------
    RaceResult
        Seconds for 60,000 images.
    """
    steps, rounds = (5, 3) if quick else (50, 15)
    layer = Convolution2D(16, 32, size=5, stride=2)
    alone = ConvolutionAlone(layer, 12, steps)
    products = Products(products_of_convolution(layer, alone.X), steps)
    scale = EPOCH / (steps * BATCH)
    measured = interleaved({OURS: alone.epoch, PRODUCTS: products.epoch}, rounds)
    seconds = {
        name: [scale * second for second in of_one] for name, of_one in measured.items()
    }
    name = f"convolution layer, batch {BATCH}"
    notes = {OURS: f"{layer} of images of 12 × 12, forward and both gradients"}
    return RaceResult(name, BATCH, steps * BATCH, seconds, notes=notes)
