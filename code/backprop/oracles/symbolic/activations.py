"""The activations and their derivatives, as expressions in one symbol."""

from __future__ import annotations

import sympy as sp

from backprop.oracles.symbolic.algebra import a, z

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
