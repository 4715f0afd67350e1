"""Pruning: the same network with less of it, by weights, by neurons or by layers.

Chapter "Remedies" uses it. The simplest meaning of pruning is a smaller network:
`without_layer` and `without_neurons` build one and keep the weights that stay. Single
weights are removed by a mask that holds them at zero while the others are retrained.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from backprop.checks import shown
from backprop.errors import InputError
from backprop.layers import Dense, Layer
from backprop.network import Network

Array = NDArray[np.floating]
Masks = Mapping[str, NDArray[np.bool_]]


def magnitude_masks(network: Network, keep: float) -> dict[str, NDArray[np.bool_]]:
    """Choose the weights to keep: those that are largest in absolute value.

    The weights of all layers compete with each other; biases are always kept.

    Parameters
    ----------
    network : Network
        Is only looked at. What an earlier mask set to zero is removed first.
    keep : float
        Share of all weights that stays, above 0 and at most 1.

    Returns
    -------
    dict of bool array
        For each weight matrix, by its key in ``network.parameters``: True where
        the weight stays.

    Raises
    ------
    InputError
        If the share is out of its range or the network has no weights.

    References
    ----------
    Han, Pool, Tran, Dally (2015), "Learning both Weights and Connections for
    Efficient Neural Networks".

    Examples
    --------
    >>> from backprop import Dense, SoftmaxCrossEntropy
    >>> network = Network([Dense(2, 2)], loss=SoftmaxCrossEntropy(), seed=0)
    >>> network.parameters["0.W"][:] = [[0.1, -3.0], [2.0, 0.0]]
    >>> magnitude_masks(network, keep=0.5)
    {'0.W': array([[False,  True],
           [ True, False]])}
    """
    if not isinstance(keep, Real) or not 0 < keep <= 1:
        raise InputError(
            f"magnitude_masks: keep must be a number above 0 and at most 1, but is "
            f"{keep!r}."
        )
    names = network.weight_names
    weights = {n: np.abs(W) for n, W in network.parameters.items() if n in names}
    if not weights:
        raise InputError(f"{network} has no weights that could be removed.")
    sizes = np.concatenate([W.ravel() for W in weights.values()])
    # By rank, not by a threshold: weights that are equal must not all stay or all go.
    stays = np.zeros(len(sizes), bool)
    stays[np.argsort(-sizes, kind="stable")[: max(1, round(keep * len(sizes)))]] = True
    ends = np.cumsum([W.size for W in weights.values()])
    parts = np.split(stays, ends[:-1])
    return {
        name: part.reshape(W.shape)
        for (name, W), part in zip(weights.items(), parts, strict=True)
    }


class Mask:
    """A step after the step: hold the weights outside of masks at zero.

    W ← W · mask. `train` calls it as ``after_step``; in a loop of your own, call it
    after `Optimizer.step`.

    Parameters
    ----------
    masks : mapping of bool array
        From `magnitude_masks`, for the network that will be trained.

    Raises
    ------
    InputError
        If a mask is no array of booleans or, when called, if it fits no parameter of
        the network; then nothing has changed.

    Examples
    --------
    >>> from backprop import SGD, Dense, SoftmaxCrossEntropy, Dataset, train
    >>> network = Network([Dense(2, 2)], loss=SoftmaxCrossEntropy(), seed=0)
    >>> masks = {"0.W": np.array([[True, False], [True, True]])}
    >>> data = Dataset(np.eye(2, dtype=np.float32), np.array([0, 1]))
    >>> history = train(network, data, optimizer=SGD(0.1), after_step=Mask(masks),
    ...                 epochs=3, progress=False)
    >>> bool(network.parameters["0.W"][0, 1] == 0)
    True
    """

    def __init__(self, masks: Masks) -> None:
        for name, mask in masks.items():
            if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
                raise InputError(
                    f"Mask: the mask {name} must be an array of booleans, but is "
                    f"{shown(mask)}. magnitude_masks makes such masks."
                )
        self.masks = dict(masks)

    def __repr__(self) -> str:
        kept = sum(int(mask.sum()) for mask in self.masks.values())
        return f"Mask({kept:,} weights kept)"

    def __call__(self, network: Network) -> None:
        """Set the network's weights outside of the masks to zero."""
        parameters = network.parameters
        for name, mask in self.masks.items():
            if name not in parameters or parameters[name].shape != mask.shape:
                raise InputError(
                    f"Mask: there is a mask {name} of shape {mask.shape}, but the "
                    f"network has no such parameter. Make the masks from this network."
                )
        for name, mask in self.masks.items():
            parameters[name][~mask] = 0


def without_neurons(network: Network, place: int, keep: NDArray[np.integer]) -> Network:
    """Build the network again without some neurons of one hidden layer.

    A neuron is a column of its own weights, its bias, and a row of the next dense
    layer's weights; all three go. Permuting or doubling neurons is done alike.

    Parameters
    ----------
    network : Network
        Is only looked at.
    place : int
        Of a `Dense` layer in ``network.layers`` that another one follows, with
        nothing but activations and dropout in between.
    keep : integer array (neurons that stay,)
        Which neurons of that layer, in their new order; at least one.

    Returns
    -------
    Network
        A new one, with copies of the weights that stay.

    Raises
    ------
    InputError
        If there is no such layer or no such neuron.

    Examples
    --------
    >>> from backprop import Dense, ReLU, SoftmaxCrossEntropy
    >>> network = Network([Dense(4, 3), ReLU(), Dense(3, 2)],
    ...                   loss=SoftmaxCrossEntropy(), seed=0)
    >>> without_neurons(network, 0, keep=[2, 0]).layers
    [Dense(4, 2), ReLU(), Dense(2, 2)]
    """
    layer, after = dense_pair(network, place)
    kept = np.asarray(keep)
    if kept.ndim != 1 or kept.size == 0 or not np.issubdtype(kept.dtype, np.integer):
        raise InputError(
            f"without_neurons: keep must be the numbers of the neurons that stay, at "
            f"least one, but is {keep!r}."
        )
    if kept.min() < 0 or kept.max() >= layer.outputs:
        raise InputError(
            f"without_neurons: {layer} has the neurons 0 to {layer.outputs - 1}, but "
            f"{kept[(kept < 0) | (kept >= layer.outputs)][0]} was asked for."
        )
    following = network.layers.index(after)
    return rebuilt(
        network,
        {
            place: dense_with(layer, layer.W[:, kept], layer.b[kept]),
            following: dense_with(after, after.W[kept], after.b),
        },
    )


