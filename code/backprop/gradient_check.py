"""The gradient check: what backpropagation says against what nudging measures.

Chapter "The chain rule, symbolically" uses it. Finite differences know nothing of the
chain rule. Where both agree to seven digits or more, the backward pass is right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.errors import InputError
from backprop.network import Network

Array = NDArray[np.floating]
VERDICTS = ("wrong", "kink", "too small to tell", "right")  # what weighs most first
RIGHT = 1e-6  # a relative error that is none; see `relative_error`
ROUNDINGS = 30  # that a loss has gone through, as far as they add up


def numerical_gradient(f: Callable[[], float], x: Array, h: float = 1e-5) -> Array:
    """Measure the gradient of f by central differences, equation (eq-central).

    Parameters
    ----------
    f : function () -> float
        Reads x and returns the loss.
    x : float64 array
        What is nudged, one entry at a time; restored afterwards.
    h : float, optional
        Size of a nudge. 1e-5 balances the two errors (curvature and rounding).

    Returns
    -------
    array of x's shape
        (f(x + h) - f(x - h)) / 2h for each entry.

    Raises
    ------
    InputError
        If x is no float64 array: integers take no nudge, float32 rounds it away.

    Examples
    --------
    >>> x = np.array([3.0, -1.0])
    >>> numerical_gradient(lambda: float(x[0] ** 2 + x[1]), x).round(6)
    array([6., 1.])
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        found = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        raise InputError(
            f"numerical_gradient: x must be a float64 array, but is {found}. Write "
            f"x = np.array(x, dtype=np.float64), and let f read that x."
        )
    return np.array([slope(f, x, i, h) for i in np.ndindex(x.shape)]).reshape(x.shape)


def slope(f: Callable[[], float], x: Array, index: tuple[int, ...], h: float) -> float:
    """Return (f(x + h) − f(x − h)) / 2h for the entry of x at index."""
    below, above = beside(f, x, index, h)
    return (above - below) / (2 * h)


def beside(
    f: Callable[[], float], x: Array, index: tuple[int, ...], h: float
) -> tuple[float, float]:
    """Return f(x − h) and f(x + h) for the entry of x at index, which is restored."""
    value = x[index]
    try:
        x[index] = value + h
        above = f()
        x[index] = value - h
        below = f()
    finally:
        x[index] = value
    return below, above


