"""What becomes of a variance on its way through a layer, computed exactly."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from backprop.oracles.symbolic.algebra import expected_value, symbol_matrix, z


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
