"""Checkpoints: a training that was cut goes on to the last bit, or says why not."""

import functools
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from backprop import (
    SGD,
    Adam,
    Dense,
    Dropout,
    MeanSquaredError,
    Network,
    ReLU,
    SavedFileError,
    Shift,
    SoftmaxCrossEntropy,
    Split,
    Tanh,
    Warp,
    cosine,
    linear,
    load_mnist,
    one_cycle,
    train,
)
from backprop.pruning import Masked, magnitude_masks

FEW = 200  # examples: 7 steps an epoch, the last one smaller
STEPS = 7
posix = pytest.mark.skipif(os.name != "posix", reason="a signal is another thing there")


class Training:
    """Everything that a training needs, made anew: as in another session."""

    def __init__(self, layers=None, optimizer=None, keep=None, **settings):
        layers = [784, 16, 10] if layers is None else layers
        built = [
            Dense(*layer) if isinstance(layer, tuple) else layer
            for layer in (layers if not isinstance(layers[0], int) else plain(layers))
        ]
        self.network = Network(built, loss=SoftmaxCrossEntropy(), seed=3)
        self.optimizer = SGD(0.05, momentum=0.9) if optimizer is None else optimizer()
        if keep is not None:
            masks = magnitude_masks(self.network, keep)
            self.optimizer = Masked(self.optimizer, masks)
        digits = load_mnist("embedded")
        self.data = digits.train[:FEW]
        self.settings = {"epochs": 3, "batch_size": 32, "progress": False} | settings
        if self.settings.pop("validated", False):
            self.settings["validation"] = digits.validation
        self.history = None
