"""The races: which networks, who takes part, and that all of them do the same work.

Before the clock starts, everybody gets the same weights and the same batch, and has to
come to the same loss and the same gradient. Who learns something else is not faster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from itertools import chain

import numpy as np
from backprop import (
    Dataset,
    Dense,
    MeanSquaredError,
    Network,
    ReLU,
    Sigmoid,
    relative_error,
)
from backprop.book.recipes import cnn, mlp
from backprop.errors import BackpropError

from benchmarks.contestants import Contestant, Gradient, Settings, install, pairs
from benchmarks.contestants.one_by_one import OneByOne
from benchmarks.contestants.ours import Ours
from benchmarks.contestants.products import Products, products_of_network
from benchmarks.timing import interleaved

EPOCH = 60_000  # images; what is measured on fewer is scaled to so many
OURS, PYTORCH, COMPILED = "this library", "PyTorch", "PyTorch, compiled"
SCIKIT_LEARN, AUTOGRAD = "scikit-learn", "HIPS autograd"
ONE_BY_ONE, PRODUCTS = "one by one", "bare products"
NEEDS = {
    PYTORCH: "torch",
    COMPILED: "torch",
    SCIKIT_LEARN: "sklearn",
    AUTOGRAD: "autograd",
}
TOLERANCE = 1e-5  # relative error of a gradient in float32
ONE_BY_ONE_BATCH = 10  # its own, whatever the others have
ONE_BY_ONE_SHARE = 5  # it is slow: it runs over a fifth of the images


class UnfairRaceError(BackpropError):
    """A contestant computes something else than the others."""


@dataclass(frozen=True)
class Race:
    """One network at one batch size.

    Attributes
    ----------
    name : str
        Network and batch size, for people.
    build : function () -> Network
        Gives the network that everybody starts with.
    batch_size : int
        Examples a step.
    images : int
        How many a contestant runs over in a round, a multiple of the batch size.
    rounds : int
        How many are counted.
    one_by_one : bool
        Whether the per-example loop takes part.
    """

    name: str
    build: Callable[[], Network]
    batch_size: int
    images: int
    rounds: int
    one_by_one: bool = False


@dataclass(frozen=True)
class RaceResult:
    """What a race gave.

    Attributes
    ----------
    name : str
        As in the race.
    batch_size, images : int
        As in the race.
    seconds : dict of name to list of float
        For an epoch of 60,000 images, by round; the rounds of all stand side by side.
    disagreement : dict of name to float
        Relative error of loss and gradient before the start, the larger of the two.
    notes : dict of name to str
        Which of several ways a contestant took.
    """

    name: str
    batch_size: int
    images: int
    seconds: dict[str, list[float]]
    disagreement: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def races(quick: bool) -> list[Race]:
    """Return the races; a quick run has fewer images and fewer rounds.

    Examples
    --------
    >>> [race.name for race in races(quick=True)][:2]
    ['784-100-10, batch 10', '784-100-10, batch 32']
    """
    counts = {10: (12_800, 9), 32: (12_800, 9), 128: (12_800, 15), 512: (12_800, 9)}
    found = [
        multilayer((784, 100, 10), batch_size, images, rounds)
        for batch_size, (images, rounds) in counts.items()
    ]
    found.append(multilayer((784, 300, 100, 10), 128, 12_800, 9))
    found.append(multilayer((784, 1024, 1024, 10), 128, 3_840, 7))
    found.append(Race("small CNN, batch 64", partial(cnn, seed=0), 64, 6_400, 9))
    return [shortened(race) for race in found] if quick else found


def multilayer(
    widths: tuple[int, ...], batch_size: int, images: int, rounds: int
) -> Race:
    """Return the race of a multilayer perceptron."""
    name = f"{'-'.join(map(str, widths))}, batch {batch_size}"
    one_by_one = widths == (784, 100, 10) and batch_size in (ONE_BY_ONE_BATCH, 128)
    build = partial(mlp, *widths, seed=0)
    return Race(name, build, batch_size, images, rounds, one_by_one)


def shortened(race: Race) -> Race:
    """Return the race over about 1,280 images, in three rounds."""
    images = 1_280 // race.batch_size * race.batch_size
    return Race(race.name, race.build, race.batch_size, images, 3, race.one_by_one)


def missing(quick: bool) -> dict[str, str]:
    """Return who cannot take part, each with the reason."""
    left_out = {
        name: install(package)
        for name, package in NEEDS.items()
        if find_spec(package) is None
    }
    if COMPILED not in left_out:
        why = (
            "compiling takes minutes, a quick run one" if quick else why_not_compiled()
        )
        left_out |= {COMPILED: why} if why else {}
    return left_out


def why_not_compiled() -> str:
    """Return why ``torch.compile`` does not work here; empty if it does."""
    import torch

    try:
        torch.compile(torch.nn.Linear(1, 1))(torch.zeros(1, 1))
    except Exception as why:  # a missing C++ compiler, an unsupported Python, …
        return f"torch.compile does not work here: {str(why).splitlines()[0]}"
    return ""


def run_race(race: Race, data: Dataset, left_out: Mapping[str, str]) -> RaceResult:
    """Line everybody up, look that all do the same, and run.

    Parameters
    ----------
    race : Race
        Which one.
    data : Dataset
        At least ``race.images`` examples.
    left_out : mapping of name to str
        Who does not take part.

    Returns
    -------
    RaceResult
        The seconds, and how far the contestants agree.

    Raises
    ------
    UnfairRaceError
        If a contestant computes another loss or gradient than the library.
    """
    data = data[: race.images]
    network = race.build()
    notes: dict[str, str] = {}
    contestants = line_up(network, data, race.batch_size, left_out, notes)
    batch = data[: race.batch_size]
    disagreement = compare(contestants, OURS, batch, TOLERANCE)
    runs: dict[str, Callable[[], float]] = {
        name: contestant.epoch for name, contestant in contestants.items()
    }
    scale = dict.fromkeys(runs, EPOCH / race.images)
    if race.one_by_one:
        few = data[: race.images // ONE_BY_ONE_SHARE]
        loop = OneByOne(network, few, Settings(ONE_BY_ONE_BATCH))
        twins: dict[str, Contestant] = {
            ONE_BY_ONE: loop,
            "ours in float64": twin(network),
        }
        disagreement |= compare(twins, "ours in float64", batch, 1e-9)
        runs[ONE_BY_ONE] = loop.epoch
        scale[ONE_BY_ONE] = EPOCH / len(few)
    if is_multilayer(network):
        steps = race.images // race.batch_size
        products = Products(products_of_network(network, race.batch_size), steps)
        runs[PRODUCTS] = products.epoch
        scale[PRODUCTS] = EPOCH / race.images
    seconds = {
        name: [scale[name] * second for second in measured]
        for name, measured in interleaved(runs, race.rounds).items()
    }
    return RaceResult(
        race.name, race.batch_size, race.images, seconds, disagreement, notes
    )


def line_up(
    network: Network,
    data: Dataset,
    batch_size: int,
    left_out: Mapping[str, str],
    notes: dict[str, str],
) -> dict[str, Contestant]:
    """Make the contestants that can be made; note which way of several they take."""
    settings = Settings(batch_size)
    found: dict[str, Contestant] = {OURS: Ours(network, data, settings)}
    if PYTORCH not in left_out:
        from benchmarks.contestants.pytorch import PyTorch

        way = fastest_way(network, data, settings)
        notes[PYTORCH] = way
        found[PYTORCH] = PyTorch(network, data, settings, way)
        if COMPILED not in left_out:
            found[COMPILED] = PyTorch(network, data, settings, way, compiled=True)
    if is_multilayer(network):
        if SCIKIT_LEARN not in left_out:
            from benchmarks.contestants.scikit_learn import ScikitLearn

            found[SCIKIT_LEARN] = ScikitLearn(network, data, settings)
        if AUTOGRAD not in left_out:
            from benchmarks.contestants.hips_autograd import Autograd

            found[AUTOGRAD] = Autograd(network, data, settings)
    return found


def fastest_way(network: Network, data: Dataset, settings: Settings) -> str:
    """Return PyTorch's way that is fastest here, by a short trial."""
    from benchmarks.contestants.pytorch import PyTorch, ways

    few = data[: max(len(data) // 4, 1)]
    runs = {way: PyTorch(network, few, settings, way).epoch for way in ways(network)}
    seconds = interleaved(runs, rounds=5)
    return min(seconds, key=lambda way: float(np.median(seconds[way])))


def compare(
    contestants: Mapping[str, Contestant],
    reference: str,
    batch: Dataset,
    tolerance: float,
) -> dict[str, float]:
    """Return how far each is from one of them at the same batch.

    Parameters
    ----------
    contestants : mapping of name to Contestant
        All with the same weights.
    reference : str
        The name of the one that the others are held against.
    batch : Dataset
        The examples.
    tolerance : float
        The largest relative error that passes.

    Returns
    -------
    dict of name to float
        The larger of the relative errors of loss and gradient.

    Raises
    ------
    UnfairRaceError
        If an error is above the tolerance.
    """
    expected = contestants[reference].gradient(batch.inputs, batch.targets)
    errors = {
        name: distance(contestant.gradient(batch.inputs, batch.targets), expected)
        for name, contestant in contestants.items()
        if name != reference
    }
    for name, error in errors.items():
        if not error <= tolerance:
            raise UnfairRaceError(
                f"{name} computes something else than {reference}: the relative error "
                f"of its loss or gradient is {error:.1e}, at most {tolerance:.0e} is "
                f"rounding. Its times would mean nothing; look at its module."
            )
    return errors


def distance(claimed: Gradient, expected: Gradient) -> float:
    """Return the relative error of loss or gradient, whichever is larger."""
    (loss, gradients), (expected_loss, expected_gradients) = claimed, expected
    errors = [
        relative_error(gradients[name], dW) for name, dW in expected_gradients.items()
    ]
    return float(max(*errors, abs(loss - expected_loss) / abs(expected_loss)))


def is_multilayer(network: Network) -> bool:
    """Tell whether the network has dense layers with ReLU between them only."""
    return all(isinstance(layer, (Dense, ReLU)) for layer in network.layers)


def twin(network: Network) -> Ours:
    """Return the library with sigmoids, squared error and float64, as the loop has."""
    dense = [Dense(*W.shape) for W, _ in pairs(network.parameters)]
    layers = list(chain.from_iterable((layer, Sigmoid()) for layer in dense))
    other = Network(layers, loss=MeanSquaredError(), seed=0, dtype=np.float64)
    for W, start in zip(
        other.parameters.values(), network.parameters.values(), strict=True
    ):
        W[:] = start
    nothing = Dataset(np.empty((0, 784)), np.empty(0, np.int64))
    return Ours(other, nothing, Settings())
