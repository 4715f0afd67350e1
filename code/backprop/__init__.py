"""Backpropagation in NumPy: the library that every chapter of the book imports.

What a reader types most is here; `backprop.plots` and `backprop.symbolic`, which
need matplotlib and SymPy, are imported by name.
"""

from backprop.data import Digits, Split, load_mnist
from backprop.errors import (
    BackpropError,
    DataError,
    InputError,
    SavedFileError,
    TrainingError,
)
from backprop.gradient_check import check_gradients, numerical_gradient, relative_error
from backprop.layers import Dense, ReLU, Sigmoid, Tanh, glorot, he, zeros
from backprop.losses import MeanSquaredError, SoftmaxCrossEntropy, softmax
from backprop.network import Evaluation, Network
from backprop.optimizers import SGD, constant, cosine, linear
from backprop.training import History, train, train_step

__all__ = [
    "SGD",
    "BackpropError",
    "DataError",
    "Dense",
    "Digits",
    "Evaluation",
    "History",
    "InputError",
    "MeanSquaredError",
    "Network",
    "ReLU",
    "SavedFileError",
    "Sigmoid",
    "SoftmaxCrossEntropy",
    "Split",
    "Tanh",
    "TrainingError",
    "check_gradients",
    "constant",
    "cosine",
    "glorot",
    "he",
    "linear",
    "load_mnist",
    "numerical_gradient",
    "relative_error",
    "softmax",
    "train",
    "train_step",
    "zeros",
]
