"""The derivations, done by SymPy: an oracle that knows nothing of the NumPy code.

Chapter "The chain rule, symbolically" shows most of them, the others stand where
their layer or optimizer is taught. The tests hold every layer, loss and optimizer of
the library to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

# Symbols --------------------------------------------------------------------------

z = sp.Symbol("z", real=True)
a = sp.Symbol("a", real=True)


def symbol_matrix(name: str, rows: int, columns: int, indices: int = 2) -> sp.Matrix:
    """Return a matrix of symbols whose names number rows and columns from 1.

    Parameters
    ----------
    name : str
        Stem of the symbols' names.
    rows, columns : int
        The shape.
    indices : 1 or 2, optional
        How many each symbol carries: row and column, or only the column, for a
        matrix of one row.

    Returns
    -------
    Matrix (rows, columns)
        Of real symbols.

    Raises
    ------
    ValueError
        If one index is asked for, but there are more rows to be told apart.

    Examples
    --------
    >>> symbol_matrix("x", 1, 2), symbol_matrix("x", 1, 2, indices=1)
    (Matrix([[x_11, x_12]]), Matrix([[x_1, x_2]]))
    """
    if indices == 1 and rows > 1:
        raise ValueError(f"{rows} rows of {name} cannot be told apart by one index.")
    return sp.Matrix(
        rows,
        columns,
        lambda i, k: numbered(name, k) if indices == 1 else numbered(name, i, k),
    )


def symbol_array(name: str, *shape: int) -> sp.Array:
    """Return an array of symbols with any number of axes, named as in a matrix.

    Parameters
    ----------
    name : str
        Stem of the symbols' names.
    shape : int, int, …
        The length of each axis.

    Returns
    -------
    Array of that shape
        Of real symbols.

    Examples
    --------
    >>> symbol_array("x", 1, 2, 2)
    [[[x_111, x_112], [x_121, x_122]]]
    """
    return sp.Array([numbered(name, *place) for place in np.ndindex(shape)], shape)


def numbered(name: str, *place: int) -> sp.Symbol:
    """Return the symbol at a place, which counts from 0; its name counts from 1.

    A comma parts numbers of more than one digit: x_12, but x_1,12 and x_11,2.
    """
    numbers = [str(index + 1) for index in place]
    comma = "," if max(map(len, numbers)) > 1 else ""
    return sp.Symbol(f"{name}_{comma.join(numbers)}", real=True)


def gradient_by(loss: sp.Expr, entries: Any) -> Any:
    """Differentiate a loss by every single entry of a Matrix or Array.

    Parameters
    ----------
    loss : expression
        What is differentiated.
    entries : Matrix or Array of symbols
        By what.

    Returns
    -------
    Matrix or Array of the same shape
        ∂(loss)/∂(entry) in the place of each entry.

    Examples
    --------
    >>> x = symbol_matrix("x", 1, 2)
    >>> gradient_by(x[0] ** 2 * x[1], x)
    Matrix([[2*x_11*x_12, x_11**2]])
    """
    terms = [(term, term.free_symbols) for term in sp.Add.make_args(loss)]

    def slope(entry: sp.Symbol) -> sp.Expr:  # a term without the entry adds nothing
        return sp.Add(
            *(sp.diff(term, entry) for term, symbols in terms if entry in symbols)
        )

    return entries.applyfunc(slope)


# Activations ----------------------------------------------------------------------

ACTIVATIONS: dict[str, sp.Expr] = {
    "sigmoid": 1 / (1 + sp.exp(-z)),
    "tanh": sp.tanh(z),
    "relu": sp.Piecewise((z, z > 0), (0, True)),
}
"""Each activation as an expression in the symbol z."""

SLOPES_FROM_OUTPUT: dict[str, sp.Expr] = {
    "sigmoid": a * (1 - a),
    "tanh": 1 - a**2,
    "relu": sp.Piecewise((1, a > 0), (0, True)),
}
"""Each activation's derivative as the layers compute it: from the output a."""


def activation_derivative(name: str) -> sp.Expr:
    """Differentiate an activation.

    Parameters
    ----------
    name : "sigmoid", "tanh" or "relu"
        A key of `ACTIVATIONS`.

    Returns
    -------
    SymPy expression in z
        The derivative.

    Examples
    --------
    >>> activation_derivative("tanh")
    1 - tanh(z)**2
    """
    return sp.diff(ACTIVATIONS[name], z)


