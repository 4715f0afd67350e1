"""The optimizers: given the gradients, move the parameters.

Chapters "Teacher and student" and "Training on MNIST" use them, "Gradient descent"
compares them.
"""

from __future__ import annotations

from math import inf, isfinite, sqrt
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backprop.errors import InputError

if TYPE_CHECKING:
    from backprop.network import Network

Array = NDArray[np.floating]


class Optimizer:
    """What every optimizer has: a learning rate, and a state for each parameter.

    Parameters
    ----------
    learning_rate : float
        Length of a step, above 0.
    weight_decay : float
        By how much of itself a weight is pulled toward 0, at least 0.

    Attributes
    ----------
    state : dict of dict of array
        For each parameter, by its key in ``network.parameters``, what the optimizer
        remembers of the steps before. It belongs to the network being trained: an
        optimizer that is given another network starts from rest. `Network.load`
        changes the weights of the same network and stops nothing: make a new
        optimizer after it.
    room : dict of array
        For each parameter, memory of its shape to compute in.
    """

    def __init__(self, learning_rate: float, weight_decay: float = 0.0) -> None:
        self.learning_rate = self._setting("learning_rate", learning_rate, zero=False)
        self.weight_decay = self._setting("weight_decay", weight_decay)
        self.state: dict[str, dict[str, Array]] = {}
        self.room: dict[str, Array] = {}
        self._network: Network | None = None

    def step(self, network: Network, factor: float = 1.0) -> None:
        """Move every parameter of the network against its gradient, in place.

        Parameters
        ----------
        network : Network
            Its gradients must be those of the current batch.
        factor : float, optional
            What the learning rate is multiplied by in this step (a schedule's
            value), at least 0.

        Raises
        ------
        InputError
            If the factor is out of its range; then nothing has moved.
        """
        rate = self.learning_rate * checked(factor)
        if network is not self._network:
            self.start(network)
        gradients = network.gradients
        for name, W in network.parameters.items():
            self.move(name, W, gradients[name], rate)

    def start(self, network: Network) -> None:
        """Forget all steps; from now on move this network."""
        self._network = network
        self.state = {n: self.at_rest(W) for n, W in network.parameters.items()}
        self.room = {n: np.empty_like(W) for n, W in network.parameters.items()}

    def at_rest(self, W: Array) -> dict[str, Array]:
        """Return the state of a parameter before the first step."""
        raise NotImplementedError

    def move(self, name: str, W: Array, dW: Array, rate: float) -> None:
        """Move one parameter, in place; dW stays as it is."""
        raise NotImplementedError

    def decay(self, name: str) -> float:
        """Return λ for weights and 0 for biases, which are free."""
        return self.weight_decay if name.endswith(("W", "U")) else 0.0

    def _setting(
        self, name: str, value: float, zero: bool = True, below: float = inf
    ) -> float:
        """Return a setting as Python's float, or raise `InputError`."""
        number = as_float(value)
        if not 0 <= number < below or (number == 0 and not zero):
            bounds = "at least 0" if zero else "above 0"
            bounds += "" if below == inf else f" and below {below}"
            raise InputError(
                f"{type(self).__name__}: {name} must be a number {bounds}, but is "
                f"{value}."
            )
        return number


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and weight decay if asked for.

    For each parameter W with gradient dW, equation (eq-momentum)::

        v ← momentum · v + dW
        W ← W - learning_rate · v

    With ``momentum=0`` that is plain gradient descent, equation (eq-descent). With
    ``nesterov=True`` the second line looks one step ahead::

        W ← W - learning_rate · (dW + momentum · v)

    Parameters
    ----------
    learning_rate : float
        Length of a step as a multiple of the gradient, above 0.
    momentum : float, optional
        How much of the last step is kept, from 0 (default) to below 1.
    nesterov : bool, optional
        Whether to look ahead; needs momentum.
    weight_decay : float, optional
        λ, at least 0 (default). The loss becomes L + λ/2 · (sum of all squared
        weights), so that λ W is added to dW. It is λ itself, not λ divided by the
        number of examples. Biases are left alone.

    Raises
    ------
    InputError
        If a setting or a factor is no number or out of its range.

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration
    methods"; Nesterov (1983), in the form of Sutskever, Martens, Dahl, Hinton (2013),
    "On the importance of initialization and momentum in deep learning".

    Examples
    --------
    >>> SGD(learning_rate=0.1, momentum=0.9)
    SGD(learning_rate=0.1, momentum=0.9)
    """

    def __init__(
        self,
        learning_rate: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.momentum = self._setting("momentum", momentum, below=1)
        self.nesterov = bool(nesterov)
        if self.nesterov and self.momentum == 0:
            raise InputError("SGD: nesterov=True needs a momentum, for example 0.9.")

    def __repr__(self) -> str:
        text = f"SGD(learning_rate={self.learning_rate}, momentum={self.momentum}"
        text += ", nesterov=True" if self.nesterov else ""
        text += f", weight_decay={self.weight_decay}" if self.weight_decay else ""
        return text + ")"

    def at_rest(self, W: Array) -> dict[str, Array]:
        """Return a velocity of zero."""
        return {"v": np.zeros_like(W)}

    def move(self, name: str, W: Array, dW: Array, rate: float) -> None:
        """Move one parameter by its velocity, equation (eq-momentum)."""
        v, step = self.state[name]["v"], self.room[name]
        if decay := self.decay(name):
            np.multiply(W, decay, out=step)
            dW = np.add(step, dW, out=step)  # the gradient of the loss with its penalty
        v *= self.momentum
        v += dW
        if self.nesterov:
            np.multiply(dW, rate, out=step)
            W -= step
            rate *= self.momentum
        np.multiply(v, rate, out=step)
        W -= step


class Adam(Optimizer):
    """Adaptive moments: each weight has a step of its own, of about the same length.

    With the gradient dW of step t = 1, 2, …::

        m ← beta1 · m + (1 - beta1) · dW
        v ← beta2 · v + (1 - beta2) · dW²
        W ← W - learning_rate · (m / (1 - beta1ᵗ)) / (√(v / (1 - beta2ᵗ)) + epsilon)

    The two divisions by 1 - betaᵗ correct that m and v start at 0: without them the
    first averages would be too small.

    Parameters
    ----------
    learning_rate : float, optional
        About how far a weight moves in a step, above 0; 0.001 by default.
    beta1, beta2 : float, optional
        How slowly the averages of gradient and squared gradient forget, from 0 to
        below 1; 0.9 and 0.999 by default.
    epsilon : float, optional
        Keeps the quotient finite where no gradient was, above 0.
    weight_decay : float, optional
        λ, at least 0 (default): in each step learning_rate · λ · W is taken from W,
        apart from the gradient ("AdamW"). Biases are left alone.

    Raises
    ------
    InputError
        If a setting or a factor is no number or out of its range.

    References
    ----------
    Kingma, Ba (2015), "Adam: A Method for Stochastic Optimization", algorithm 1;
    Loshchilov, Hutter (2019), "Decoupled Weight Decay Regularization", algorithm 2.

    Examples
    --------
    >>> Adam(learning_rate=0.002)
    Adam(learning_rate=0.002)
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.beta1 = self._setting("beta1", beta1, below=1)
        self.beta2 = self._setting("beta2", beta2, below=1)
        self.epsilon = self._setting("epsilon", epsilon, zero=False)

    def __repr__(self) -> str:
        defaults = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0}
        others = [
            f", {name}={getattr(self, name)}"
            for name, default in defaults.items()
            if getattr(self, name) != default
        ]
        return f"Adam(learning_rate={self.learning_rate}{''.join(others)})"

    def at_rest(self, W: Array) -> dict[str, Array]:
        """Return averages of zero, and no step taken."""
        return {"m": np.zeros_like(W), "v": np.zeros_like(W), "t": np.zeros(())}

    def move(self, name: str, W: Array, dW: Array, rate: float) -> None:
        """Move one parameter by its averages, equation (eq-adam)."""
        (m, v, t), step = self.state[name].values(), self.room[name]
        t += 1
        if decay := self.decay(name):
            W *= 1 - rate * decay
        m *= self.beta1
        np.multiply(dW, 1 - self.beta1, out=step)
        m += step
        v *= self.beta2
        np.multiply(dW, dW, out=step)
        step *= 1 - self.beta2
        v += step
        np.divide(v, 1 - self.beta2 ** float(t), out=step)
        np.sqrt(step, out=step)
        step += self.epsilon
        np.divide(m, step, out=step)
        step *= rate / (1 - self.beta1 ** float(t))
        W -= step


