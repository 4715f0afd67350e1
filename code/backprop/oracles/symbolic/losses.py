"""The losses and their gradients by the outputs, derived by SymPy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from backprop.oracles.symbolic.algebra import gradient_by, symbol_matrix


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
