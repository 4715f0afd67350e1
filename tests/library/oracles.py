"""Second opinions on a gradient that share no code with the library."""

import numpy as np


def central_differences(f, x, h=1e-5):
    """Return the gradient of f() by x, measured by nudging each entry of x."""
    gradient = np.empty_like(x)
    for place in np.ndindex(x.shape):
        kept = x[place]
        x[place] = kept + h
        above = f()
        x[place] = kept - h
        below = f()
        x[place] = kept
        gradient[place] = (above - below) / (2 * h)
    return gradient


def error(claimed, expected):
    """Return the distance of two gradients relative to the size of both, 0 to 1."""
    claimed, expected = np.asarray(claimed), np.asarray(expected)
    assert claimed.shape == expected.shape
    size = np.linalg.norm(claimed) + np.linalg.norm(expected)
    return np.linalg.norm(claimed - expected) / size if size else 0.0


def away_from_zero(rng, shape):
    """Return numbers from ±0.1 to ±2: no nudge takes them over a kink at 0."""
    return rng.uniform(0.1, 2.0, shape) * rng.choice([-1.0, 1.0], shape)
