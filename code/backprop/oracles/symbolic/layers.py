"""Layers with parameters or masks: forward rule and gradients, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp

from backprop.oracles.symbolic.algebra import (
    expected_value,
    gradient_by,
    symbol_array,
    symbol_matrix,
)


@dataclass(frozen=True)
class DenseDerivation:
    """The backward pass of a dense layer, derived entry by entry.

    Attributes
    ----------
    X, W, b : Matrix
        The batch (batch, inputs), the weights (inputs, outputs), the biases
        (1, outputs).
    dZ : Matrix (batch, outputs)
        ∂L/∂Z, any numbers that come from above.
    dW, db, dX : Matrix
        ∂L/∂W, ∂L/∂b and ∂L/∂X, each entry differentiated by SymPy.
    """

    X: sp.Matrix
    W: sp.Matrix
    b: sp.Matrix
    dZ: sp.Matrix
    dW: sp.Matrix
    db: sp.Matrix
    dX: sp.Matrix


def dense_layer(batch: int, inputs: int, outputs: int) -> DenseDerivation:
    """Derive the gradients of Z = X W + b from a given dZ, equation (eq-dense-back).

    A loss whose gradient by Z is dZ is, to first order, the sum of dZ · Z; that
    sum is what is differentiated here, by each entry of W, b and X.

    Parameters
    ----------
    batch, inputs, outputs : int
        Sizes, each at least 1.

    Returns
    -------
    DenseDerivation
        Symbols and derived gradients.

    Examples
    --------
    >>> layer = dense_layer(batch=3, inputs=2, outputs=2)
    >>> layer.dW == layer.X.T * layer.dZ
    True
    """
    X, dZ = symbol_matrix("x", batch, inputs), symbol_matrix("d", batch, outputs)
    W, b = (
        symbol_matrix("w", inputs, outputs),
        symbol_matrix("b", 1, outputs, indices=1),
    )
    Z = X * W + sp.ones(batch, 1) * b
    loss = sum(dZ.multiply_elementwise(Z))
    dW, db, dX = (gradient_by(loss, entries) for entries in (W, b, X))
    return DenseDerivation(X, W, b, dZ, dW, db, dX)


@dataclass(frozen=True)
class DropoutDerivation:
    """Dropout for a mask that has been drawn.

    Attributes
    ----------
    X, M, dA : Matrix (batch, width)
        The inputs; the mask, 1 where an input is kept and 0 where it is silenced;
        ∂L/∂A, any numbers that come from above.
    rate : symbol
        Probability that an input is silenced.
    A, dX : Matrix (batch, width)
        The outputs; ∂L/∂X, each entry differentiated by SymPy.
    """

    X: sp.Matrix
    M: sp.Matrix
    dA: sp.Matrix
    rate: sp.Symbol
    A: sp.Matrix
    dX: sp.Matrix

    def mean(self) -> sp.Expr:
        """Return the expectation of the first output over all masks: the input."""
        kept = {self.M[0]: [1, 1 - self.rate]}
        return sp.simplify(expected_value(self.A[0], kept))

    def variance(self) -> sp.Expr:
        """Return the variance of the first output over all masks."""
        kept = {self.M[0]: [1, 1 - self.rate, 1 - self.rate]}  # m² is m
        return sp.factor(expected_value(self.A[0] ** 2, kept) - self.mean() ** 2)


def dropout(batch: int, width: int) -> DropoutDerivation:
    """Derive the gradient of inverted dropout.

    Parameters
    ----------
    batch, width : int
        Sizes, each at least 1.

    Returns
    -------
    DropoutDerivation
        Symbols, outputs and the derived gradient. It has the mask and its scale.

    Examples
    --------
    >>> derived = dropout(1, 2)
    >>> derived.dX
    Matrix([[d_11*m_11/(1 - p), d_12*m_12/(1 - p)]])
    >>> derived.mean()
    x_11
    """
    X, M, dA = (symbol_matrix(name, batch, width) for name in "xmd")
    rate = sp.Symbol("p", positive=True)
    A = X.multiply_elementwise(M) / (1 - rate)
    dX = gradient_by(sum(dA.multiply_elementwise(A)), X)
    return DropoutDerivation(X, M, dA, rate, A, dX)


@dataclass(frozen=True)
class ConvolutionDerivation:
    """The two passes of a convolution layer, entry by entry.

    Attributes
    ----------
    X : Array (batch, in_channels, height, width)
        The images.
    W, b : Array (in_channels, size, size, out_channels) and (out_channels,)
        The weights and the biases.
    dZ : Array (batch, out_channels, rows, columns)
        ∂L/∂Z, any numbers that come from above.
    Z : Array of dZ's shape
        The outputs.
    dW, db, dX : Array
        ∂L/∂W, ∂L/∂b and ∂L/∂X, each entry differentiated by SymPy.
    """

    X: sp.Array
    W: sp.Array
    b: sp.Array
    dZ: sp.Array
    Z: sp.Array
    dW: sp.Array
    db: sp.Array
    dX: sp.Array


def convolution(
    batch: int,
    in_channels: int,
    out_channels: int,
    image: tuple[int, int],
    size: int,
    stride: int = 1,
    padding: int = 0,
) -> ConvolutionDerivation:
    """Derive the gradients of a convolution.

    The window is not flipped. It sees the image with `padding` rows and columns of
    zeros around it, and moves by `stride` pixels.

    Parameters
    ----------
    batch, in_channels, out_channels : int
        Sizes, each at least 1; small ones, for every entry is an expression.
    image : (int, int)
        Height and width of the images.
    size : int
        Height and width of the window.
    stride : int, optional
        Pixels from one window to the next, at least 1 (default).
    padding : int, optional
        Width of the border of zeros, at least 0 (default).

    Returns
    -------
    ConvolutionDerivation
        Symbols, outputs and derived gradients.

    Raises
    ------
    ValueError
        If the window is larger than the image with its border.

    Examples
    --------
    >>> layer = convolution(1, 1, 1, image=(2, 3), size=2)
    >>> layer.Z[0, 0, 0, 0]
    b_1 + w_1111*x_1111 + w_1121*x_1112 + w_1211*x_1121 + w_1221*x_1122
    >>> layer.dW[0, 0, 0, 0]
    d_1111*x_1111 + d_1112*x_1112
    """
    rows, columns = ((n + 2 * padding - size) // stride + 1 for n in image)
    if min(rows, columns) < 1:
        raise ValueError(
            f"A window of size {size} does not fit into an image of {image[0]} × "
            f"{image[1]} pixels with a padding of {padding}. Enlarge the image."
        )
    X = symbol_array("x", batch, in_channels, *image)
    W = symbol_array("w", in_channels, size, size, out_channels)
    b = symbol_array("b", out_channels)
    places = list(np.ndindex(batch, out_channels, rows, columns))
    dZ = symbol_array("d", batch, out_channels, rows, columns)

    def pixel(n: int, channel: int, row: int, column: int) -> sp.Expr:
        inside = 0 <= row < image[0] and 0 <= column < image[1]
        return X[n, channel, row, column] if inside else sp.Integer(0)

    def output(n: int, k: int, row: int, column: int) -> sp.Expr:
        top, left = row * stride - padding, column * stride - padding
        return b[k] + sp.Add(
            *(
                W[channel, i, j, k] * pixel(n, channel, top + i, left + j)
                for channel, i, j in np.ndindex(in_channels, size, size)
            )
        )

    Z = sp.Array([output(*place) for place in places], dZ.shape)
    loss = sp.Add(*(dZ[place] * Z[place] for place in places))
    dW, db, dX = (gradient_by(loss, entries) for entries in (W, b, X))
    return ConvolutionDerivation(X, W, b, dZ, Z, dW, db, dX)


@dataclass(frozen=True)
class MaxPoolingDerivation:
    """Max pooling of one image, for a given pattern of largest entries.

    Attributes
    ----------
    X : Matrix (height, width)
        The image.
    dA : Matrix (rows, columns)
        ∂L/∂A, any numbers that come from above.
    A : Matrix (rows, columns)
        The largest entry of each window.
    dX : Matrix (height, width)
        ∂L/∂X, each entry differentiated by SymPy.
    """

    X: sp.Matrix
    dA: sp.Matrix
    A: sp.Matrix
    dX: sp.Matrix


def max_pooling(winners: Sequence[Sequence[int]], size: int) -> MaxPoolingDerivation:
    """Derive the gradient of max pooling.

    SymPy's derivative of a maximum asks for each entry whether it is larger than
    all others of its window. The pattern of winners answers that.

    Parameters
    ----------
    winners : rows of int
        For each window, the place of its largest entry, counted row by row from 0
        to size² - 1.
    size : int
        Height and width of a window.

    Returns
    -------
    MaxPoolingDerivation
        Symbols, outputs and the derived gradient.

    Raises
    ------
    ValueError
        If a window has no such place.

    Examples
    --------
    >>> max_pooling([[1, 2]], size=2).dX.tolist()
    [[0, d_11, 0, 0], [0, 0, d_12, 0]]
    """
    rows, columns = len(winners), len(winners[0])
    X = symbol_matrix("x", size * rows, size * columns)
    dA = symbol_matrix("d", rows, columns)

    def window(row: int, column: int) -> list[sp.Symbol]:
        top, left = row * size, column * size
        return list(X[top : top + size, left : left + size])

    A = sp.Matrix(rows, columns, lambda row, column: sp.Max(*window(row, column)))
    example = dict.fromkeys(X, 0)  # an image with this pattern
    for row, column in np.ndindex(rows, columns):
        place = winners[row][column]
        if place not in range(size**2):
            raise ValueError(
                f"With windows of size {size}, a winner must be from 0 to "
                f"{size**2 - 1}, but is {place}."
            )
        example[window(row, column)[place]] = 1

    def is_winner(lead: sp.Expr, *at_zero: sp.Expr) -> sp.Integer:
        return sp.Integer(1 if lead.subs(example) > 0 else 0)

    slopes = gradient_by(sum(dA.multiply_elementwise(A)), X)
    dX = slopes.applyfunc(lambda slope: slope.replace(sp.Heaviside, is_winner))
    return MaxPoolingDerivation(X, dA, A, dX)


@dataclass(frozen=True)
class NormalizationDerivation:
    """Batch normalization of one feature, derived entry by entry.

    Attributes
    ----------
    X, dA : Matrix (batch, 1)
        The inputs; ∂L/∂A, any numbers that come from above.
    gamma, beta, epsilon : symbol
        Scale, shift, and what keeps the quotient finite.
    A : Matrix (batch, 1)
        The outputs.
    dX : Matrix (batch, 1)
        ∂L/∂X, each entry differentiated by SymPy: through the number itself, the mean
        and the variance.
    dgamma, dbeta : expression
        ∂L/∂gamma and ∂L/∂beta.
    """

    X: sp.Matrix
    dA: sp.Matrix
    gamma: sp.Symbol
    beta: sp.Symbol
    epsilon: sp.Symbol
    A: sp.Matrix
    dX: sp.Matrix
    dgamma: sp.Expr
    dbeta: sp.Expr


def batch_normalization(batch: int) -> NormalizationDerivation:
    """Derive the gradients of batch normalization in training.

    Features do not meet, so that one of them is enough.

    Parameters
    ----------
    batch : int
        Examples, at least 2.

    Returns
    -------
    NormalizationDerivation
        Symbols, outputs and derived gradients.

    Examples
    --------
    >>> derived = batch_normalization(2)
    >>> derived.dbeta
    d_11 + d_21
    >>> sp.simplify(sum(derived.dX))  # what all inputs share changes no output
    0
    """
    X, dA = symbol_matrix("x", batch, 1), symbol_matrix("d", batch, 1)
    gamma, beta = sp.symbols("gamma beta", real=True)
    epsilon = sp.Symbol("epsilon", positive=True)
    mean = sum(X) / batch
    variance = sum((x - mean) ** 2 for x in X) / batch
    A = X.applyfunc(lambda x: gamma * (x - mean) / sp.sqrt(variance + epsilon) + beta)
    loss = sum(dA.multiply_elementwise(A))
    dX = gradient_by(loss, X)
    by_gamma, by_beta = sp.diff(loss, gamma), sp.diff(loss, beta)
    return NormalizationDerivation(
        X, dA, gamma, beta, epsilon, A, dX, by_gamma, by_beta
    )
