"""More data out of the same data: every image a little moved, turned or bent.

Chapter "Remedies" uses it. An augmentation is a function of a batch of images
and a generator that returns new images of the same shape; the labels stay, because a
digit that is moved a little is the same digit. `train` calls it for each mini-batch,
so that the network hardly ever sees the same image twice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import isqrt

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from backprop.checks import check_whole, number
from backprop.errors import InputError
from backprop.identity import printed

Array = NDArray[np.floating]
Augmentation = Callable[[Array, np.random.Generator], Array]

WAVES = 4  # along each side: a constant, and 1, 2 and 3 half waves


class Shift:
    """Move each image by whole pixels, right or left and up or down.

    Parameters
    ----------
    pixels : int
        How far at most, at least 0; every distance is equally likely. What comes in
        over the border is paper (0).

    Raises
    ------
    InputError
        If the distance is not a whole number of at least 0 or, when called, if the
        images are not rows of a square.

    Examples
    --------
    >>> image = np.zeros((1, 9))
    >>> image[0, 4] = 1  # the middle of 3 × 3 pixels
    >>> Shift(1)(image, np.random.default_rng(0)).reshape(3, 3)
    array([[0., 1., 0.],
           [0., 0., 0.],
           [0., 0., 0.]])
    """

    def __init__(self, pixels: int) -> None:
        check_whole("Shift", pixels=(pixels, 0))
        self.pixels = int(pixels)

    def __repr__(self) -> str:
        return printed(self)

    def __call__(self, images: Array, rng: np.random.Generator) -> Array:
        """Return the images (n, side²), each moved on its own."""
        side, far = side_of(images), self.pixels
        padded = with_border(images, side, far)
        windows = sliding_window_view(padded, (side, side), axis=(1, 2))
        down, right = rng.integers(0, 2 * far + 1, (2, len(images)))
        return windows[np.arange(len(images)), down, right].reshape(images.shape)


class Warp:
    """Move, turn, stretch and bend each image, as another hand would have written it.

    Each pixel of the new image is looked up at a place near its own in the old one.
    The way there is a smooth random field: in each direction a sum of a few fixed
    shapes (a constant, the two coordinates, long waves) with random weights::

        move(y, x) = shift + affine part · (y, x) + waves with random heights

    Parameters
    ----------
    shift : float, optional
        How far an image moves at most in each direction, in pixels, at least 0.
    affine : float, optional
        Standard deviation of the four entries by which the matrix of the turning and
        stretching differs from the identity, at least 0; 0.1 turns by about 6°.
    elastic : float, optional
        Standard deviation of the height of each wave, in pixels, at least 0.

    Raises
    ------
    InputError
        If a setting is out of its range or, when called, if the images are not rows
        of a square or not floating-point numbers.

    References
    ----------
    Simard, Steinkraus, Platt (2003), "Best Practices for Convolutional Neural
    Networks Applied to Visual Document Analysis", section 2. They smooth a random
    field with a Gaussian; a sum of waves is as smooth, and one matrix product for a
    whole batch.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((2, 784), dtype=np.float32)
    >>> Warp(shift=1, affine=0.1, elastic=0.4)(images, np.random.default_rng(0)).shape
    (2, 784)
    >>> np.array_equal(Warp()(images, np.random.default_rng(0)), images)
    True
    """

    def __init__(
        self, shift: float = 0.0, affine: float = 0.0, elastic: float = 0.0
    ) -> None:
        self.shift = number(self, "shift", shift)
        self.affine = number(self, "affine", affine)
        self.elastic = number(self, "elastic", elastic)

    def __repr__(self) -> str:
        return printed(self)

    def __call__(self, images: Array, rng: np.random.Generator) -> Array:
        """Return the images (n, side²), each warped on its own."""
        side = side_of(images)
        if not np.issubdtype(images.dtype, np.floating):
            raise InputError(
                f"Warp: the images must be floating-point numbers, but are "
                f"{images.dtype}. Pixels from 0 to 255 become images / 255."
            )
        shapes = smooth_shapes(side).astype(images.dtype)  # (shapes, side²)
        spread = np.full(len(shapes), self.elastic, images.dtype)
        spread[0], spread[1:3] = 0, self.affine
        weights = (
            rng.standard_normal((2, len(images), len(shapes)), np.float32) * spread
        )
        weights[:, :, 0] = rng.uniform(-self.shift, self.shift, (2, len(images)))
        down, right = weights @ shapes  # (n, side²) each, in pixels
        return look_up(images, down, right)


@cache
def smooth_shapes(side: int) -> Array:
    """Return the shapes of which the moves are made, on a square of side² pixels.

    Parameters
    ----------
    side : int
        Pixels along each side.

    Returns
    -------
    array (2 + WAVES², side²), float64
        A constant; the distances from the middle, down and right, in pixels; and
        cosines of up to WAVES - 1 half waves along each side.

    Examples
    --------
    >>> smooth_shapes(28).shape
    (18, 784)
    """
    along = np.arange(side)
    middle = along - (side - 1) / 2
    waves = [np.cos(np.pi * k * (along + 0.5) / side) for k in range(WAVES)]
    ones = np.ones(side)
    shapes = [np.outer(ones, ones), np.outer(middle, ones), np.outer(ones, middle)]
    shapes += [np.outer(a, b) for a in waves for b in waves][1:]  # no constant twice
    result = np.array(shapes).reshape(len(shapes), -1)
    result.setflags(write=False)  # every caller gets the same one
    return result


def look_up(images: Array, down: Array, right: Array) -> Array:
    """Read images at moved places, by the weighted mean of the four nearest pixels.

    Parameters
    ----------
    images : array (n, side²)
        One a row.
    down, right : array (n, side²)
        For each pixel of the new images, how far away in the old one it is read.

    Returns
    -------
    array (n, side²)
        The new images; outside of the old ones there is paper (0).

    Examples
    --------
    >>> image = np.array([[0.0, 1.0, 0.0, 0.0]])  # 2 × 2 pixels
    >>> look_up(image, np.zeros((1, 4)), np.full((1, 4), 0.25))
    array([[0.25, 0.75, 0.  , 0.  ]])
    """
    side = side_of(images)
    wide = side + 4
    pixels = with_border(images, side, 2).ravel()
    y, x = np.divmod(np.arange(side**2, dtype=images.dtype), side)
    y = np.clip(y + 2 + down, 0, side + 2)  # beyond the border all is paper
    x = np.clip(x + 2 + right, 0, side + 2)
    top, left = y.astype(np.intp), x.astype(np.intp)
    y -= top  # how far the place is below the upper pixels, 0 to 1
    x -= left
    # The rows stand one behind the other, so that one index finds a pixel.
    corner = top * wide + left + np.arange(len(images))[:, np.newaxis] * wide**2
    upper = pixels[corner] * (1 - x) + pixels[corner + 1] * x
    lower = pixels[corner + wide] * (1 - x) + pixels[corner + wide + 1] * x
    return upper * (1 - y) + lower * y


def with_border(images: Array, side: int, border: int) -> Array:
    """Return images (n, side²) as (n, wide, wide) with a border of zeros."""
    wide = side + 2 * border
    padded = np.zeros((len(images), wide, wide), images.dtype)
    inside = slice(border, border + side)
    padded[:, inside, inside] = images.reshape(-1, side, side)
    return padded


def side_of(images: Array) -> int:
    """Return the side of square images (n, side²), or raise `InputError`."""
    shape = np.shape(images)
    if len(shape) != 2 or isqrt(shape[1]) ** 2 != shape[1]:
        raise InputError(
            f"The images must be rows of the pixels of a square, as (n, 784) is of "
            f"28 × 28, but have shape {shape}."
        )
    return isqrt(shape[1])
