"""The trainings behind the book's best figures, each a few lines that you can change.

Chapters "Training on MNIST", "Remedies" and "Other architectures" use them;
``make recipes`` runs them all with three seeds. Every setting was chosen on validation
images. The test images were looked at when all settings had been chosen, and once
before that for `few_images_cnn`.

A recipe takes the images to learn from and a seed, from which all that is random
comes, and returns the trained network.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from backprop.augmentation import Augmentation, Shift, Warp
from backprop.convolution import Convolution2D, Flatten, Reshape
from backprop.dataset import Dataset
from backprop.layers import Dense, Dropout, Layer, ReLU
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Network
from backprop.optimizers import SGD
from backprop.pruning import Mask, magnitude_masks
from backprop.schedules import Schedule, cosine, linear
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


def trained(
    network: Network,
    data: Dataset,
    seed: int,
    *,
    rate: float = 0.1,
    epochs: int,
    batch_size: int = 128,
    schedule: Schedule = linear,
    augment: Augmentation | None = None,
) -> Network:
    """Train with momentum 0.9, which suits all recipes, and return the network.

    Parameters
    ----------
    network : Network
        Is trained in place.
    data : Dataset
        The examples.
    seed : int
        Of the order and the augmentation.
    rate : float, optional
        The learning rate at the start; it falls to 0 as the schedule says.
    epochs, batch_size, schedule, augment
        As for `train`.

    Returns
    -------
    Network
        The same network.

    Examples
    --------
    >>> from backprop import load_mnist
    >>> few = load_mnist("embedded").train[:500]
    >>> trained(mlp(784, 10, seed=0), few, 0, epochs=1).evaluate(few).accuracy > 0.3
    True
    """
    train(
        network,
        data,
        optimizer=SGD(rate, momentum=0.9),
        epochs=epochs,
        batch_size=batch_size,
        schedule=schedule,
        augment=augment,
        seed=seed,
    )
    return network


def plain_mlp(data: Dataset, seed: int) -> Network:
    """Train a multilayer perceptron for about a minute, on the images as they are."""
    network = mlp(784, 512, 512, 10, seed=seed, dropout=(0.1, 0.3))
    return trained(network, data, seed, schedule=cosine, epochs=13)


def warped_mlp(data: Dataset, seed: int) -> Network:
    """Train a multilayer perceptron for about three minutes, on warped images."""
    network = mlp(784, 512, 512, 10, seed=seed)
    warp = Warp(shift=1, affine=0.1, elastic=0.4)
    return trained(network, data, seed, epochs=32, augment=warp)


def large_warped_mlp(data: Dataset, seed: int) -> Network:
    """Train a larger multilayer perceptron for about seven minutes."""
    network = mlp(784, 1024, 512, 10, seed=seed)
    warp = Warp(shift=1, affine=0.12, elastic=0.5)
    return trained(network, data, seed, epochs=50, augment=warp)


def shifted_cnn(data: Dataset, seed: int) -> Network:
    """Train a small convolutional network for about a minute, on shifted images."""
    network, shift = cnn(seed), Shift(1)
    return trained(
        network, data, seed, rate=0.05, batch_size=64, epochs=12, augment=shift
    )


def warped_cnn(data: Dataset, seed: int) -> Network:
    """Train the same network for about three minutes, on warped images."""
    network, warp = cnn(seed), Warp(shift=1, affine=0.1, elastic=0.4)
    return trained(
        network, data, seed, rate=0.05, batch_size=64, epochs=26, augment=warp
    )


def few_images_mlp(data: Dataset, seed: int) -> Network:
    """Train a multilayer perceptron on a few thousand images, always warped anew."""
    network = mlp(784, 300, 100, 10, seed=seed)
    warp = Warp(shift=1, affine=0.1, elastic=0.4)
    return trained(
        network, data, seed, rate=0.05, batch_size=32, epochs=80, augment=warp
    )


def few_images_cnn(data: Dataset, seed: int) -> Network:
    """Train the convolutional network on a few thousand images, always warped anew."""
    network, warp = cnn(seed), Warp(shift=1, affine=0.1, elastic=0.4)
    return trained(
        network, data, seed, rate=0.03, batch_size=32, epochs=100, augment=warp
    )


PRUNING_LEVELS = (4, 12, 20, 30)


def pruned_mlp(data: Dataset, seed: int) -> Iterator[tuple[int, Network]]:
    """Train a network, then remove weights in steps and train what is left.

    Parameters
    ----------
    data : Dataset
        The examples.
    seed : int
        Of all that is random.

    Yields
    ------
    fold : int
        1 for the whole network; 4 if a quarter of its weights is left, and so on.
    network : Network
        The network at this level; it is pruned further when the next is asked for.
    """
    network = mlp(784, 300, 100, 10, seed=seed, dropout=(0.1, 0.1))
    for fold in (1, *PRUNING_LEVELS):
        hold = None if fold == 1 else Mask(magnitude_masks(network, keep=1 / fold))
        train(
            network,
            data,
            optimizer=SGD(0.1, momentum=0.9),
            schedule=cosine,
            epochs=12,
            seed=seed,
            after_step=hold,
        )
        yield fold, network
