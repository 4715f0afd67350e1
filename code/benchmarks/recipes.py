"""The long trainings, three seeds each: ``python -m benchmarks.recipes``.

What they give goes into results/recipes.json and, as a table, into recipes.md, which
the book shows with its date and machine. A run that was interrupted goes on where it
stopped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from statistics import mean
from time import process_time
from typing import Any

import backprop.book.recipes
from backprop import load_mnist
from backprop.parallel import Trial, sweep

from benchmarks.machine import describe

SEEDS = (0, 1, 2)
RESULTS = Path(__file__).parent / "results" / "recipes.json"
UNFINISHED = Path(__file__).parents[2] / "_build" / "recipes.jsonl"
IMAGES = {"mnist": "55,000", "embedded": "4,000"}  # to learn from
GOALS: dict[str, dict[str, float]] = {  # mean test accuracy in percent, from the plan
    "plain_mlp": {"test": 98.5},
    "warped_mlp": {"test": 99.2},
    "large_warped_mlp": {"test": 99.3},
    "shifted_cnn": {"test": 99.2},
    "warped_cnn": {"test": 99.35},
    "few_images_mlp": {"test": 98.1},
    "few_images_cnn": {"test": 98.9},
    "pruned_mlp": {"lost, 12-fold": 0.1, "lost, 30-fold": 0.2},
}


def run(seed: int, recipe: str, data: str) -> dict[str, float]:
    """Train one recipe with one seed; look at the test images once, at the end.

    Parameters
    ----------
    seed : int
        Of all that is random.
    recipe : str
        A function of `backprop.book.recipes`.
    data : "mnist" or "embedded"
        What it learns from and is validated on. The test images are always the
        10,000 of MNIST, none of which is among the embedded ones.

    Returns
    -------
    dict of float
        Seconds of a core that the training took, parameters that are not zero,
        validation and test accuracy; for pruning once for each level, with the level
        behind a comma.
    """
    digits, test = load_mnist(data), load_mnist("mnist").test
    start = process_time()
    made = getattr(backprop.book.recipes, recipe)(digits.train, seed)
    numbers = {}
    for fold, network in made if isinstance(made, Iterable) else [(1, made)]:
        level = "" if fold == 1 else f", {fold}-fold"
        numbers[f"seconds{level}"] = process_time() - start
        numbers[f"parameters{level}"] = sum(
            int((W != 0).sum()) for W in network.parameters.values()
        )
        numbers[f"validation{level}"] = network.evaluate(digits.validation).accuracy
        numbers[f"test{level}"] = network.evaluate(test).accuracy
    return numbers


def summary(trials: Iterable[Trial]) -> dict[str, dict[str, Any]]:
    """Gather what the seeds gave, for each recipe.

    Parameters
    ----------
    trials : iterable of Trial
        As `sweep` returns them, without failures.

    Returns
    -------
    dict of dict
        For each recipe its data, its seeds, and each number as a list over seeds.
    """
    recipes: dict[str, dict[str, Any]] = {}
    for trial in trials:
        name = trial.setting["recipe"]
        entry = recipes.setdefault(name, {"data": trial.setting["data"], "seeds": []})
        entry["seeds"].append(trial.seed)
        for number, value in trial.numbers.items():
            entry.setdefault(number, []).append(value)
    return recipes


def table(recipes: dict[str, dict[str, Any]]) -> str:
    """Return a Markdown table: mean accuracy with its span over seeds, goal, time."""
    lines = [
        "| recipe | images | parameters | test accuracy, % | goal | seconds |",
        "| --- | --: | --: | --- | --- | --: |",
    ]
    for name, entry in recipes.items():
        for level in (key.removeprefix("test") for key in entry if key[:4] == "test"):
            percent = [100 * accuracy for accuracy in entry[f"test{level}"]]
            span = f"{mean(percent):.2f} ({min(percent):.2f}–{max(percent):.2f})"
            row = (
                f"`{name}`{level}",
                IMAGES[entry["data"]],
                f"{mean(entry[f'parameters{level}']):,.0f}",
                span.replace(" ", "\u00a0"),  # one line
                goal(name, level, entry),
                f"{mean(entry[f'seconds{level}']):.0f}",
            )
            lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def goal(name: str, level: str, entry: dict[str, Any]) -> str:
    """Return the mean accuracy that was to be reached, in percent, or nothing."""
    goals = GOALS.get(name, {})
    if level == "" and "test" in goals:
        return f"≥\u00a0{goals['test']}"
    if f"lost{level}" in goals:  # so many points may be lost by pruning
        return f"≥\u00a0{100 * mean(entry['test']) - goals[f'lost{level}']:.2f}"
    return ""


def main() -> None:
    """Train all recipes, write the results, print the table."""
    load_mnist("mnist")  # or say at once that it is not to be had
    settings = [
        {"recipe": name, "data": "embedded" if name.startswith("few") else "mnist"}
        for name in GOALS
    ]
    os.environ["TQDM_DISABLE"] = "1"  # for the workers: one bar is enough
    UNFINISHED.parent.mkdir(exist_ok=True)
    trials = sweep(run, settings, seeds=SEEDS, path=UNFINISHED)
    failed = [trial for trial in trials if trial.error]
    if failed:
        raise SystemExit(f"{failed[0].setting}: {failed[0].error}")
    recipes = summary(trials)
    RESULTS.parent.mkdir(exist_ok=True)
    record = {"machine": describe(), "recipes": recipes}
    RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    text = f"{origin(record['machine'])}\n\n{table(recipes)}\n"
    RESULTS.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def origin(machine: dict[str, Any]) -> str:
    """Return the sentence that says where and when the recipes were trained."""
    return (
        f"Trained on {machine['date']} on {machine['processor']}, one thread "
        f"each, with Python {machine['python']} and NumPy "
        f"{machine['versions']['numpy']}. Seconds are those of one core."
    )


if __name__ == "__main__":
    main()