def relative_error(a: Array, b: Array) -> float:
    """Return |a − b| / (|a| + |b|) with Euclidean norms; 0 where both are 0.

    Parameters
    ----------
    a, b : arrays of the same shape
        Two opinions on one gradient.

    Returns
    -------
    float
        From 0, equal, to 1, nothing in common. In float64 a right gradient gives
        1e-7 or less, a wrong one seldom below 1e-3.

    Raises
    ------
    InputError
        If the shapes differ.

    Examples
    --------
    >>> relative_error(np.array([1.0, 0.0]), np.array([0.5, 0.0])).__round__(3)
    0.333
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise InputError(
            f"relative_error: both arrays must have the same shape, but have "
            f"{a.shape} and {b.shape}."
        )
    size = float(np.linalg.norm(a) + np.linalg.norm(b))
    return float(np.linalg.norm(a - b)) / size if size else 0.0


@dataclass(frozen=True)
class ParameterCheck:
    """The check of one parameter array.

    Attributes
    ----------
    name : str
        The parameter's key in ``network.parameters``, for example ``"0.W"``.
    entries : int
        How many of its entries were nudged.
    relative_error : float
        Of those entries together.
    verdict : str
        ``"right"``; ``"wrong"``; ``"kink"`` where the loss has no slope at some
        entries, but the claimed one lies between those on both sides, as it may;
        ``"too small to tell"`` where all differences are rounding.
    where : tuple of int
        The entry that is farthest from what was measured.
    """

    name: str
    entries: int
    relative_error: float
    verdict: str
    where: tuple[int, ...]


@dataclass(frozen=True)
class GradientReport:
    """The check of all parameters; prints as a table.

    Attributes
    ----------
    rows : tuple of ParameterCheck
        One for each parameter array, in the network's order.
    """

    rows: tuple[ParameterCheck, ...]

    @property
    def worst(self) -> float:
        """The largest relative error of all parameters."""
        # np.max, because max loses a NaN that does not stand first.
        return float(np.max([row.relative_error for row in self.rows]))

    @property
    def verdict(self) -> str:
        """The verdict that weighs most: wrong, kink, too small to tell, right."""
        return min((row.verdict for row in self.rows), key=VERDICTS.index)

    def __str__(self) -> str:
        lines = [f"{'parameter':<10}{'entries':>8}  relative error"]
        for row in self.rows:
            line = f"{row.name:<10}{row.entries:>8}  {row.relative_error:.1e}"
            if row.verdict == "wrong":
                line += f"  wrong, most at {list(row.where)}"
            elif row.verdict != "right":
                line += f"  {row.verdict}"
            lines.append(line)
        return "\n".join(lines)


def check_gradients(
    network: Network,
    X: Array,
    y: NDArray[np.integer],
    h: float = 1e-5,
    entries: int | None = None,
    seed: int = 0,
    training: bool = False,
) -> GradientReport:
    """Hold the gradients of a network against central differences.

    Parameters
    ----------
    network : Network
        Made with ``dtype=np.float64``; its weights are nudged and restored.
    X : float64 array (batch, features)
        A few examples; the cost is two forward passes for each entry checked.
    y : array (batch,)
        Their labels.
    h : float, optional
        Size of a nudge, above 0.
    entries : int, optional
        Check only so many entries of each parameter, at least 1, drawn at random.
    seed : int, optional
        Seed of that draw.
    training : bool, optional
        Whether to check the network as in a step of training, with dropout; each
        forward pass then draws the same masks.

    Returns
    -------
    GradientReport
        A relative error and a verdict for each parameter.

    Raises
    ------
    InputError
        If the network is not float64: rounding would hide every error below 1e-3.
        If it has no parameters, or h or entries is out of its range.

    Examples
    --------
    >>> from backprop import Dense, SoftmaxCrossEntropy, Tanh
    >>> network = Network([Dense(4, 3), Tanh(), Dense(3, 2)],
    ...                   loss=SoftmaxCrossEntropy(), seed=0, dtype=np.float64)
    >>> X = np.random.default_rng(0).normal(size=(5, 4))
    >>> check_gradients(network, X, np.array([0, 1, 1, 0, 1])).verdict
    'right'
    """
    check_settings(network, h, entries)
    before = remembered(network)

    def loss() -> float:
        put_back(network, before)  # the same masks for every nudge
        return network.loss.forward(network.forward(X, training), y)

    here = loss()
    network.backward(network.loss.backward())
    analytic = {name: dW.copy() for name, dW in network.gradients.items()}
    rng = np.random.default_rng(seed)
    rows = []
    for name, W in network.parameters.items():
        chosen = list(np.ndindex(W.shape))
        if entries is not None and entries < len(chosen):
            chosen = [
                chosen[i] for i in rng.choice(len(chosen), entries, replace=False)
            ]
        claimed = {index: float(analytic[name][index]) for index in chosen}
        rows.append(compared(name, Nudging(loss, W, here), claimed, h))
    put_back(network, before)  # whoever trains on notices nothing
    return GradientReport(tuple(rows))


@dataclass(frozen=True)
class Nudging:
    """What nudging the entries of one array says about the slopes of a loss.

    Attributes
    ----------
    loss : function () -> float
        Reads the array.
    W : float64 array
        Is nudged and restored.
    here : float
        The loss without a nudge.
    """

    loss: Callable[[], float]
    W: Array
    here: float

    def central(self, index: tuple[int, ...], h: float) -> float:
        """Return the central difference."""
        return slope(self.loss, self.W, index, h)

    def noise(self, h: float) -> float:
        """Return how far rounding alone may move a central difference."""
        return ROUNDINGS * float(np.finfo(np.float64).eps) * abs(self.here) / h

    def is_kink(self, index: tuple[int, ...], h: float, claimed: float) -> bool:
        """Tell whether the slopes on both sides differ, with the claimed one between.

        Where the loss only bends, its slopes on both sides come together with h; at a
        kink they do not.
        """
        below, above = beside(self.loss, self.W, index, h)
        sides = ((self.here - below) / h, (above - self.here) / h)
        noise = 2 * self.noise(h)
        apart = max(sides) - min(sides) > 10 * noise
        return apart and min(sides) - noise <= claimed <= max(sides) + noise


def compared(
    name: str, nudging: Nudging, claimed: dict[tuple[int, ...], float], h: float
) -> ParameterCheck:
    """Return the check of some entries of an array."""
    measured = {index: nudging.central(index, h) for index in claimed}
    ours, theirs = np.array([*claimed.values()]), np.array([*measured.values()])
    error, apart = relative_error(ours, theirs), np.abs(ours - theirs)
    noise = nudging.noise(h)
    worst = list(claimed)[int(np.argmax(np.where(np.isfinite(apart), apart, np.inf)))]
    if error <= RIGHT:
        verdict = "right"
    elif apart.max() <= noise:
        verdict = "too small to tell"
    else:
        bounds = np.maximum(noise, RIGHT * (np.abs(ours) + np.abs(theirs)))
        doubtful = [i for i, far in zip(claimed, apart > bounds, strict=True) if far]
        found = {judged(nudging, index, h, claimed[index]) for index in doubtful}
        verdict = min(found, key=VERDICTS.index, default="right")
        if not np.isfinite(apart).all():
            verdict = "wrong"
    return ParameterCheck(name, len(claimed), error, verdict, worst)


def judged(nudging: Nudging, index: tuple[int, ...], h: float, claimed: float) -> str:
    """Return the verdict on an entry that the first nudge contradicts.

    Smaller nudges step over fewer kinks, down to the one at the point itself.
    """
    for smaller in (h / 10, h / 100, h / 1000):
        central = nudging.central(index, smaller)
        bound = max(nudging.noise(smaller), RIGHT * (abs(claimed) + abs(central)))
        if abs(claimed - central) <= bound:
            return "right"
    return "kink" if nudging.is_kink(index, h / 100, claimed) else "wrong"


def remembered(network: Network) -> tuple[dict[str, Array], Any]:
    """Return what a forward pass may change: state that is no parameter, the masks."""
    state = {n: array.copy() for n, array in network.state.items()}
    for name in network.parameters:
        del state[name]
    return state, network.rng.bit_generator.state


def put_back(network: Network, before: tuple[dict[str, Array], Any]) -> None:
    """Put back what `remembered` has kept."""
    if before[0]:  # of few layers; a check calls this for each nudge
        network.state.update(before[0])
    network.rng.bit_generator.state = before[1]


def check_settings(network: Network, h: float, entries: int | None) -> None:
    """Raise `InputError` unless these settings check something."""
    if network.dtype != np.float64:
        raise InputError(
            f"A gradient check needs a network with dtype=np.float64; this one is "
            f"{network.dtype}, whose rounding hides errors."
        )
    if not network.parameters:
        raise InputError(
            f"A gradient check needs a network with parameters, but {network} has none."
        )
    if not 0 < h < float("inf"):
        raise InputError(f"check_gradients: h must be above 0, but is {h!r}.")
    if entries is not None and (
        not isinstance(entries, (int, np.integer)) or entries < 1
    ):
        raise InputError(
            f"check_gradients: entries must be a whole number of at least 1, or None "
            f"for all, but is {entries}."
        )
