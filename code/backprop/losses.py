"""The losses: how wrong a batch of outputs is, as one number, and its gradient.

Chapters "Forward propagation" and "Measuring mistakes" define them, "The chain rule,
symbolically" derives their gradients. The mean over the batch is taken here and
nowhere else: every gradient that leaves a loss already carries the factor 1/batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.checks import check_share
from backprop.errors import InputError
from backprop.identity import printed

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

    Raises
    ------
    InputError
        If the scores are no numbers, or there are none.

    Examples
    --------
    >>> softmax(np.array([[1000.0, 1000.0], [0.0, np.log(3.0)]])).round(2)
    array([[0.5 , 0.5 ],
           [0.25, 0.75]])
    """
    logits = as_numbers(logits)
    if logits.ndim == 0 or logits.size == 0:
        raise InputError(
            f"softmax: there must be at least one score, in an array of shape (batch, "
            f"classes) or (classes,), but the shape is {logits.shape}."
        )
    if logits.dtype.kind != "f":
        logits = logits.astype(np.float64)  # small whole numbers overflow at once
    E = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


class Loss:
    """What every loss has: a number, its gradient, and what outputs mean as answers.

    A loss of your own derives from it, with `forward` and `backward`; where answers
    are not the class with the largest output, also with `decide` and `answers`.

    Attributes
    ----------
    memory_names : tuple of str
        What `forward` keeps for `backward`; copies are made without it.
    """

    memory_names: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return printed(self)

    def __getstate__(self) -> dict[str, Any]:
        return {n: v for n, v in vars(self).items() if n not in self.memory_names}

    def forward(self, outputs: Array, targets: NDArray[Any]) -> float:
        """Return the mean loss of a batch."""
        raise NotImplementedError

    def backward(self) -> Array:
        """Return the gradient of that loss by the outputs."""
        raise NotImplementedError

    def check_targets(self, targets: NDArray[Any]) -> None:
        """Raise `InputError` unless a data set can have these targets, all in all.

        What hangs on the outputs is checked by `forward`; this speaks of all targets.
        """
        as_numbers(targets)

    def decide(self, outputs: Array) -> NDArray[np.integer]:
        """Return the answers that outputs (batch, classes) mean: the largest wins."""
        return outputs.argmax(axis=1)

    def answers(self, targets: NDArray[Any]) -> NDArray[np.integer] | None:
        """Return the answers that targets ask for; None where they ask for numbers."""
        targets = np.asarray(targets)
        return targets if targets.ndim == 1 and targets.dtype.kind in "iu" else None


class SoftmaxCrossEntropy(Loss):
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

    memory_names = ("probabilities", "labels")

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

    def check_targets(self, targets: NDArray[Any]) -> None:
        """Raise `InputError` for text, and for rows where labels belong."""
        check_no_rows(as_numbers(targets))


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


class MeanSquaredError(Loss):
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

    memory_names = ("difference",)

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

    def decide(self, outputs: Array) -> NDArray[np.integer]:
        """Return the largest output's place; of a single output, whether it is > 1/2.

        Parameters
        ----------
        outputs : array (batch, outputs)
            What the network said.

        Returns
        -------
        integer array (batch,)
            From 0 to outputs - 1; 0 or 1 for a single output.
        """
        if outputs.shape[1] == 1:
            return (outputs[:, 0] > 0.5).astype(np.intp)
        return super().decide(outputs)

    def answers(self, targets: NDArray[Any]) -> NDArray[np.integer] | None:
        """Return labels as they are, and yes or no where a single target means that.

        Parameters
        ----------
        targets : array (n,) or (n, outputs)
            As `forward` takes them.

        Returns
        -------
        integer array (n,), or None
            A column of two numbers from 0 to 1, one on each side of 1/2 (such as .01
            and .99), becomes 0 and 1. None for all other numbers.
        """
        targets = np.asarray(targets)
        if targets.ndim == 2 and targets.shape[1] == 1:
            values = np.unique(targets)
            if len(values) <= 2 and values[0] >= 0 and values[-1] <= 1:
                return (targets[:, 0] > 0.5).astype(np.intp)
        return super().answers(targets)


