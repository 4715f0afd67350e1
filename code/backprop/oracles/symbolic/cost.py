"""What a gradient costs: operations counted, written out and shared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from backprop.oracles.symbolic.activations import ACTIVATIONS, SLOPES_FROM_OUTPUT
from backprop.oracles.symbolic.algebra import a, symbol_matrix, z
from backprop.oracles.symbolic.networks import dense_parameters


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
