"""How a computed number gets into the text of a chapter: it is glued there."""

from __future__ import annotations

from typing import Any


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
