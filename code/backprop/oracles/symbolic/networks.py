"""A whole network of two layers with one example, all in symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from backprop.oracles.symbolic.activations import ACTIVATIONS
from backprop.oracles.symbolic.algebra import gradient_by, symbol_matrix, z
from backprop.oracles.symbolic.losses import check_label, softmax


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