class Clipped(Optimizer):
    """An optimizer whose gradient is shortened first where it is too long.

    If the length of the whole gradient, all parameters together, is more than the
    limit, every entry is multiplied by limit / length: the direction stays, equation
    (eq-clip).

    Parameters
    ----------
    optimizer : SGD or Adam
        Moves the weights.
    limit : float
        The greatest length of a gradient, above 0.

    Raises
    ------
    InputError
        If the limit is no number above 0.

    References
    ----------
    Pascanu, Mikolov, Bengio (2013), "On the difficulty of training recurrent neural
    networks".

    Examples
    --------
    >>> from backprop import Dense, Network, SoftmaxCrossEntropy
    >>> network = Network([Dense(2, 2)], loss=SoftmaxCrossEntropy(), seed=0)
    >>> network.layers[0].db[:] = [3.0, 4.0]
    >>> Clipped(SGD(0.1), limit=1).step(network)
    >>> network.gradients["0.b"].round(2), network.parameters["0.b"].round(2)
    (array([0.6, 0.8], dtype=float32), array([-0.06, -0.08], dtype=float32))
    """

    def __init__(self, optimizer: Optimizer, limit: float) -> None:
        super().__init__(optimizer.learning_rate, optimizer.weight_decay)
        self.optimizer = optimizer
        self.limit = self._setting("limit", limit, zero=False)

    def __repr__(self) -> str:
        return f"Clipped({self.optimizer}, {self.limit})"

    def start(self, network: Network) -> None:
        """Forget all steps; from now on move this network."""
        self.optimizer.start(network)
        self.state = self.optimizer.state

    def step(self, network: Network, factor: float = 1.0) -> None:
        """Shorten the gradients, in place, if they are too long; then move."""
        gradients = network.gradients.values()
        length = sqrt(sum(float(np.vdot(dW, dW)) for dW in gradients))
        if length > self.limit:
            for dW in gradients:
                dW *= self.limit / length
        self.optimizer.step(network, factor)
        self.state = self.optimizer.state


def as_float(value: float) -> float:
    """Return a number of any type as Python's; what is no number becomes NaN.

    With NumPy's own float64 the same step would be rounded otherwise.
    """
    return float(value) if isinstance(value, Real) else float("nan")


def checked(factor: float) -> float:
    """Return a schedule's factor, or raise `InputError` if no step can be so long."""
    if not isinstance(factor, Real) or not isfinite(factor) or factor < 0:
        raise InputError(
            f"step: the factor of the learning rate must be a finite number of at "
            f"least 0, but is {factor!r}. Look at the schedule."
        )
    return float(factor)
