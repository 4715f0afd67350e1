"""The recipes: each of them learns, from its seed alone, and says what it promises."""

import json
import types

import numpy as np
import pytest
from backprop import Convolution2D, Dropout, load_mnist
from backprop.book import recipes
from benchmarks import recipes as long_run

pytestmark = pytest.mark.usefixtures("no_progress_bars")
FUNCTIONS = [name for name in long_run.GOALS if name != "pruned_mlp"]


@pytest.fixture(scope="module")
def no_progress_bars():
    """Keep the output of the tests readable."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TQDM_DISABLE", "1")
        yield


@pytest.fixture(scope="module")
def few():
    """Return five images of each digit."""
    train = load_mnist("embedded").train
    chosen = [np.flatnonzero(train.targets == digit)[:5] for digit in range(10)]
    return train[np.concatenate(chosen)]


def test_each_recipe_that_runs_for_long_is_one_of_the_library():
    made_here = {
        name
        for name, thing in vars(recipes).items()
        if isinstance(thing, types.FunctionType)
        and thing.__module__ == recipes.__name__
    }
    assert set(long_run.GOALS) == made_here - {"mlp", "cnn", "trained"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_recipe_learns(name, few):
    assert getattr(recipes, name)(few, seed=1).evaluate(few).accuracy > 0.5


@pytest.mark.parametrize("name", ["plain_mlp", "shifted_cnn"])
def test_a_recipe_hangs_on_its_seed_alone(name, few):
    made = [getattr(recipes, name)(few, seed).parameters for seed in (1, 1, 2)]
    first, again, other = made
    for key, W in first.items():
        np.testing.assert_array_equal(W, again[key])
    assert any(not np.array_equal(W, other[key]) for key, W in first.items())


def test_pruning_leaves_the_share_of_weights_that_it_says(few):
    kept = {}
    for fold, network in recipes.pruned_mlp(few, seed=0):
        weights = [W for name, W in network.parameters.items() if name.endswith("W")]
        kept[fold] = sum(np.count_nonzero(W) for W in weights)
        total = sum(W.size for W in weights)
    assert list(kept) == [1, *recipes.PRUNING_LEVELS]
    for fold in recipes.PRUNING_LEVELS:
        assert kept[fold] == pytest.approx(total / fold, abs=1)


def test_the_builders_build_what_they_say():
    network = recipes.mlp(784, 20, 10, seed=0, dropout=(0.1, 0.3))
    rates = [layer.rate for layer in network.layers if isinstance(layer, Dropout)]
    assert rates == [0.1, 0.3]
    assert repr(network.layers[0]) == "Dropout(0.1)"
    parameters = recipes.cnn(seed=0).parameters.values()
    assert sum(W.size for W in parameters) <= 100_000
    assert any(isinstance(layer, Convolution2D) for layer in recipes.cnn(seed=0).layers)


# What `make recipes` writes -------------------------------------------------------


def test_the_results_that_the_book_shows_are_those_of_these_recipes():
    record = json.loads(long_run.RESULTS.read_text(encoding="utf-8"))
    assert set(record["recipes"]) == set(long_run.GOALS)
    assert {"processor", "date", "versions"} <= set(record["machine"])
    for entry in record["recipes"].values():
        assert entry["seeds"] == list(long_run.SEEDS)
        tests = [values for name, values in entry.items() if name.startswith("test")]
        assert all(len(values) == len(long_run.SEEDS) for values in tests)
        assert all(0.9 < accuracy < 1 for values in tests for accuracy in values)


def test_the_table_has_a_row_a_level_with_its_goal_and_its_mean():
    entry = {
        "data": "mnist",
        "seeds": [0, 1],
        "test": [0.98, 0.99],
        "seconds": [10.0, 30.0],
        "parameters": [500, 500],
        "test, 12-fold": [0.97, 0.98],
        "seconds, 12-fold": [20.0, 40.0],
        "parameters, 12-fold": [50, 51],
    }
    lines = long_run.table({"pruned_mlp": entry}).splitlines()
    cells = [line.strip("| ").replace("\u00a0", " ").split(" | ") for line in lines]
    assert cells[2][3:] == ["98.50 (98.00–99.00)", "", "20"]
    assert cells[3] == [
        "`pruned_mlp`, 12-fold",
        "55,000",
        "50",
        "97.50 (97.00–98.00)",
        "≥ 98.40",
        "30",
    ]
