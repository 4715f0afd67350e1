"""The losses: how wrong a batch of outputs is, as one number, and its gradient.

Chapters "Forward propagation" and "Measuring mistakes" define them, "The chain rule,
symbolically" derives their gradients. The mean over the batch is taken here and
nowhere else: every gradient that leaves a loss already carries the factor 1/batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.errors import InputError, check_share

Array = NDArray[np.floating]


def softmax(logits: Array) -> Array:
    """Turn scores into probabilities, row by row: positive, with sum 1.

    Equation (eq-softmax). The largest score of *each row* is subtracted first,
    which changes no probability and keeps ``exp`` from overflowing.

    Parameters
    ----------
    logits : array (batch, classes), or (classes,) for a single example
        Any finite scores.

    Returns
    -------
    array of the same shape
        Probabilities, a new array.

    Examples
    --------
    >>> softmax(np.array([[1000.0, 1000.0], [0.0, np.log(3.0)]])).round(2)
    array([[0.5 , 0.5 ],
           [0.25, 0.75]])
    """
    E = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


class SoftmaxCrossEntropy:
    """Softmax and cross-entropy in one: the loss of a classifier.

    With p = softmax(z) for the logits z of an example and its label y, the loss
    is -log(p_y), equation (eq-cross-entropy), averaged over the batch. Done in
    one step, the logarithm meets no zero and the gradient by the logits is

        (p - one_hot(y)) / batch,

    equation (eq-p-minus-y).

    Examples
    --------
    >>> loss = SoftmaxCrossEntropy()
    >>> round(loss.forward(np.zeros((1, 10)), np.array([3])), 3)  # ln 10
    2.303
    >>> loss.backward().round(1)
    array([[ 0.1,  0.1,  0.1, -0.9,  0.1,  0.1,  0.1,  0.1,  0.1,  0.1]])
    """

    def __repr__(self) -> str:
        return "SoftmaxCrossEntropy()"

    def __getstate__(self) -> dict[str, Any]:
        return {}  # a copy has no batch in work

    def forward(self, outputs: Array, targets: NDArray[np.integer]) -> float:
        """Return the mean loss of a batch.

        Parameters
        ----------
        outputs : array (batch, classes)
            Logits.
        targets : integer array (batch,)
            Labels, from 0 to classes - 1.

        Returns
        -------
        float
            At least 0; about log(classes) for a network that knows nothing.

        Raises
        ------
        InputError
            If shapes do not fit or a label is not one of the classes.
        """
        check_outputs(outputs)
        y = check_labels(targets, outputs)
        rows = np.arange(len(y))
        # Class by class in memory: a few long sums instead of many short ones.
        Z = np.asfortranarray(outputs)
        Z = Z - Z.max(axis=1, keepdims=True)  # (batch, classes)
        E = np.exp(Z)
        sums = E.sum(axis=1)  # (batch,)
        self.probabilities = E / sums[:, np.newaxis]
        self.labels = y
        return float((np.log(sums) - Z[rows, y]).sum() / len(y))

    def backward(self) -> Array:
        """Return ∂L/∂logits = (p − one_hot(y)) / batch, shape (batch, classes)."""
        check_called(self, "probabilities")
        d_logits = self.probabilities.copy()
        d_logits[np.arange(len(self.labels)), self.labels] -= 1
        d_logits /= len(self.labels)
        return d_logits


class SmoothedCrossEntropy(SoftmaxCrossEntropy):
    """Cross-entropy against labels that leave a little to the other classes.

    The label of an example becomes the row q = (1 - s) one_hot(y) + s / classes: a
    network is no longer paid for being surer than that. The loss grows by
    s (z_y - mean of z), and its gradient by the logits is (p - q) / batch.

    Parameters
    ----------
    smoothing : float, optional
        The share s that is spread over all classes, from 0 to below 1.

    Raises
    ------
    InputError
        If the smoothing is no such number.

    References
    ----------
    Szegedy et al. (2016), "Rethinking the Inception architecture for computer vision".

    Examples
    --------
    >>> loss = SmoothedCrossEntropy(0.2)
    >>> round(loss.forward(np.zeros((1, 2)), np.array([0])), 3)  # ln 2
    0.693
    >>> loss.backward().round(1)
    array([[-0.4,  0.4]])
    """

    def __init__(self, smoothing: float = 0.1) -> None:
        check_share("SmoothedCrossEntropy", "smoothing", smoothing)
        self.smoothing = float(smoothing)

    def __repr__(self) -> str:
        return f"SmoothedCrossEntropy({self.smoothing})"

    def __getstate__(self) -> dict[str, Any]:
        return {"smoothing": self.smoothing}

    def forward(self, outputs: Array, targets: NDArray[np.integer]) -> float:
        """Return the mean loss of a batch; takes what `SoftmaxCrossEntropy` takes."""
        loss = super().forward(outputs, targets)
        right = outputs[np.arange(len(outputs)), self.labels]
        return loss + self.smoothing * float((right - outputs.mean(axis=1)).mean())

    def backward(self) -> Array:
        """Return ∂L/∂logits = (p − q) / batch, shape (batch, classes)."""
        d_logits = super().backward()
        batch, classes = d_logits.shape
        d_logits[np.arange(batch), self.labels] += self.smoothing / batch
        d_logits -= self.smoothing / (batch * classes)
        return d_logits


class MeanSquaredError:
    """Half the squared distance to the target, averaged over the batch.

    L = 1 / (2 batch) · sum over examples and outputs of (a - t)², equation
    (eq-squared-error); its gradient by the outputs is (a - t) / batch.

    Examples
    --------
    >>> loss = MeanSquaredError()
    >>> loss.forward(np.array([[0.8, 0.4]]), np.array([[1.0, 0.0]]))
    0.1
    >>> loss.backward()
    array([[-0.2,  0.4]])
    """

    def __repr__(self) -> str:
        return "MeanSquaredError()"

    def __getstate__(self) -> dict[str, Any]:
        return {}  # a copy has no batch in work

    def forward(self, outputs: Array, targets: NDArray) -> float:  # type: ignore[type-arg]
        """Return the mean loss of a batch.

        Parameters
        ----------
        outputs : array (batch, outputs)
            What the network said.
        targets : float array (batch, outputs), or integer array (batch,)
            What it should have said; labels stand for their one-hot rows.

        Returns
        -------
        float
            At least 0.

        Raises
        ------
        InputError
            If shapes do not fit, or a label is not one of the outputs.
        """
        check_outputs(outputs)
        targets = as_numbers(targets)
        if targets.ndim == 1 and np.issubdtype(targets.dtype, np.integer):
            targets = one_hot(check_labels(targets, outputs), outputs.shape[1])
        if targets.shape != outputs.shape:
            raise InputError(
                f"MeanSquaredError: targets must have the outputs' shape "
                f"{outputs.shape} (or be whole-number labels of shape "
                f"({len(outputs)},)), but have shape {targets.shape}."
                f"{hint_for_one_output(outputs)}"
            )
        self.difference = outputs - targets.astype(outputs.dtype, copy=False)
        return float(np.sum(self.difference**2) / (2 * len(outputs)))

    def backward(self) -> Array:
        """Return ∂L/∂outputs = (a − t) / batch, shape (batch, outputs)."""
        check_called(self, "difference")
        return self.difference / len(self.difference)


def one_hot(labels: NDArray[np.integer], classes: int) -> Array:
    """Return a row for each label: 1 at the label's place, 0 elsewhere.

    Parameters
    ----------
    labels : integer array (batch,)
        From 0 to classes - 1.
    classes : int
        How many classes there are.

    Returns
    -------
    array (batch, classes), float64
        One 1 a row.

    Examples
    --------
    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    rows = np.zeros((len(labels), classes))
    rows[np.arange(len(labels)), labels] = 1
    return rows


