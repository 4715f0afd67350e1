"""The same gradient by this library and by PyTorch: the listings of the last chapter.

Both take the weights of a network with one hidden layer, a batch and its labels, and
return the loss and the gradient of the first weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def by_this_library(
    W1: Array, W2: Array, X: Array, y: NDArray[np.integer]
) -> tuple[float, Array]:
    """Return the loss and its gradient by W1, by the layers of this book."""
    from backprop import Dense, Network, ReLU, SoftmaxCrossEntropy

    first, last = Dense(*W1.shape), Dense(*W2.shape)
    network = Network([first, ReLU(), last], loss=SoftmaxCrossEntropy(), seed=0)
    first.W[:], last.W[:] = W1, W2

    loss = network.loss.forward(network.forward(X), y)
    network.backward(network.loss.backward())
    return loss, first.dW


def by_pytorch(
    W1: Array, W2: Array, X: Array, y: NDArray[np.integer]
) -> tuple[float, Any]:
    """Return the loss and its gradient by W1, by PyTorch's tape."""
    import torch
    from torch import nn

    network = nn.Sequential(nn.Linear(*W1.shape), nn.ReLU(), nn.Linear(*W2.shape))
    with torch.no_grad():  # its weights have a row for each output
        network[0].weight[:], network[0].bias[:] = torch.tensor(W1.T), 0
        network[2].weight[:], network[2].bias[:] = torch.tensor(W2.T), 0

    logits = network(torch.tensor(X))
    loss = nn.functional.cross_entropy(logits, torch.tensor(y))
    loss.backward()
    return loss.item(), network[0].weight.grad.numpy().T
