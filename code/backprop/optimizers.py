"""The optimizers: given the gradients, move the parameters.

Chapters "Teacher and student" and "Training on MNIST" use them, "Gradient descent"
compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import room
from backprop.checks import check_factor, number
from backprop.errors import InputError
from backprop.identity import printed

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
        remembers of the steps before. It goes along with a copy.
    network_key : str
        The key of the network that it remembers, empty before the first step.
    """

    def __init__(self, learning_rate: float, weight_decay: float = 0.0) -> None:
        self.learning_rate = number(self, "learning_rate", learning_rate, zero=False)
        self.weight_decay = number(self, "weight_decay", weight_decay)
        self.state: dict[str, dict[str, Array]] = {}
        self.network_key = ""

    def __repr__(self) -> str:
        return printed(self, named=True)

    def __getstate__(self) -> dict[str, Any]:
        return {n: v for n, v in vars(self).items() if n != "room"}

    def step(self, network: Network, factor: float = 1.0) -> None:
        """Move every parameter of the network against its gradient, in place.

        Parameters
        ----------
        network : Network
            Its gradients must be those of the current batch. If the optimizer
            remembers steps, they must be of this network or of a copy. (Anything
            serves that has ``parameters`` and ``gradients`` by name.)
        factor : float, optional
            What the learning rate is multiplied by in this step (a schedule's
            value), at least 0.

        Raises
        ------
        InputError
            If the factor is out of its range, a gradient has not the shape of its
            parameter, or the optimizer remembers another network; then nothing has
            moved.
        """
        rate = self.learning_rate * check_factor(factor)
        parameters, gradients = network.parameters, network.gradients
        self._meet(network, parameters, gradients)
        decaying = network.weight_names if self.weight_decay else ()
        for name, W in parameters.items():
            decay = self.weight_decay if name in decaying else 0.0
            self.move(name, W, gradients[name], rate, decay)

    def start(self, network: Network) -> None:
        """Forget all steps; from now on move this network."""
        self.network_key = getattr(network, "key", "")
        self.state = {n: self.at_rest(W) for n, W in network.parameters.items()}

    def at_rest(self, W: Array) -> dict[str, Array]:
        """Return the state of a parameter before the first step."""
        raise NotImplementedError

    def move(self, name: str, W: Array, dW: Array, rate: float, decay: float) -> None:
        """Move one parameter, in place; dW stays as it is."""
        raise NotImplementedError

    def _meet(
        self,
        network: Network,
        parameters: Mapping[str, Array],
        gradients: Mapping[str, Array],
    ) -> None:
        """Start with a network at the first step; later, see that it is the same."""
        if not any(self.state.values()):
            self.start(network)
        if self.network_key != getattr(network, "key", ""):
            raise InputError(
                f"{self} remembers the steps of another network. Make a new optimizer "
                f"for this one, or let it forget with optimizer.start(network)."
            )
        if self.state.keys() != parameters.keys():
            raise InputError(
                f"{self} remembers the parameters {', '.join(self.state)}, but the "
                f"network has {', '.join(parameters)}. Make a new optimizer."
            )
        for name, W in parameters.items():
            if gradients[name].shape != W.shape:
                raise InputError(
                    f"{self}: the gradient of {name} has shape "
                    f"{gradients[name].shape}, but the parameter has shape {W.shape}."
                )


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
        self.momentum = number(self, "momentum", momentum, below=1)
        self.nesterov = bool(nesterov)
        if self.nesterov and self.momentum == 0:
            raise InputError("SGD: nesterov=True needs a momentum, for example 0.9.")

    def at_rest(self, W: Array) -> dict[str, Array]:
        """Return a velocity of zero; nothing without momentum."""
        return {"v": np.zeros_like(W)} if self.momentum else {}

    def move(self, name: str, W: Array, dW: Array, rate: float, decay: float) -> None:
        """Move one parameter by its velocity, equation (eq-momentum)."""
        if decay:
            dW = dW + decay * W  # the gradient of the loss with its penalty
        if self.momentum:
            v = self.state[name]["v"]
            v *= self.momentum
            v += dW
            dW = dW + self.momentum * v if self.nesterov else v
        W -= rate * dW


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

    Raises
    ------
    InputError
        If a setting or a factor is no number or out of its range.

    References
    ----------
    Kingma, Ba (2015), "Adam: A Method for Stochastic Optimization", algorithm 1.

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
    ) -> None:
        super().__init__(learning_rate)
        self.beta1 = number(self, "beta1", beta1, below=1)
        self.beta2 = number(self, "beta2", beta2, below=1)
        self.epsilon = number(self, "epsilon", epsilon, zero=False)

    def at_rest(self, W: Array) -> dict[str, Array]:
        """Return averages of zero, and no step taken."""
        return {"m": np.zeros_like(W), "v": np.zeros_like(W), "t": np.zeros(())}

    def move(self, name: str, W: Array, dW: Array, rate: float, decay: float) -> None:
        """Move one parameter by its averages, equation (eq-adam)."""
        m, v, t = self.state[name].values()
        step = room(self, name, W.shape, W.dtype)
        t += 1
        update(m, self.beta1, dW, step)  # m ← beta1 · m + (1 - beta1) · dW
        update(v, self.beta2, np.square(dW, out=step), step)  # likewise, with dW²
        np.divide(v, 1 - self.beta2 ** float(t), out=step)
        np.sqrt(step, out=step)
        step += self.epsilon
        np.divide(m, step, out=step)
        step *= rate / (1 - self.beta1 ** float(t))
        W -= step


