"""The trainings behind the book's best figures, each a few lines that you can change.

Chapters "Training on MNIST", "Regularization" and "Other architectures" use them;
`make recipes` runs them all with three seeds. Every setting was chosen on validation
images; the test images were looked at once, at the end.

A recipe takes the images to learn from and a seed, from which all that is random
comes, and returns the trained network.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from backprop.augmentation import Shift, Warp
from backprop.convolution import Convolution2D, Flatten, Reshape
from backprop.data import Split
from backprop.layers import Dense, Dropout, Layer, ReLU
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Network
from backprop.optimizers import SGD, Optimizer, cosine, linear
from backprop.pruning import Masked, magnitude_masks
from backprop.training import train


def mlp(*widths: int, seed: int, dropout: tuple[float, float] = (0, 0)) -> Network:
    """Build a multilayer perceptron: dense layers with ReLU between them.

    Parameters
    ----------
    *widths : int
        Of the input, of each hidden layer, of the output.
    seed : int
        Of the weights and the dropout masks.
    dropout : (float, float), optional
        Rates for the input and for the hidden layers; 0 leaves the layer out.

    Returns
    -------
    Network
        Untrained, with cross-entropy as its loss.

    Examples
    --------
    >>> mlp(784, 100, 10, seed=0).layers
    [Dense(784, 100), ReLU(), Dense(100, 10)]
    """
    layers: list[Layer] = []
    for place, (inputs, outputs) in enumerate(pairwise(widths)):
        rate = dropout[0] if place == 0 else dropout[1]
        layers += [Dropout(rate)] if rate else []
        layers += [Dense(inputs, outputs), ReLU()]
    return Network(layers[:-1], loss=SoftmaxCrossEntropy(), seed=seed)


def cnn(seed: int) -> Network:
    """Build a small convolutional network: 80,202 parameters.

    Two convolutions with a stride of 2 do what convolution and pooling would do, at
    less cost.

    Parameters
    ----------
    seed : int
        Of the weights.

    Returns
    -------
    Network
        Untrained, with cross-entropy as its loss.

    Examples
    --------
    >>> sum(array.size for array in cnn(seed=0).parameters.values())
    80202
    """
    return Network(
        [
            Reshape(1, 28, 28),
            Convolution2D(1, 16, size=5, stride=2),
            ReLU(),
            Convolution2D(16, 32, size=5, stride=2),
            ReLU(),
            Flatten(),
            Dense(512, 128),
            ReLU(),
            Dense(128, 10),
        ],
        loss=SoftmaxCrossEntropy(),
        seed=seed,
    )


def plain_mlp(data: Split, seed: int) -> Network:
    """Train a multilayer perceptron for about a minute, on the images as they are."""
    network = mlp(784, 512, 512, 10, seed=seed, dropout=(0.1, 0.3))
    train(
        network,
        data,
        optimizer=SGD(0.1, momentum=0.9),
        schedule=cosine,
        epochs=13,
        seed=seed,
    )
    return network


def warped_mlp(data: Split, seed: int) -> Network:
    """Train a multilayer perceptron for about three minutes, on warped images."""
    network = mlp(784, 512, 512, 10, seed=seed)
    train(
        network,
        data,
        optimizer=SGD(0.1, momentum=0.9),
        schedule=linear,
        epochs=32,
        augment=Warp(shift=1, affine=0.1, elastic=0.4),
        seed=seed,
    )
    return network


def large_warped_mlp(data: Split, seed: int) -> Network:
    """Train a larger multilayer perceptron for about seven minutes."""
    network = mlp(784, 1024, 512, 10, seed=seed)
    train(
        network,
        data,
        optimizer=SGD(0.1, momentum=0.9),
        schedule=linear,
        epochs=50,
        augment=Warp(shift=1, affine=0.12, elastic=0.5),
        seed=seed,
    )
    return network


def shifted_cnn(data: Split, seed: int) -> Network:
    """Train a small convolutional network for about a minute, on shifted images."""
    network = cnn(seed)
    train(
        network,
        data,
        optimizer=SGD(0.05, momentum=0.9),
        schedule=linear,
        epochs=12,
        batch_size=64,
        augment=Shift(1),
        seed=seed,
    )
    return network


def warped_cnn(data: Split, seed: int) -> Network:
    """Train the same network for about three minutes, on warped images."""
    network = cnn(seed)
    train(
        network,
        data,
        optimizer=SGD(0.05, momentum=0.9),
        schedule=linear,
        epochs=26,
        batch_size=64,
        augment=Warp(shift=1, affine=0.1, elastic=0.4),
        seed=seed,
    )
    return network


def few_images_mlp(data: Split, seed: int) -> Network:
    """Train a multilayer perceptron on a few thousand images, always warped anew."""
    network = mlp(784, 300, 100, 10, seed=seed)
    train(
        network,
        data,
        optimizer=SGD(0.05, momentum=0.9),
        schedule=linear,
        epochs=80,
        batch_size=32,
        augment=Warp(shift=1, affine=0.1, elastic=0.4),
        seed=seed,
    )
    return network


def few_images_cnn(data: Split, seed: int) -> Network:
    """Train the convolutional network on a few thousand images, always warped anew."""
    network = cnn(seed)
    train(
        network,
        data,
        optimizer=SGD(0.03, momentum=0.9),
        schedule=linear,
        epochs=100,
        batch_size=32,
        augment=Warp(shift=1, affine=0.1, elastic=0.4),
        seed=seed,
    )
    return network


PRUNING_LEVELS = (4, 12, 20, 30)


def pruned_mlp(data: Split, seed: int) -> Iterator[tuple[int, Network]]:
    """Train a network, then remove weights in steps and train what is left.

    Parameters
    ----------
    data : Split
        The examples.
    seed : int
        Of all that is random.

    Yields
    ------
    fold : int
        1 for the whole network, then by how much fewer weights are left.
    network : Network
        The network at this level; it is pruned further when the next is asked for.
    """
    network = mlp(784, 300, 100, 10, seed=seed, dropout=(0.1, 0.1))
    optimizer: Optimizer = SGD(0.1, momentum=0.9)
    for fold in (1, *PRUNING_LEVELS):
        if fold > 1:
            masks = magnitude_masks(network, keep=1 / fold)
            optimizer = Masked(SGD(0.1, momentum=0.9), masks)
        train(network, data, optimizer=optimizer, schedule=cosine, epochs=12, seed=seed)
        yield fold, network
