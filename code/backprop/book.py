"""How a computed number gets into the text of a chapter: it is glued there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECIPES = Path(__file__).parents[1] / "benchmarks" / "results" / "recipes.json"


def glue(name: str, value: Any, format: str = "") -> None:  # noqa: A002
    """Store a computed value so that the chapter's prose can show it.

    Outside the book's build (in JupyterLab without MyST-NB, say) it does nothing.

    Parameters
    ----------
    name : str
        The key under which the prose asks for it.
    value : object
        A number or a text.
    format : str, optional
        How to write it, as in an f-string: ``".2f"``, ``".1%"``, ``","``.

    Examples
    --------
    >>> glue("accuracy", 0.9812, ".1%")
    """
    try:
        from IPython import get_ipython
        from myst_nb import glue as store
    except ImportError:
        return
    if get_ipython() is not None:
        store(name, f"{value:{format}}", display=False)


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
