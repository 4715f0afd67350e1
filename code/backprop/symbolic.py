"""The derivations, done by SymPy: an oracle that knows nothing of the NumPy code.

Chapter "The chain rule, symbolically" shows them; the tests hold every layer and
loss of the library to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

z = sp.Symbol("z", real=True)
a = sp.Symbol("a", real=True)

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


def check_label(label: int, classes: int) -> None:
    """Raise `ValueError` unless the label is one of the classes."""
    if label not in range(classes):
        raise ValueError(
            f"With {classes} classes, label must be from 0 to {classes - 1}, but is "
            f"{label}."
        )


def softmax_cross_entropy_any_size() -> tuple[sp.Expr, sp.Expr]:
    """Derive ∂L/∂z_j for a symbolic number of classes n.

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
            name: matrix.applyfunc(lambda weight: sp.diff(self.loss, weight))
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
    parameters = {
        "0.W": symbol_matrix("w^1", inputs, hidden),
        "0.b": symbol_matrix("b^1", 1, hidden, indices=1),
        "2.W": symbol_matrix("w^2", hidden, outputs),
        "2.b": symbol_matrix("b^2", 1, outputs, indices=1),
    }
    bend = ACTIVATIONS[activation]
    hidden_values = (x * parameters["0.W"] + parameters["0.b"]).applyfunc(
        lambda value: bend.subs(z, value)
    )
    logits = hidden_values * parameters["2.W"] + parameters["2.b"]
    return SymbolicNetwork(x, parameters, -sp.log(softmax(logits)[label]))


def symbol_matrix(name: str, rows: int, columns: int, indices: int = 2) -> sp.Matrix:
    """Return a matrix of symbols, numbered from 1.

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
        lambda i, k: sp.Symbol(
            f"{name}_{k + 1}" if indices == 1 else f"{name}_{i + 1}{k + 1}",
            real=True,
        ),
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

    def by(matrix: sp.Matrix) -> sp.Matrix:
        return matrix.applyfunc(lambda entry: sp.diff(loss, entry))

    return DenseDerivation(X, W, b, dZ, dW=by(W), db=by(b), dX=by(X))


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
        written_out=sum(int(sp.count_ops(e)) for e in expressions),
        shared=sum(int(sp.count_ops(e)) for _, e in shared)
        + sum(int(sp.count_ops(e)) for e in results),
    )