def strongest_neurons(network: Network, place: int, count: int) -> NDArray[np.integer]:
    """Choose the neurons of a hidden layer that have the most to say.

    Parameters
    ----------
    network : Network
        Is only looked at.
    place : int
        Of a `Dense` layer in ``network.layers`` that another one follows.
    count : int
        How many to choose, at least 1 and at most as many as there are.

    Returns
    -------
    integer array (count,)
        The neurons with the largest product of two lengths: of the weights that
        come in and of those that go out. In ascending order.

    Raises
    ------
    InputError
        If there is no such layer or there are not so many neurons.

    Examples
    --------
    >>> from backprop import Dense, ReLU, SoftmaxCrossEntropy
    >>> network = Network([Dense(1, 3), ReLU(), Dense(3, 1)],
    ...                   loss=SoftmaxCrossEntropy(), seed=0)
    >>> network.parameters["0.W"][:] = [[1.0, 5.0, 2.0]]
    >>> network.parameters["2.W"][:] = [[3.0], [0.1], [-2.0]]
    >>> strongest_neurons(network, 0, count=2)
    array([0, 2])
    """
    layer, after = dense_pair(network, place)
    if not isinstance(count, (int, np.integer)) or not 1 <= count <= layer.outputs:
        raise InputError(
            f"strongest_neurons: count must be a whole number from 1 to "
            f"{layer.outputs}, but is {count!r}."
        )
    strength = np.linalg.norm(layer.W, axis=0) * np.linalg.norm(after.W, axis=1)
    return np.sort(np.argsort(-strength, kind="stable")[:count])


def without_layer(network: Network, place: int) -> Network:
    """Build the network again without one hidden layer and its activation.

    What followed it now takes what it took, so the layer must be as wide as what
    comes in: removing it then leaves all other shapes as they are. The result is a
    start for retraining; it has not the same outputs.

    Parameters
    ----------
    network : Network
        Is only looked at.
    place : int
        Of a `Dense` layer in ``network.layers`` with as many outputs as inputs.

    Returns
    -------
    Network
        A new one, with copies of the weights that stay.

    Raises
    ------
    InputError
        If there is no such layer, or it is not square, or it is the last one.

    Examples
    --------
    >>> from backprop import Dense, ReLU, SoftmaxCrossEntropy
    >>> layers = [Dense(4, 3), ReLU(), Dense(3, 3), ReLU(), Dense(3, 2)]
    >>> network = Network(layers, loss=SoftmaxCrossEntropy(), seed=0)
    >>> without_layer(network, 2).layers
    [Dense(4, 3), ReLU(), Dense(3, 2)]
    """
    layer, after = dense_pair(network, place)
    if layer.inputs != layer.outputs:
        raise InputError(
            f"without_layer: {layer} cannot be left out, because the layers around it "
            f"would not fit; only one with as many outputs as inputs can."
        )
    gone = range(place, network.layers.index(after))
    return rebuilt(network, {}, gone)


def dense_pair(network: Network, place: int) -> tuple[Dense, Dense]:
    """Return the dense layer at a place and the one that takes what it gives."""
    layers = network.layers
    if not 0 <= place < len(layers) or not isinstance(layers[place], Dense):
        raise InputError(f"There is no dense layer at place {place} of {layers}.")
    for after in layers[place + 1 :]:
        if isinstance(after, Dense):
            return layers[place], after  # type: ignore[return-value]
        if not after.elementwise or after.state:
            break  # it has arrays as wide as what would be left out
    raise InputError(
        f"{layers[place]} at place {place} of {layers} is not followed by another "
        f"dense layer with nothing but activations and dropout between them, so none "
        f"of it can be left out."
    )


def dense_with(layer: Dense, W: Array, b: Array) -> Dense:
    """Return a new dense layer with copies of these weights and biases."""
    inputs, outputs = W.shape
    new = Dense(inputs, outputs, layer.initialization)
    new.W, new.b = W.copy(), b.copy()
    new.dW, new.db = np.zeros_like(new.W), np.zeros_like(new.b)
    return new


def rebuilt(
    network: Network, changed: Mapping[int, Layer], gone: range = range(0)
) -> Network:
    """Return a copy of a network with some layers changed or left out."""
    layers = [
        changed.get(place) or copy.deepcopy(layer)
        for place, layer in enumerate(network.layers)
        if place not in gone
    ]
    values = [{n: W.copy() for n, W in layer.state.items()} for layer in layers]
    for layer in layers:
        layer.taken = False
    new = Network(layers, loss=copy.deepcopy(network.loss), seed=0, dtype=network.dtype)
    for layer, kept in zip(new.layers, values, strict=True):
        layer.state.update(kept)
    return new
