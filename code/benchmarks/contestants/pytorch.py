"""PyTorch on the CPU, written as its own tutorials write it."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import torch
from backprop import Convolution2D, Dataset, Dense, Flatten, Network, ReLU, Reshape
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.contestants import Array, Gradient, Settings, pairs

# The same descent, computed in three ways, and two ways to keep images in memory.
# Which is fastest depends on the machine, so a short trial before each race decides.
DESCENTS: dict[str, dict[str, bool]] = {
    "a parameter at a time": {"foreach": False},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
}
CHANNELS_LAST = "fused, channels last"


class PyTorch:
    """An eager or compiled module, trained with mini-batches of a permutation.

    Parameters
    ----------
    network : Network
        Where everybody starts; its weights are copied.
    data : Dataset
        What is learned from.
    settings : Settings
        Of the race.
    way : str
        One of those that `ways` returns for the network.
    compiled : bool, optional
        Whether module and loss go through ``torch.compile``.
    """

    def __init__(
        self,
        network: Network,
        data: Dataset,
        settings: Settings,
        way: str,
        compiled: bool = False,
    ) -> None:
        self.module = module_like(network)
        if way == CHANNELS_LAST:
            self.module.to(memory_format=torch.channels_last)
        self.names = list(network.parameters)
        self.images = torch.tensor(data.inputs)
        self.labels = torch.tensor(data.targets, dtype=torch.int64)
        self.batch_size = settings.batch_size
        self.cross_entropy = nn.CrossEntropyLoss()
        self.loss = torch.compile(self.eager_loss) if compiled else self.eager_loss
        self.optimizer = torch.optim.SGD(
            self.module.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            **DESCENTS[way.split(",")[0]],
        )

    def eager_loss(self, X: Tensor, y: Tensor) -> Tensor:
        """Return the mean loss of a batch."""
        return self.cross_entropy(self.module(X), y)

    def gradient(self, X: Array, y: NDArray[np.integer]) -> Gradient:
        """Return the loss of a batch and its gradient by the present weights."""
        self.optimizer.zero_grad()
        loss = self.loss(torch.tensor(X), torch.tensor(y))
        loss.backward()
        gradients = [as_ours(p.grad) for p in self.module.parameters()]
        return loss.item(), dict(zip(self.names, gradients, strict=True))

    def epoch(self) -> float:
        """Learn from every example once, in a fresh order; return the seconds."""
        start = perf_counter()
        self.learn(torch.randperm(len(self.images)))
        return perf_counter() - start

    def learn(self, order: Tensor, schedule: Any = None) -> None:
        """Take a step for each mini-batch of the examples in this order.

        Parameters
        ----------
        order : integer tensor (n,)
            The numbers of the examples.
        schedule : torch.optim.lr_scheduler.LRScheduler, optional
            Goes one step with each step.
        """
        losses = []  # ours keeps them too
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            self.optimizer.zero_grad()
            # The same as images[chosen], in less than half of the time.
            X = self.images.index_select(0, chosen)
            loss = self.loss(X, self.labels.index_select(0, chosen))
            loss.backward()
            self.optimizer.step()
            if schedule is not None:
                schedule.step()
            losses.append(loss.item())

    def accuracy(self, data: Dataset) -> float:
        """Return the share of correct answers, from 0 to 1."""
        with torch.no_grad():
            guesses = self.module(torch.tensor(data.inputs)).argmax(dim=1)
        return float((guesses.numpy() == data.targets).mean())


def ways(network: Network) -> list[str]:
    """Return the ways of computing the same that are worth a trial."""
    images = any(isinstance(layer, Convolution2D) for layer in network.layers)
    return [*DESCENTS, *([CHANNELS_LAST] if images else [])]


def module_like(network: Network) -> nn.Sequential:
    """Return a module with the layers and the weights of a network of ours."""
    module = nn.Sequential(*(layer_like(layer) for layer in network.layers))
    layers = [layer for layer in module if hasattr(layer, "weight")]
    with torch.no_grad():
        for layer, (W, b) in zip(layers, pairs(network.parameters), strict=True):
            layer.weight.copy_(torch.tensor(np.moveaxis(W, -1, 0)))
            layer.bias.copy_(torch.tensor(b))
    return module


def layer_like(layer: object) -> nn.Module:
    """Return PyTorch's layer for one of ours."""
    match layer:
        case Dense():
            return nn.Linear(layer.inputs, layer.outputs)
        case Convolution2D():
            return nn.Conv2d(
                layer.in_channels,
                layer.out_channels,
                layer.size,
                layer.stride,
                layer.padding,
            )
        case ReLU():
            return nn.ReLU()
        case Reshape():
            return nn.Unflatten(1, layer.shape)
        case Flatten():
            return nn.Flatten()
    raise ValueError(f"layer_like: there is no layer of PyTorch's for {layer!r} here.")


def as_ours(gradient: Tensor) -> Array:
    """Return a gradient in our shape: PyTorch has the outputs first, we have them last.

    Biases have one axis, and stay as they are.
    """
    return np.moveaxis(gradient.numpy(), 0, -1).copy()