def slope_error(name: str) -> sp.Expr:
    """Return derivative minus the layers' formula, simplified: 0 if it is right.

    Parameters
    ----------
    name : "sigmoid", "tanh" or "relu"
        A key of `ACTIVATIONS`.

    Returns
    -------
    SymPy expression in z
        Zero.

    Examples
    --------
    >>> all(slope_error(name) == 0 for name in ACTIVATIONS)
    True
    """
    claimed = SLOPES_FROM_OUTPUT[name].subs(a, ACTIVATIONS[name])
    return sp.simplify(sp.piecewise_fold(activation_derivative(name) - claimed))


# Losses ---------------------------------------------------------------------------


def softmax(logits: Iterable[sp.Expr]) -> list[sp.Expr]:
    """Return the softmax of some expressions, equation (eq-softmax).

    Parameters
    ----------
    logits : expressions
        One a class.

    Returns
    -------
    list of expressions
        One probability a class.

    Examples
    --------
    >>> softmax(sp.symbols("z1:3"))
    [exp(z1)/(exp(z1) + exp(z2)), exp(z2)/(exp(z1) + exp(z2))]
    """
    powers = [sp.exp(score) for score in logits]
    return [power / sp.Add(*powers) for power in powers]


@dataclass(frozen=True)
class SoftmaxCrossEntropyDerivation:
    """Cross-entropy after softmax, for one example with a given label.

    Attributes
    ----------
    logits : tuple of symbols
        z₁ … z_K.
    loss : expression
        -log p_y.
    gradient : list of expressions
        ∂L/∂z_k for every k, as SymPy differentiates it.
    claim : list of expressions
        p_k - [k = y], as the library computes it.
    """

    logits: tuple[sp.Symbol, ...]
    loss: sp.Expr
    gradient: list[sp.Expr]
    claim: list[sp.Expr]

    def errors(self) -> list[sp.Expr]:
        """Return gradient minus claim, simplified: zeros if the claim holds."""
        return [
            sp.simplify(derived - claimed)
            for derived, claimed in zip(self.gradient, self.claim, strict=True)
        ]


def softmax_cross_entropy(classes: int, label: int) -> SoftmaxCrossEntropyDerivation:
    """Derive the gradient of cross-entropy after softmax, equation (eq-p-minus-y).

    Parameters
    ----------
    classes : int
        How many logits, at least 2.
    label : int
        The right class, from 0 to classes - 1.

    Returns
    -------
    SoftmaxCrossEntropyDerivation
        Loss, SymPy's gradient, and the claim p - y.

    Raises
    ------
    ValueError
        If the label is none of the classes.

    Examples
    --------
    >>> softmax_cross_entropy(3, label=1).errors()
    [0, 0, 0]
    """
    check_label(label, classes)
    logits = sp.symbols(f"z1:{classes + 1}", real=True)
    p = softmax(logits)
    loss = -sp.log(p[label])
    gradient = [sp.diff(loss, score) for score in logits]
    claim = [p[k] - int(k == label) for k in range(classes)]
    return SoftmaxCrossEntropyDerivation(logits, loss, gradient, claim)


def smoothed_cross_entropy(classes: int, label: int) -> SoftmaxCrossEntropyDerivation:
    """Derive the gradient of cross-entropy against labels that leave s to all classes.

    Parameters
    ----------
    classes : int
        How many logits K, at least 2.
    label : int
        The right class, from 0 to classes - 1.

    Returns
    -------
    SoftmaxCrossEntropyDerivation
        Loss, SymPy's gradient, and the claim p - q, in the logits and the smoothing s;
        q_k = (1 - s) [k = y] + s / K.

    Raises
    ------
    ValueError
        If the label is none of the classes.

    Examples
    --------
    >>> smoothed_cross_entropy(3, label=1).errors()
    [0, 0, 0]
    """
    check_label(label, classes)
    logits = sp.symbols(f"z1:{classes + 1}", real=True)
    s = sp.Symbol("s", positive=True)
    p = softmax(logits)
    q = [(1 - s) * int(k == label) + s / classes for k in range(classes)]
    loss = -sum(share * sp.log(said) for share, said in zip(q, p, strict=True))
    gradient = [sp.diff(loss, score) for score in logits]
    claim = [said - share for share, said in zip(q, p, strict=True)]
    return SoftmaxCrossEntropyDerivation(logits, loss, gradient, claim)


