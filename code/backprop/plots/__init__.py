"""The figures that the chapters share, in one style.

Every function takes data, not a network, and returns a matplotlib ``Figure``.
Colors are those of Okabe and Ito (2008), told apart by color-blind readers too,
and never the only mark: lines carry their names, bars their hatches, points their
shapes. Blue is what flows forward, vermilion what flows backward, green parameters.
"""

from backprop.plots.comparisons import (
    bar_chart,
    benchmark_bars,
    heat_map,
    loss_beside_check,
    published_errors,
)
from backprop.plots.curves import (
    activation_curves,
    batch_loss_curve,
    learning_curves,
    line_chart,
    loss_along_weight,
)
from backprop.plots.digits import (
    boxes,
    confusion_matrix,
    digit_and_answer,
    image_grid,
    weight_images,
)
from backprop.plots.networks import (
    computation_graph,
    layer_histograms,
    network_drawing,
)
from backprop.plots.style import (
    BLUE,
    GRAY,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    WIDTH,
    use_book_style,
)
from backprop.plots.surfaces import decision_boundary, loss_surface

__all__ = [
    "BLUE",
    "GRAY",
    "GREEN",
    "INK",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILION",
    "WIDTH",
    "activation_curves",
    "bar_chart",
    "batch_loss_curve",
    "benchmark_bars",
    "boxes",
    "computation_graph",
    "confusion_matrix",
    "decision_boundary",
    "digit_and_answer",
    "heat_map",
    "image_grid",
    "layer_histograms",
    "learning_curves",
    "line_chart",
    "loss_along_weight",
    "loss_beside_check",
    "loss_surface",
    "network_drawing",
    "published_errors",
    "use_book_style",
    "weight_images",
]
