"""Many trainings at once, and one gradient from many workers, over any executor."""

from backprop.parallel.gradients import parallel_gradients
from backprop.parallel.sweeps import Trial, grid, sweep

__all__ = ["Trial", "grid", "parallel_gradients", "sweep"]