def check_label(label: int, classes: int) -> None:
    """Raise `ValueError` unless the label is one of the classes."""
    if label not in range(classes):
        raise ValueError(
            f"With {classes} classes, label must be from 0 to {classes - 1}, but is "
            f"{label}."
        )


def softmax_cross_entropy_any_size() -> tuple[sp.Expr, sp.Expr]:
    """Derive the gradient by one logit for a symbolic number of classes n.

    Returns
    -------
    loss, gradient : expressions
        In the indexed symbol z, the label y, the place j and the number n; j is
        one of the places 1 … n.

    Examples
    --------
    >>> softmax_cross_entropy_any_size()[1]
    exp(z[j])/Sum(exp(z[i]), (i, 1, n)) - KroneckerDelta(j, y)
    """
    n, i, j, y = sp.symbols("n i j y", integer=True, positive=True)
    logits = sp.IndexedBase("z")
    total = sp.Sum(sp.exp(logits[i]), (i, 1, n))
    loss = sp.log(total) - logits[y]
    gradient = sp.piecewise_fold(sp.diff(loss, logits[j]).doit())
    inside = gradient.subs(j <= n, True)
    return loss, sp.expand(inside)


@dataclass(frozen=True)
class SquaredErrorDerivation:
    """Half the mean squared distance between the outputs of a batch and its targets.

    Attributes
    ----------
    A, T : Matrix (batch, outputs)
        What the network said, and what it should have said.
    loss : expression
        Sum of (a - t)² / (2 batch).
    gradient : Matrix (batch, outputs)
        ∂L/∂A, each entry differentiated by SymPy.
    claim : Matrix (batch, outputs)
        (A - T) / batch, as the library computes it.
    """

    A: sp.Matrix
    T: sp.Matrix
    loss: sp.Expr
    gradient: sp.Matrix
    claim: sp.Matrix

    def errors(self) -> sp.Matrix:
        """Return gradient minus claim, simplified: zeros if the claim holds."""
        return sp.simplify(self.gradient - self.claim)


def mean_squared_error(batch: int, outputs: int) -> SquaredErrorDerivation:
    """Derive the gradient of the squared error, equation (eq-squared-error).

    Parameters
    ----------
    batch, outputs : int
        Sizes, each at least 1.

    Returns
    -------
    SquaredErrorDerivation
        Loss, SymPy's gradient, and the claim (A - T) / batch.

    Examples
    --------
    >>> mean_squared_error(batch=1, outputs=2).claim
    Matrix([[a_11 - t_11, a_12 - t_12]])
    >>> mean_squared_error(batch=3, outputs=2).errors().is_zero_matrix
    True
    """
    A, T = symbol_matrix("a", batch, outputs), symbol_matrix("t", batch, outputs)
    loss = sum(entry**2 for entry in A - T) / (2 * batch)
    return SquaredErrorDerivation(A, T, loss, gradient_by(loss, A), (A - T) / batch)


# Layers ---------------------------------------------------------------------------


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


# A whole network ------------------------------------------------------------------


@dataclass(frozen=True)
class SymbolicNetwork:
    """A two-layer network with one example, all in symbols.

    Attributes
    ----------
    x : Matrix (1, inputs)
        The example, a row.
    parameters : dict of Matrix
        Under the same keys as ``Network.parameters``: "0.W", "0.b", "2.W", "2.b".
    loss : expression
        Cross-entropy of the softmax of the outputs.
    """

    x: sp.Matrix
    parameters: dict[str, sp.Matrix]
    loss: sp.Expr

    def gradients(self) -> dict[str, sp.Matrix]:
        """Differentiate the loss by every single weight and bias."""
        return {
            name: gradient_by(self.loss, matrix)
            for name, matrix in self.parameters.items()
        }

    def evaluate(
        self,
        expressions: Any,
        x: NDArray[np.floating],
        values: Mapping[str, NDArray[np.floating]],
    ) -> Any:
        """Put numbers in the place of all symbols.

        Parameters
        ----------
        expressions : expression, Matrix, or list of them
            What to evaluate.
        x : array (1, inputs)
            The example.
        values : mapping of arrays
            ``Network.parameters`` of a network of the same shape.

        Returns
        -------
        float, array, or list of them
            In the form of `expressions`.
        """
        symbols, numbers = list(self.x), list(np.ravel(x))
        for name, matrix in self.parameters.items():
            symbols += list(matrix)
            numbers += list(np.ravel(values[name]))
        return sp.lambdify(symbols, expressions, "numpy", cse=True)(*numbers)


