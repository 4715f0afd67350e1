"""What several steps of an optimizer amount to, written out in symbols."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from backprop.oracles.symbolic.algebra import expected_value


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