class AdamW(Adam):
    """Adam with weight decay apart from the gradient.

    Before each step of `Adam`, with the weight decay λ::

        W ← W - learning_rate · λ · W

    Added to the gradient instead, as `SGD` does it, the decay of a weight would be
    divided by the size of its gradients like everything else.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon : float, optional
        As for `Adam`.
    weight_decay : float, optional
        λ, at least 0; 0.01 by default. Biases are left alone.

    Raises
    ------
    InputError
        If a setting or a factor is no number or out of its range.

    References
    ----------
    Loshchilov, Hutter (2019), "Decoupled Weight Decay Regularization", algorithm 2.

    Examples
    --------
    >>> AdamW(weight_decay=0.1)
    AdamW(learning_rate=0.001, weight_decay=0.1)
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon)
        self.weight_decay = number(self, "weight_decay", weight_decay)

    def move(self, name: str, W: Array, dW: Array, rate: float, decay: float) -> None:
        """Let a weight shrink, then move it as `Adam` does."""
        if decay:
            W *= 1 - rate * decay
        super().move(name, W, dW, rate, decay)


class Clip:
    """A step before the step: shorten the gradient where it is too long.

    If the length of the whole gradient, all parameters together, is more than the
    limit, every entry is multiplied by limit / length: the direction stays, equation
    (eq-clip). `train` calls it as ``before_step``; in a loop of your own, call it
    between `Network.backward` and `Optimizer.step`.

    Parameters
    ----------
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
    >>> network.gradients["0.b"] = [3.0, 4.0]
    >>> Clip(1)(network)
    >>> network.gradients["0.b"].round(2)
    array([0.6, 0.8], dtype=float32)
    """

    def __init__(self, limit: float) -> None:
        self.limit = number(self, "limit", limit, zero=False)

    def __repr__(self) -> str:
        return printed(self)

    def __call__(self, network: Network) -> None:
        """Shorten the network's gradients, in place, if they are too long."""
        gradients = network.gradients
        largest = max((float(np.abs(dW).max()) for dW in gradients.values()), default=0)
        if not 0 < largest < inf:
            return  # nothing to shorten; `train` says what a NaN or infinity means
        # Of numbers up to 1: the square of a large one may be too large for its type.
        parts = [np.linalg.norm((dW / largest).ravel()) for dW in gradients.values()]
        length = largest * float(np.linalg.norm(parts))
        if length > self.limit:
            for dW in gradients.values():
                dW *= self.limit / length


def update(average: Array, beta: float, new: Array, step: Array) -> None:
    """Let a running average forget a little, and take in something new.

    average ← beta · average + (1 - beta) · new, computed in the memory of ``step``,
    which may be that of ``new``.
    """
    average *= beta
    average += np.multiply(new, 1 - beta, out=step)