class SigmoidCrossEntropy(Loss):
    """Sigmoid and cross-entropy in one: the loss of questions answered yes or no.

    Each output z is the logit of a question of its own, with p = sigmoid(z) and the
    target t, 1 for yes and 0 for no: one output for two classes, or several labels of
    which any number may apply. The loss of an example is the sum over its outputs of

        -t log p - (1 - t) log (1 - p) = max(z, 0) - t z + log(1 + exp(-|z|)),

    averaged over the batch; the right-hand side meets no logarithm of zero. Its
    gradient by the outputs is (p - t) / batch.

    Examples
    --------
    >>> loss = SigmoidCrossEntropy()
    >>> round(loss.forward(np.array([[0.0], [0.0]]), np.array([1, 0])), 3)  # ln 2
    0.693
    >>> loss.backward()
    array([[-0.25],
           [ 0.25]])
    >>> loss.decide(np.array([[-3.0], [2.0]]))
    array([0, 1])
    """

    memory_names = ("probabilities", "targets")

    def forward(self, outputs: Array, targets: NDArray[Any]) -> float:
        """Return the mean loss of a batch.

        Parameters
        ----------
        outputs : array (batch, outputs)
            Logits.
        targets : array (batch, outputs), or (batch,) for a single output
            1 for yes, 0 for no; a number between them is a probability.

        Returns
        -------
        float
            At least 0; log 2 for each output of a network that knows nothing.

        Raises
        ------
        InputError
            If shapes do not fit or a target is not from 0 to 1.
        """
        check_outputs(outputs)
        T = as_numbers(targets).astype(outputs.dtype)
        if T.ndim == 1 and outputs.shape[1] == 1:
            T = T[:, np.newaxis]
        check_shares(T, outputs)
        e = np.exp(-np.abs(outputs))  # from 0 to 1, so that nothing overflows
        self.probabilities = np.where(outputs >= 0, 1, e) / (1 + e)
        self.targets = T
        loss = np.maximum(outputs, 0) - T * outputs + np.log1p(e)
        return float(loss.sum() / len(outputs))

    def backward(self) -> Array:
        """Return ∂L/∂outputs = (p − t) / batch, shape (batch, outputs)."""
        check_called(self, "probabilities")
        d_outputs: Array = (self.probabilities - self.targets) / len(self.targets)
        return d_outputs

    def decide(self, outputs: Array) -> NDArray[np.integer]:
        """Return 1 where an output means yes, which is z > 0; 0 elsewhere.

        Parameters
        ----------
        outputs : array (batch, outputs)
            Logits.

        Returns
        -------
        integer array (batch,) for a single output, else (batch, outputs)
            Zeros and ones.
        """
        return one_column((outputs > 0).astype(np.intp))

    def answers(self, targets: NDArray[Any]) -> NDArray[np.integer] | None:
        """Return targets as 0 and 1; None where there are numbers between them."""
        targets = np.asarray(targets)
        if not np.isin(targets, (0, 1)).all():
            return None
        return one_column(targets.astype(np.intp))


def one_column(answers: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return answers (n, 1) as (n,), and all others as they are."""
    return answers[:, 0] if answers.ndim == 2 and answers.shape[1] == 1 else answers


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
        " A network with a single output takes SigmoidCrossEntropy and targets 0 and "
        "1, or MeanSquaredError and float targets of shape (batch, 1): "
        "targets.astype(float).reshape(-1, 1)."
    )


def as_numbers(targets: NDArray[Any]) -> NDArray[Any]:
    """Return targets as an array, or raise `InputError` if they are no numbers."""
    try:
        found = np.asarray(targets)
    except ValueError as why:  # rows of several lengths
        raise InputError(f"The targets must be an array, but: {why}") from None
    if found.dtype.kind not in "biuf":
        raise InputError(
            f"The targets must be numbers, but are {found.dtype}. Digits that are text "
            f"become labels with targets.astype(int)."
        )
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


def check_shares(targets: Array, outputs: Array) -> None:
    """Raise `InputError` unless there is a number from 0 to 1 for each output."""
    if targets.shape != outputs.shape:
        raise InputError(
            f"SigmoidCrossEntropy: targets must have the outputs' shape "
            f"{outputs.shape}, a column for each question, but have shape "
            f"{targets.shape}."
        )
    if not ((targets >= 0) & (targets <= 1)).all():
        wrong = targets[~((targets >= 0) & (targets <= 1))][0]
        raise InputError(
            f"SigmoidCrossEntropy: targets must be 0 (no), 1 (yes) or between them, "
            f"but there is a target {wrong}. Labels of more than two classes go with "
            f"SoftmaxCrossEntropy and an output for each class."
        )


def check_no_rows(labels: NDArray[Any]) -> None:
    """Raise `InputError` if one-hot rows stand where labels belong."""
    if labels.ndim != 2:
        return
    remedy = "One-hot rows become labels with labels.argmax(axis=1)."
    if labels.shape[1] == 1:
        remedy = "A column of labels becomes one-dimensional with labels.ravel()."
    raise InputError(
        f"There must be one label for each example, but these are rows, of shape "
        f"{labels.shape}. {remedy}"
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
    check_no_rows(labels)
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