def two_layer_network(
    inputs: int, hidden: int, outputs: int, label: int, activation: str = "sigmoid"
) -> SymbolicNetwork:
    """Write down dense, activation, dense, softmax and cross-entropy in symbols.

    Parameters
    ----------
    inputs, hidden, outputs : int
        Widths; small ones, for the expressions grow fast.
    label : int
        The right class, from 0 to outputs - 1.
    activation : "sigmoid", "tanh" or "relu", optional
        Between the two dense layers.

    Returns
    -------
    SymbolicNetwork
        Symbols, parameters and loss.

    Raises
    ------
    ValueError
        If the label is none of the outputs.

    Examples
    --------
    >>> network = two_layer_network(1, 1, 2, label=0)
    >>> network.parameters["2.W"]
    Matrix([[w^2_11, w^2_12]])
    """
    check_label(label, outputs)
    x = symbol_matrix("x", 1, inputs, indices=1)
    parameters = dense_parameters([inputs, hidden, outputs])
    bend = ACTIVATIONS[activation]
    hidden_values = (x * parameters["0.W"] + parameters["0.b"]).applyfunc(
        lambda value: bend.subs(z, value)
    )
    logits = hidden_values * parameters["2.W"] + parameters["2.b"]
    return SymbolicNetwork(x, parameters, -sp.log(softmax(logits)[label]))


def dense_parameters(widths: Sequence[int]) -> dict[str, sp.Matrix]:
    """Return symbols for the weights and biases of a dense network.

    Parameters
    ----------
    widths : sequence of int
        Of the input, of each hidden layer, and of the output.

    Returns
    -------
    dict of Matrix
        Under the keys of ``Network.parameters``, for a network with an activation
        after each dense layer but the last: "0.W", "0.b", "2.W" ….

    Examples
    --------
    >>> dense_parameters([1, 2, 1])["0.W"]
    Matrix([[w^1_11, w^1_12]])
    """
    parameters: dict[str, sp.Matrix] = {}
    for layer, (inputs, outputs) in enumerate(pairwise(widths)):
        W = symbol_matrix(f"w^{layer + 1}", inputs, outputs)
        b = symbol_matrix(f"b^{layer + 1}", 1, outputs, indices=1)
        parameters |= {f"{2 * layer}.W": W, f"{2 * layer}.b": b}
    return parameters


# Initialization -------------------------------------------------------------------


def expected_value(
    expression: sp.Expr, moments: Mapping[sp.Symbol, Sequence[Any]]
) -> sp.Expr:
    """Return the expectation of a polynomial in independent random variables.

    Parameters
    ----------
    expression : expression
        A polynomial in the random variables; all other symbols are constants.
    moments : mapping of sequences
        For each random variable s its moments: 1, E[s], E[s²], ….

    Returns
    -------
    expression
        Each power of a random variable replaced by its expectation.

    Examples
    --------
    >>> x, y = sp.symbols("x y")
    >>> expected_value((x + y) ** 2, {x: [1, 0, 4], y: [1, 3, 10]})
    14
    """
    terms = sp.Poly(expression, *moments).terms()
    return sp.Add(
        *(
            factor
            * sp.Mul(
                *(m[power] for m, power in zip(moments.values(), powers, strict=True))
            )
            for powers, factor in terms
        )
    )


def variance_of_sum(inputs: int) -> sp.Expr:
    """Derive the variance of a sum of inputs times random weights.

    The weights are independent of each other and of the inputs, with mean 0 and
    variance v. The inputs have the mean square q; their own mean need not be 0,
    and after a ReLU it isn't.

    Parameters
    ----------
    inputs : int
        How many, at least 1.

    Returns
    -------
    expression
        n v q: the mixed terms w_i w_j have the expectation 0 and vanish.

    Examples
    --------
    >>> variance_of_sum(3)
    3*q*v
    """
    v, q, mean = sp.symbols("v q mu", real=True)
    weights, xs = symbol_matrix("w", 1, inputs), symbol_matrix("x", 1, inputs)
    moments = {w: [1, 0, v] for w in weights} | {x: [1, mean, q] for x in xs}
    total = weights.dot(xs)
    return expected_value(total**2, moments) - expected_value(total, moments) ** 2


