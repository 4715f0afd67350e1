"""The notebooks of the site, and the code that is in them."""

import ast
import json

from IPython.core.inputtransformer2 import TransformerManager
from the_book import SITE

NOTEBOOKS = sorted(path.name for path in (SITE / "notebooks").glob("*.ipynb"))


def code_of(name: str) -> list[str]:
    """Return the code cells of a notebook of the site."""
    notebook = json.loads((SITE / "notebooks" / name).read_text(encoding="utf-8"))
    return [
        "".join(cell["source"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def imports_of(name: str) -> list[str]:
    """Return the imports of a notebook, those within functions too."""
    code = map(TransformerManager().transform_cell, code_of(name))
    nodes = [node for cell in code for node in ast.walk(ast.parse(cell))]
    return [
        ast.unparse(n) for n in nodes if isinstance(n, (ast.Import, ast.ImportFrom))
    ]
