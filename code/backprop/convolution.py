"""Layers for images: convolution, pooling, and the way from rows to images and back.

Chapter "Other architectures" derives them. Images have the shape (batch, channels,
height, width). In memory the batch comes last, so that one slice of all images of a
batch is a row of numbers without gaps; only the speed hangs on that, no result does.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike, NDArray

from backprop.arrays import room
from backprop.checks import check_whole
from backprop.errors import InputError
from backprop.initialization import Initialization, he
from backprop.layers import (
    Layer,
    check_array,
    check_gradient,
    check_type,
    drawn_weights,
)

Array = NDArray[np.floating]


class Convolution2D(Layer):
    """A convolution layer: one small window of weights, used all over the image.

    Every output is a weighted sum of a size × size window of the input, over all
    its channels::

        Z[n, o, y, x] = b[o] + sum of W[c, i, j, o] X[n, c, y·stride + i, x·stride + j]
                               over c, i, j

    This is what other fields call cross-correlation: the window is not flipped. For
    each place (i, j) in the window, slice the image once and you have that factor
    for all outputs. Stacked, the slices are a matrix P, one column an output, and
    the layer is a dense one that shares its weights::

        Z = Wᵀ P + b

    Backward, from dZ = ∂L/∂Z::

        dW = P dZᵀ      db = sum of dZ over batch, y and x      dP = W dZ

    and every entry of dX is the sum of the entries of dP that were copied from it.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of what comes in and of what goes out, both at least 1.
    size : int
        Height and width of the window in pixels, at least 1.
    stride : int, optional
        Pixels from one window to the next, at least 1 (default).
    padding : int, optional
        Rows and columns of zeros around the image, at least 0 (default).
    initialization : function (rng, inputs, outputs) -> array, optional
        Draws the weights, as for `Dense`; inputs are those of one window,
        in_channels · size². Biases start at 0.

    Attributes
    ----------
    W, dW : array (in_channels, size, size, out_channels)
        Weights and the gradient of the loss by them.
    b, db : array (out_channels,)
        Biases and the gradient of the loss by them.

    Raises
    ------
    InputError
        If a setting is out of its range or, from ``forward``, if the images have
        the wrong shape, are smaller than the window, or have another floating-point
        type than the weights.

    References
    ----------
    LeCun, Bottou, Bengio, Haffner (1998), "Gradient-Based Learning Applied to
    Document Recognition", section II.

    Examples
    --------
    >>> layer = Convolution2D(1, 1, size=2)
    >>> layer.initialize(np.random.default_rng(0), np.float64)
    >>> layer.W[0, :, :, 0] = [[-1.0, 1.0], [-1.0, 1.0]]  # dark to the right?
    >>> edge = np.array([[[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]]])
    >>> layer.forward(edge)
    array([[[[0., 2.]]]])
    """

    parameter_names = ("W", "b")
    weight_names = ("W",)
    memory_names = ("P", "X_shape", "Z", "room")

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        stride: int = 1,
        padding: int = 0,
        initialization: Initialization = he,
    ) -> None:
        check_whole(
            "Convolution2D",
            in_channels=(in_channels, 1),
            out_channels=(out_channels, 1),
            size=(size, 1),
            stride=(stride, 1),
            padding=(padding, 0),
        )
        self.in_channels, self.out_channels = int(in_channels), int(out_channels)
        self.size, self.stride, self.padding = int(size), int(stride), int(padding)
        self.initialization = initialization
        self.initialize(np.random.default_rng(0))

    def initialize(
        self, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> None:
        """Draw the weights anew and set the biases to zero."""
        inputs = self.in_channels * self.size**2
        W = drawn_weights(self, self.initialization, rng, inputs, self.out_channels)
        shape = (self.in_channels, self.size, self.size, self.out_channels)
        self.W = W.astype(dtype).reshape(shape)
        self.b = np.zeros(self.out_channels, dtype)
        self.dW = np.zeros_like(self.W)
        self.db = np.zeros_like(self.b)

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return Z, shape (batch, out_channels, height', width').

        X has shape (batch, in_channels, height, width), and
        height' = (height + 2 padding - size) // stride + 1, likewise the width.
        """
        self._check(X)
        X = self._padded(batch_last(X))  # (in_channels, height, width, batch)
        rows, columns = (1 + (n - self.size) // self.stride for n in X.shape[1:3])
        window = (self.in_channels, self.size, self.size)
        P = room(self, "P", (*window, rows, columns, X.shape[3]), X.dtype)
        windows = sliding_window_view(X, (self.size, self.size), axis=(1, 2))
        windows = windows[:, :: self.stride, :: self.stride]  # (…, batch, size, size)
        np.copyto(P, windows.transpose(0, 4, 5, 1, 2, 3))
        self.P, self.X_shape = P, X.shape
        Z = self._as_matrix(self.W).T @ as_columns(P, 3)  # (out_channels, outputs)
        Z += self.b[:, np.newaxis]
        self.Z = batch_first(Z.reshape(self.out_channels, *P.shape[3:]))
        return self.Z

    def backward(self, dZ: Array, input_gradient: bool = True) -> Array | None:
        """Fill dW and db from dZ, of Z's shape; return dX, of X's shape."""
        check_gradient(self, dZ, "Z")
        D = as_columns(batch_last(dZ), 1)  # (out_channels, outputs)
        self.dW = (as_columns(self.P, 3) @ D.T).reshape(self.W.shape)
        self.db = D.sum(axis=1)
        if not input_gradient:
            return None
        dP = room(self, "dP", self.P.shape, dZ.dtype)
        np.matmul(self._as_matrix(self.W), D, out=as_columns(dP, 3))
        dX = np.zeros(self.X_shape, dZ.dtype)
        for i, j in np.ndindex(self.size, self.size):
            dX[self._slice(i, j, *dP.shape[3:5])] += dP[:, i, j]
        border = slice(self.padding, -self.padding or None)
        return batch_first(dX[:, border, border])

    def _slice(self, i: int, j: int, rows: int, columns: int) -> tuple[slice, ...]:
        """Return what place (i, j) of the window sees of an image, over all windows."""
        below, right = i + rows * self.stride, j + columns * self.stride
        return (slice(None), slice(i, below, self.stride), slice(j, right, self.stride))

    def _as_matrix(self, W: Array) -> Array:
        """Return W or dW as a matrix (in_channels · size², out_channels), a view."""
        return W.reshape(-1, self.out_channels)

    def _padded(self, X: Array) -> Array:
        """Return X (channels, height, width, batch) with its border of zeros."""
        if self.padding == 0:
            return X
        channels, height, width, batch = X.shape
        extra = 2 * self.padding
        shape = (channels, height + extra, width + extra, batch)
        padded = np.zeros(shape, X.dtype)
        inside = slice(self.padding, -self.padding)
        padded[:, inside, inside] = X
        return padded

    def _check(self, X: Array) -> None:
        check_images(self, X, self.in_channels)
        smallest = self.size - 2 * self.padding
        if min(X.shape[2:]) < smallest:
            raise InputError(
                f"{self}: the images must be at least {smallest} pixels high and "
                f"wide, but are {X.shape[2]} × {X.shape[3]}. Take a smaller window or "
                f"more padding."
            )
        check_type(self, X, self.W)


class MaxPooling2D(Layer):
    """Keep the largest value of each window.

    The windows stand side by side, so the image shrinks by their size. Backward:
    the gradient of a window goes to the entry that was the largest, the others
    had no part in the output and get 0. Of several that are equal, the first does.

    Parameters
    ----------
    size : int
        Height and width of a window in pixels, at least 1.

    Raises
    ------
    InputError
        If the size is not a whole number of at least 1 or, from ``forward``, if
        the input is no batch of images or their height or width is not a multiple
        of the size.

    Examples
    --------
    >>> pooling = MaxPooling2D(2)
    >>> pooling.forward(np.array([[[[1.0, 5.0], [2.0, 3.0]]]]))
    array([[[[5.]]]])
    >>> pooling.backward(np.array([[[[10.0]]]]))
    array([[[[ 0., 10.],
             [ 0.,  0.]]]])
    """

    memory_names = ("X", "A", "output")

    def __init__(self, size: int) -> None:
        check_whole("MaxPooling2D", size=(size, 1))
        self.size = int(size)

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return A (batch, channels, height / size, width / size)."""
        check_images(self, X)
        if X.shape[2] % self.size or X.shape[3] % self.size:
            raise InputError(
                f"{self}: height and width must be multiples of {self.size}, but the "
                f"images are {X.shape[2]} × {X.shape[3]}. Take another size, or "
                f"another padding in the convolution before."
            )
        self.X = batch_last(X)
        channels, height, width, batch = self.X.shape
        small = (channels, height // self.size, width // self.size, batch)
        self.A = np.full(small, -np.inf, X.dtype)
        for place in self._places():
            np.maximum(self.A, self.X[place], out=self.A)
        self.output = batch_first(self.A)
        return self.output

    def backward(self, dA: Array, input_gradient: bool = True) -> Array:
        """Return dX, of X's shape, from dA, of A's shape."""
        check_gradient(self, dA, "output")
        dA = batch_last(dA)
        dX = np.empty(self.X.shape, dA.dtype)
        waiting = np.ones(self.A.shape, np.bool_)  # for the first of the largest
        for place in self._places():
            largest = (self.X[place] == self.A) & waiting
            dX[place] = dA * largest
            waiting ^= largest
        return batch_first(dX)

    def _places(self) -> list[tuple[slice, ...]]:
        """Return, for each place in a window, the slice of it in all windows."""
        return [
            (slice(None), slice(i, None, self.size), slice(j, None, self.size))
            for i, j in np.ndindex(self.size, self.size)
        ]


class Reshape(Layer):
    """Make images of rows, so that a convolution can follow; undone by `Flatten`.

    Parameters
    ----------
    channels, height, width : int
        Of each image; their product is the length of a row. Each at least 1.

    Raises
    ------
    InputError
        If a size is not a whole number of at least 1 or, from ``forward``, if the
        rows have another length.

    Examples
    --------
    >>> Reshape(1, 28, 28).forward(np.zeros((5, 784))).shape
    (5, 1, 28, 28)
    """

    memory_names = ("images",)

    def __init__(self, channels: int, height: int, width: int) -> None:
        check_whole(
            "Reshape", channels=(channels, 1), height=(height, 1), width=(width, 1)
        )
        self.channels, self.height, self.width = int(channels), int(height), int(width)
        self.shape = (self.channels, self.height, self.width)

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return the rows X (batch, features) as images, channel by channel."""
        check_array(self, X)
        features = prod(self.shape)
        if X.ndim != 2 or X.shape[1] != features:
            raise InputError(
                f"{self}: X must have shape (batch, {features}), one image a row, but "
                f"has shape {X.shape}. A batch of anything becomes rows with "
                f"X.reshape(len(X), -1)."
            )
        self.images = batch_first(np.array(X.T).reshape(*self.shape, len(X)))
        return self.images

    def backward(self, d_images: Array, input_gradient: bool = True) -> Array:
        """Return the gradient by the images as rows (batch, features)."""
        check_gradient(self, d_images, "images")
        return as_columns(batch_last(d_images), 3).T


class Flatten(Layer):
    """Make a row of each image, so that a dense layer can follow.

    Examples
    --------
    >>> Flatten().forward(np.zeros((5, 32, 4, 4))).shape
    (5, 512)
    """

    memory_names = ("shape", "rows")

    def forward(self, X: Array, training: bool = False) -> Array:
        """Return X (batch, channels, height, width) as rows, channel by channel."""
        check_images(self, X)
        self.shape = X.shape[1:]
        self.rows = as_columns(batch_last(X), 3).T
        return self.rows

    def backward(self, d_rows: Array, input_gradient: bool = True) -> Array:
        """Return the gradient by the rows (batch, features) as images."""
        check_gradient(self, d_rows, "rows")
        return d_rows.reshape(-1, *self.shape)


def batch_last(X: Array) -> Array:
    """Return images (batch, channels, height, width) with the batch axis last."""
    return X.transpose(1, 2, 3, 0)


def batch_first(X: Array) -> Array:
    """Return images (channels, height, width, batch) with the batch axis first."""
    return X.transpose(3, 0, 1, 2)


def as_columns(X: Array, axes: int) -> Array:
    """Return an array as a matrix: its first axes are the rows, the rest columns."""
    return X.reshape(prod(X.shape[:axes]), -1)


def check_images(layer: Layer, X: Array, channels: int | None = None) -> None:
    """Raise `InputError` unless X is a batch of images with so many channels."""
    check_array(layer, X)
    if X.ndim != 4 or 0 in X.shape[1:] or channels not in (None, X.shape[1]):
        wanted = "channels" if channels is None else channels
        remedies = {
            3: "Images without channels get one with X[:, np.newaxis]",
            4: "Channels that stand last move with X.transpose(0, 3, 1, 2)",
        }
        rows = "Rows of pixels become images with the layer Reshape(1, 28, 28)"
        raise InputError(
            f"{layer}: X must have shape (batch, {wanted}, height, width), none of "
            f"the last three 0, but has shape {X.shape}. {remedies.get(X.ndim, rows)}."
        )