def rectified_mean_square() -> sp.Expr:
    """Derive the mean square of ReLU(z) for a normal z with mean 0 and deviation σ.

    Returns
    -------
    expression
        σ²/2: ReLU keeps one half of a symmetric distribution.

    Examples
    --------
    >>> rectified_mean_square()
    sigma**2/2
    """
    deviation = sp.Symbol("sigma", positive=True)
    density = sp.exp(-(z**2) / (2 * deviation**2)) / (deviation * sp.sqrt(2 * sp.pi))
    return sp.integrate(z**2 * density, (z, 0, sp.oo))  # below 0, ReLU is 0


@dataclass(frozen=True)
class InitializationDerivation:
    """Which variance of the weights keeps the scale from layer to layer.

    Attributes
    ----------
    forward, backward : expression
        What keeps the variance of the values, and of the gradients, for an
        activation with slope 1 around 0, such as tanh: two different demands.
    glorot : expression
        The compromise of the two.
    he : expression
        What keeps the variance of the values if ReLU takes one half of it.
    """

    forward: sp.Expr
    backward: sp.Expr
    glorot: sp.Expr
    he: sp.Expr


def initialization_variances() -> InitializationDerivation:
    """Derive the variances of the weights by He and by Glorot.

    By `variance_of_sum`, a layer multiplies the mean square of what comes in by
    n_in · v on the way forward. On the way back, dX = dZ Wᵀ is a sum over the
    outputs, so there it is n_out · v.

    Returns
    -------
    InitializationDerivation
        Four variances in n_in and n_out.

    References
    ----------
    Glorot, Bengio (2010), "Understanding the difficulty of training deep
    feedforward neural networks", equations 10 to 12; He, Zhang, Ren, Sun (2015),
    "Delving Deep into Rectifiers", equation 10.

    Examples
    --------
    >>> initialization_variances().he
    2/n_in
    """
    n_in, n_out, v = sp.symbols("n_in n_out v", positive=True)
    after_relu = rectified_mean_square()
    (deviation,) = after_relu.free_symbols

    def solved(grown: sp.Expr, kept: sp.Expr) -> sp.Expr:
        (variance,) = sp.solve(sp.Eq(grown, kept), v)
        return variance

    return InitializationDerivation(
        forward=solved(n_in * v, 1),
        backward=solved(n_out * v, 1),
        glorot=solved((n_in * v + n_out * v) / 2, 1),  # right on the average
        he=solved(n_in * v * after_relu, deviation**2),
    )


# Optimizers -----------------------------------------------------------------------


@dataclass(frozen=True)
class Descent:
    """Some steps of an optimizer on one weight, all in symbols.

    Attributes
    ----------
    start : symbol
        The weight before the first step.
    gradients : tuple of symbols
        ∂L/∂w at each step.
    settings : dict of symbols
        Under the names that the optimizer's arguments have.
    path : list of expressions
        The weight after each step.
    """

    start: sp.Symbol
    gradients: tuple[sp.Symbol, ...]
    settings: dict[str, sp.Symbol]
    path: list[sp.Expr]

    def at(self, **values: float) -> list[sp.Expr]:
        """Return the path with some of the settings, by name, in numbers."""
        numbers = {self.settings[name]: value for name, value in values.items()}
        return [weight.subs(numbers) for weight in self.path]


def momentum_descent(steps: int, nesterov: bool = False) -> Descent:
    """Write down steps with momentum and weight decay, equation (eq-momentum).

    Parameters
    ----------
    steps : int
        How many, at least 1.
    nesterov : bool, optional
        Whether to look ahead.

    Returns
    -------
    Descent
        With the settings learning_rate η, momentum μ and weight_decay λ.

    Examples
    --------
    >>> for weight in momentum_descent(2).at(weight_decay=0):
    ...     print(weight)
    -eta*g_1 + w
    -eta*g_1 - eta*(g_1*mu + g_2) + w
    """
    w, gradients, settings = descent_symbols(
        steps, learning_rate="eta", momentum="mu", weight_decay="lambda"
    )
    rate, momentum, decay = settings.values()
    path, velocity = [w], sp.Integer(0)
    for g in gradients:
        slope = g + decay * path[-1]  # of L + λ/2 · w²
        velocity = momentum * velocity + slope
        step = slope + momentum * velocity if nesterov else velocity
        path.append(path[-1] - rate * step)
    return Descent(w, gradients, settings, path[1:])


