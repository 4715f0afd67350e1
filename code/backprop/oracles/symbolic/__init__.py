"""The derivations, done by SymPy: an oracle that knows nothing of the NumPy code.

Chapter "The chain rule, symbolically" shows most of them, the others stand where
their layer or optimizer is taught. The tests hold every layer, loss and optimizer of
the library to them.
"""

from backprop.oracles.symbolic.activations import (
    ACTIVATIONS,
    SLOPES_FROM_OUTPUT,
    activation_derivative,
    slope_error,
)
from backprop.oracles.symbolic.algebra import (
    a,
    expected_value,
    gradient_by,
    symbol_array,
    symbol_matrix,
    z,
)
from backprop.oracles.symbolic.cost import (
    BackpropagationProgram,
    OperationCounts,
    backpropagation,
    chain,
    operation_counts,
)
from backprop.oracles.symbolic.initialization import (
    InitializationDerivation,
    initialization_variances,
    rectified_mean_square,
    variance_of_sum,
)
from backprop.oracles.symbolic.layers import (
    ConvolutionDerivation,
    DenseDerivation,
    DropoutDerivation,
    MaxPoolingDerivation,
    NormalizationDerivation,
    batch_normalization,
    convolution,
    dense_layer,
    dropout,
    max_pooling,
)
from backprop.oracles.symbolic.losses import (
    SoftmaxCrossEntropyDerivation,
    SquaredErrorDerivation,
    mean_squared_error,
    smoothed_cross_entropy,
    softmax,
    softmax_cross_entropy,
    softmax_cross_entropy_any_size,
)
from backprop.oracles.symbolic.networks import (
    SymbolicNetwork,
    dense_parameters,
    two_layer_network,
)
from backprop.oracles.symbolic.optimizers import (
    Descent,
    adam_descent,
    descent_symbols,
    expected_average,
    expected_average_any_step,
    momentum_descent,
    nesterov_errors,
)

__all__ = [
    "ACTIVATIONS",
    "SLOPES_FROM_OUTPUT",
    "BackpropagationProgram",
    "ConvolutionDerivation",
    "DenseDerivation",
    "Descent",
    "DropoutDerivation",
    "InitializationDerivation",
    "MaxPoolingDerivation",
    "NormalizationDerivation",
    "OperationCounts",
    "SoftmaxCrossEntropyDerivation",
    "SquaredErrorDerivation",
    "SymbolicNetwork",
    "a",
    "activation_derivative",
    "adam_descent",
    "backpropagation",
    "batch_normalization",
    "chain",
    "convolution",
    "dense_layer",
    "dense_parameters",
    "descent_symbols",
    "dropout",
    "expected_average",
    "expected_average_any_step",
    "expected_value",
    "gradient_by",
    "initialization_variances",
    "max_pooling",
    "mean_squared_error",
    "momentum_descent",
    "nesterov_errors",
    "operation_counts",
    "rectified_mean_square",
    "slope_error",
    "smoothed_cross_entropy",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_any_size",
    "symbol_array",
    "symbol_matrix",
    "two_layer_network",
    "variance_of_sum",
    "z",
]
