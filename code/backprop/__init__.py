"""Backpropagation in NumPy: the library that every chapter of the book imports.

What a reader types most is here; `backprop.plots` and `backprop.oracles`, which need
matplotlib and SymPy, are imported by name.
"""

from backprop.augmentation import Shift, Warp
from backprop.convolution import Convolution2D, Flatten, MaxPooling2D, Reshape
from backprop.data import Digits, load_mnist
from backprop.dataset import Dataset
from backprop.errors import (
    BackpropError,
    DataError,
    InputError,
    SavedFileError,
    TrainingError,
)
from backprop.gradient_check import check_gradients, numerical_gradient, relative_error
from backprop.initialization import glorot, he, zeros
from backprop.layers import Dense, Dropout, ReLU, Sigmoid, Tanh
from backprop.losses import (
    MeanSquaredError,
    SigmoidCrossEntropy,
    SmoothedCrossEntropy,
    SoftmaxCrossEntropy,
    softmax,
)
from backprop.network import Evaluation, Network
from backprop.normalization import BatchNormalization
from backprop.optimizers import SGD, Adam, AdamW
from backprop.schedules import constant, cosine, linear, one_cycle, step_decay
from backprop.training import History, train, train_step

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "BackpropError",
    "BatchNormalization",
    "Convolution2D",
    "DataError",
    "Dataset",
    "Dense",
    "Digits",
    "Dropout",
    "Evaluation",
    "Flatten",
    "History",
    "InputError",
    "MaxPooling2D",
    "MeanSquaredError",
    "Network",
    "ReLU",
    "Reshape",
    "SavedFileError",
    "Shift",
    "Sigmoid",
    "SigmoidCrossEntropy",
    "SmoothedCrossEntropy",
    "SoftmaxCrossEntropy",
    "Tanh",
    "TrainingError",
    "Warp",
    "check_gradients",
    "constant",
    "cosine",
    "glorot",
    "he",
    "linear",
    "load_mnist",
    "numerical_gradient",
    "one_cycle",
    "relative_error",
    "softmax",
    "step_decay",
    "train",
    "train_step",
    "zeros",
]