def nesterov_errors(steps: int) -> list[sp.Expr]:
    """Return Nesterov's momentum as published minus the form here: zeros.

    As published, the gradient is taken not at the weight θ but where the velocity
    will carry it, at θ - η μ v; then v ← μ v + g and θ ← θ - η v. Here w is that
    place ahead, so that the gradient is always taken at w.

    Parameters
    ----------
    steps : int
        How many, at least 1.

    Returns
    -------
    list of expressions
        For each step, the place ahead minus w, multiplied out.

    References
    ----------
    Sutskever, Martens, Dahl, Hinton (2013), "On the importance of initialization
    and momentum in deep learning", equations 3 and 4.

    Examples
    --------
    >>> nesterov_errors(3)
    [0, 0, 0]
    """
    here = momentum_descent(steps, nesterov=True)
    rate, momentum, _ = here.settings.values()
    theta, velocity, errors = here.start, sp.Integer(0), []
    for g, w in zip(here.gradients, here.at(weight_decay=0), strict=True):
        velocity = momentum * velocity + g
        theta -= rate * velocity
        ahead = theta - rate * momentum * velocity
        errors.append(sp.expand(ahead - w))
    return errors


def adam_descent(steps: int) -> Descent:
    """Write down steps of Adam with decoupled weight decay.

    Parameters
    ----------
    steps : int
        How many, at least 1; few, for the expressions grow fast.

    Returns
    -------
    Descent
        With the settings learning_rate η, beta1, beta2, epsilon and weight_decay λ.

    Examples
    --------
    The first step has the length η, whatever the gradient.

    >>> adam_descent(1).at(weight_decay=0, epsilon=0)
    [-eta*g_1/Abs(g_1) + w]
    """
    w, gradients, settings = descent_symbols(
        steps,
        learning_rate="eta",
        beta1="beta_1",
        beta2="beta_2",
        epsilon="epsilon",
        weight_decay="lambda",
    )
    rate, beta1, beta2, epsilon, decay = settings.values()
    path, m, v = [w], sp.Integer(0), sp.Integer(0)
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        step = m / (1 - beta1**t) / (sp.sqrt(v / (1 - beta2**t)) + epsilon)
        path.append(path[-1] * (1 - rate * decay) - rate * step)
    return Descent(w, gradients, settings, path[1:])


def descent_symbols(
    steps: int, **settings: str
) -> tuple[sp.Symbol, tuple[sp.Symbol, ...], dict[str, sp.Symbol]]:
    """Return symbols for the first weight, each step's gradient and each setting."""
    gradients = sp.symbols(f"g_1:{steps + 1}", real=True)
    named = {name: sp.Symbol(symbol, real=True) for name, symbol in settings.items()}
    return sp.Symbol("w", real=True), gradients, named


def expected_average(steps: int) -> sp.Expr:
    """Derive the expectation of Adam's average m after some steps from m = 0.

    Each step does m ← β m + (1 - β) g_t. The gradients are random, with mean g.

    Parameters
    ----------
    steps : int
        How many, at least 1.

    Returns
    -------
    expression
        (1 - βᵗ) g, expanded: too small by the factor that Adam divides by.

    Examples
    --------
    >>> expected_average(1), expected_average(3)
    (-beta*g + g, -beta**3*g + g)
    """
    beta, g = sp.symbols("beta g", real=True)
    gradients = sp.symbols(f"g_1:{steps + 1}", real=True)
    m = sp.Integer(0)
    for drawn in gradients:
        m = beta * m + (1 - beta) * drawn
    return sp.expand(expected_value(m, {drawn: [1, g] for drawn in gradients}))


def expected_average_any_step() -> sp.Expr:
    """Derive the expectation of Adam's average for a symbolic number of steps t.

    Returns
    -------
    expression
        In β, g and t: the solution of m_t = β m_{t-1} + (1 - β) g with m_0 = 0.

    Examples
    --------
    >>> expected_average_any_step()
    -beta**t*g + g
    """
    beta, g = sp.symbols("beta g", real=True)
    t = sp.Symbol("t", integer=True, nonnegative=True)
    m = sp.Function("m")
    rule = m(t) - beta * m(t - 1) - (1 - beta) * g
    return sp.expand(sp.rsolve(rule, m(t), {m(0): 0}))


# The price of a gradient ----------------------------------------------------------