def check_called(loss: object, remembered: str) -> None:
    """Raise `InputError` unless the loss remembers what its forward computed."""
    if not hasattr(loss, remembered):
        raise InputError(f"{loss}: call forward first; backward needs its results.")


def hint_for_one_output(outputs: Array) -> str:
    """Return advice for whoever gives labels to a single output, else nothing."""
    if outputs.shape[1] > 1:
        return ""
    return (
        " A network with a single output takes MeanSquaredError and float targets "
        "of shape (batch, 1): targets.astype(float).reshape(-1, 1)."
    )


def as_numbers(targets: NDArray[Any]) -> NDArray[Any]:
    """Return targets as an array, or raise `InputError` if they are no numbers."""
    try:
        found = np.asarray(targets)
    except ValueError as why:  # rows of several lengths
        raise InputError(f"The targets must be an array, but: {why}") from None
    if found.dtype.kind not in "biuf":
        raise InputError(f"The targets must be numbers, but are {found.dtype}.")
    return found


def check_outputs(outputs: Array) -> None:
    """Raise `InputError` unless outputs are a batch, shape (batch ≥ 1, ≥ 1)."""
    if not isinstance(outputs, np.ndarray) or outputs.dtype.kind != "f":
        found = getattr(outputs, "dtype", f"a {type(outputs).__name__}")
        raise InputError(
            f"The loss takes outputs as an array of floating-point numbers, but got "
            f"{found}. Write np.array(..., dtype=float)."
        )
    if np.ndim(outputs) != 2 or 0 in np.shape(outputs):
        raise InputError(
            f"The loss takes a batch of outputs, shape (batch, classes) with at "
            f"least one example, but got shape {np.shape(outputs)}."
        )


def check_labels(labels: NDArray[np.integer], outputs: Array) -> NDArray[np.integer]:
    """Return labels as an array, or raise `InputError` saying what is wrong.

    Parameters
    ----------
    labels : integer array (batch,)
        To be checked.
    outputs : array (batch, classes)
        What the labels belong to.

    Returns
    -------
    integer array (batch,)
        The labels.
    """
    labels = as_numbers(labels)
    if labels.shape != (len(outputs),):
        raise InputError(
            f"There must be one label for each of the {len(outputs)} outputs, an "
            f"array of shape ({len(outputs)},), but labels have shape {labels.shape}."
        )
    if labels.dtype.kind not in "iu":
        raise InputError(
            f"Labels must be whole numbers (an integer array), but are {labels.dtype}. "
            f"Convert them with labels.astype(int)."
        )
    classes = outputs.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        wrong = labels[(labels < 0) | (labels >= classes)][0]
        raise InputError(
            f"With {classes} outputs, labels run from 0 to {classes - 1}, but there "
            f"is a label {wrong}.{hint_for_one_output(outputs)}"
        )
    return labels
