"""Results of long trainings that were measured beforehand, for chapters to show."""

from __future__ import annotations

import json
from pathlib import Path

RECIPES = Path(__file__).parents[2] / "benchmarks" / "results" / "recipes.json"


def recipe_results() -> dict[str, dict[str, list[float]]]:
    """Read what the long trainings gave, which ``make recipes`` ran beforehand.

    Returns
    -------
    dict
        For each recipe its ``"test"`` and ``"validation"`` accuracies and its
        ``"seconds"``, one for each seed. Empty where the library was installed without
        the folder of the book.

    Examples
    --------
    >>> len(recipe_results()["warped_mlp"]["test"])
    3
    """
    if not RECIPES.is_file():
        return {}
    recipes: dict[str, dict[str, list[float]]]
    recipes = json.loads(RECIPES.read_text(encoding="utf-8"))["recipes"]
    return recipes