def chain(layers: int) -> tuple[sp.Expr, list[sp.Expr]]:
    """Return loss and all gradients of a chain of sigmoid neurons, written out.

    Parameters
    ----------
    layers : int
        How many neurons stand in line, at least 1. Each has one weight and one
        bias; the loss is half the squared distance to the target t.

    Returns
    -------
    loss : expression
        In x, t, w₁ …, b₁ ….
    gradients : list of expressions
        By every weight, then by every bias.

    Examples
    --------
    >>> loss, gradients = chain(3)
    >>> len(gradients)
    6
    """
    x, t = sp.symbols("x t", real=True)
    weights = sp.symbols(f"w1:{layers + 1}", real=True)
    biases = sp.symbols(f"b1:{layers + 1}", real=True)
    value = x
    for w, b in zip(weights, biases, strict=True):
        value = ACTIVATIONS["sigmoid"].subs(z, w * value + b)
    loss = (value - t) ** 2 / 2
    return loss, [sp.diff(loss, parameter) for parameter in weights + biases]


@dataclass(frozen=True)
class OperationCounts:
    """How many arithmetic operations some expressions cost.

    Attributes
    ----------
    written_out : int
        Each expression computed by itself.
    shared : int
        Every subexpression that occurs twice computed once (``cse``).
    """

    written_out: int
    shared: int


def operation_counts(expressions: list[sp.Expr]) -> OperationCounts:
    """Count the operations of expressions, written out and with shared parts.

    Parameters
    ----------
    expressions : list of expressions
        To be computed together.

    Returns
    -------
    OperationCounts
        Additions, multiplications, powers, exponentials.

    Examples
    --------
    >>> operation_counts([(z + 1) ** 2, (z + 1) ** 3])
    OperationCounts(written_out=4, shared=3)
    """
    shared, results = sp.cse(expressions)
    return OperationCounts(
        written_out=cost(expressions),
        shared=cost(expression for _, expression in shared) + cost(results),
    )


def cost(expressions: Iterable[sp.Expr]) -> int:
    """Return how many operations the expressions cost, each computed by itself.

    To tell two cases apart, as ReLU does, counts as no operation.
    """
    return sum(int(sp.count_ops(expression)) for expression in expressions)


Line = tuple[sp.Symbol, sp.Expr]


@dataclass(frozen=True)
class BackpropagationProgram:
    """One step of learning, line by line: each line assigns one number to one symbol.

    Attributes
    ----------
    X, Y : Matrix (batch, inputs) and (batch, classes)
        The examples and, as one-hot rows, their labels.
    parameters : dict of Matrix
        Weights and biases under the keys of ``Network.parameters``.
    forward, backward : list of (symbol, expression)
        The lines of both passes. An expression is made of X, Y, the parameters and
        what earlier lines assigned.
    loss : symbol
        Where the forward pass leaves the mean cross-entropy.
    gradients : dict of Matrix of symbols
        Where the backward pass leaves the gradient of each parameter.
    """

    X: sp.Matrix
    Y: sp.Matrix
    parameters: dict[str, sp.Matrix]
    forward: list[Line]
    backward: list[Line]
    loss: sp.Symbol
    gradients: dict[str, sp.Matrix]

    def run(
        self,
        X: NDArray[np.floating],
        Y: NDArray[np.floating],
        values: Mapping[str, NDArray[np.floating]],
    ) -> tuple[float, dict[str, NDArray[np.floating]]]:
        """Run both passes on numbers.

        Parameters
        ----------
        X, Y : array (batch, inputs) and (batch, classes)
            The examples and their labels as one-hot rows.
        values : mapping of arrays
            ``Network.parameters`` of a network of the same shape.

        Returns
        -------
        loss, gradients : float and dict of array
            As a network leaves them.
        """
        memory = assigned(self.X, X) | assigned(self.Y, Y)
        for name, matrix in self.parameters.items():
            memory |= assigned(matrix, values[name])
        for symbol, expression in [*self.forward, *self.backward]:
            memory[symbol] = sp.Float(expression.xreplace(memory))
        gradients = {
            name: np.reshape([float(memory[s]) for s in matrix], values[name].shape)
            for name, matrix in self.gradients.items()
        }
        return float(memory[self.loss]), gradients

    def operations(self) -> tuple[int, int]:
        """Return how many operations the forward and the backward pass cost."""
        forward, backward = (
            cost(expression for _, expression in lines)
            for lines in (self.forward, self.backward)
        )
        return forward, backward


def assigned(
    symbols: sp.Matrix, array: NDArray[np.floating]
) -> dict[sp.Symbol, sp.Float]:
    """Return the number of each symbol of a matrix, entry by entry."""
    return dict(zip(symbols, map(sp.Float, np.ravel(array)), strict=True))


def backpropagation(
    batch: int, widths: Sequence[int], activation: str = "sigmoid"
) -> BackpropagationProgram:
    """Write down both passes of a dense network with softmax and cross-entropy.

    The backward pass is made of four equations: dZ of the last layer, equation
    (eq-p-minus-y); dW and db of a layer from its dZ, and dZ of the layer below, by
    (eq-dense-back) and the activation's slope, (eq-slopes). For each matrix product
    of the forward pass there are two at most, for dW and for dX. So a gradient costs
    about two forward passes, however many weights there are.

    Parameters
    ----------
    batch : int
        How many examples, at least 1.
    widths : sequence of int
        Of the input, of each hidden layer, and of the output.
    activation : "sigmoid", "tanh" or "relu", optional
        Between the dense layers.

    Returns
    -------
    BackpropagationProgram
        Both passes as lines that can be counted and run.

    Examples
    --------
    >>> forward, backward = backpropagation(batch=4, widths=[6, 5, 4]).operations()
    >>> backward < 2 * forward
    True
    """
    parameters = dense_parameters(widths)
    weights, biases = list(parameters.values())[::2], list(parameters.values())[1::2]
    X, Y = symbol_matrix("x", batch, widths[0]), symbol_matrix("y", batch, widths[-1])
    bend, slope = ACTIVATIONS[activation], SLOPES_FROM_OUTPUT[activation]
    ones = sp.ones(batch, 1)
    forward: list[Line] = []
    inputs = [X]  # of each dense layer
    for k, (W, b) in enumerate(zip(weights, biases, strict=True)):
        Z = assign(forward, f"z^{k + 1}", inputs[k] * W + ones * b)
        if W is not weights[-1]:
            A = Z.applyfunc(lambda entry: bend.subs(z, entry))
            inputs.append(assign(forward, f"a^{k + 1}", A))
    P, loss = assign_softmax_cross_entropy(forward, Z, Y)

    backward: list[Line] = []
    gradients = dict.fromkeys(parameters)  # in the network's order
    dZ = assign(backward, f"dz^{len(weights)}", (P - Y) / batch)
    for k in reversed(range(len(weights))):
        gradients[f"{2 * k}.W"] = assign(backward, f"dw^{k + 1}", inputs[k].T * dZ)
        gradients[f"{2 * k}.b"] = assign(backward, f"db^{k + 1}", ones.T * dZ)
        if k > 0:
            slopes = inputs[k].applyfunc(lambda entry: slope.subs(a, entry))
            dA = dZ * weights[k].T
            dZ = assign(backward, f"dz^{k}", dA.multiply_elementwise(slopes))
    return BackpropagationProgram(X, Y, parameters, forward, backward, loss, gradients)


def assign(lines: list[Line], name: str, values: sp.Matrix) -> sp.Matrix:
    """Add a line for each entry; return the symbols that the entries are assigned to.

    Parameters
    ----------
    lines : list of (symbol, expression)
        The program so far.
    name : str
        Stem of the new symbols' names.
    values : Matrix of expressions
        What is assigned.

    Returns
    -------
    Matrix of symbols
        Of the shape of `values`.

    Examples
    --------
    >>> lines = []
    >>> assign(lines, "a", sp.Matrix([[z + 1, z**2]]))
    Matrix([[a_11, a_12]])
    >>> lines
    [(a_11, z + 1), (a_12, z**2)]
    """
    symbols = symbol_matrix(name, *values.shape)
    lines += zip(symbols, values, strict=True)
    return symbols


def assign_softmax_cross_entropy(
    lines: list[Line], Z: sp.Matrix, Y: sp.Matrix
) -> tuple[sp.Matrix, sp.Symbol]:
    """Add the lines for softmax and mean cross-entropy; return probabilities and loss.

    Parameters
    ----------
    lines : list of (symbol, expression)
        The program so far.
    Z, Y : Matrix (batch, classes)
        Logits, and labels as one-hot rows.

    Returns
    -------
    P, loss : Matrix (batch, classes) and symbol
        What the new lines are assigned to.
    """
    batch, classes = Z.shape
    E = assign(lines, "e", Z.applyfunc(sp.exp))
    sums = assign(lines, "s", E * sp.ones(classes, 1))
    P = assign(lines, "p", sp.Matrix(batch, classes, lambda n, k: E[n, k] / sums[n]))
    chosen = sum(Y.multiply_elementwise(P.applyfunc(sp.log)))
    (loss,) = assign(lines, "loss", sp.Matrix([-chosen / batch]))
    return P, loss
