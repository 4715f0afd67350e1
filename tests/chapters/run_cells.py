"""Runs the cells of one chapter in one namespace, as a notebook would.

Usage: ``python run_cells.py chapters/01-name.md``. A traceback names the chapter's
own lines. What a cell would show is asked for its text, as a notebook asks it.
"""

import ast
import sys
from pathlib import Path

from chapter_source import Chapter, tags


def run(chapter: Chapter) -> None:
    """Execute every cell; whatever is raised comes through."""
    namespace = {"__name__": "__main__", "display": repr}
    for cell in chapter.all_blocks("code-cell"):
        if "skip-execution" in tags(cell):
            continue
        try:
            run_cell(chapter.code(cell), chapter.code_line(cell), chapter, namespace)
        except Exception:
            if "raises-exception" not in tags(cell):
                raise
        else:
            if "raises-exception" in tags(cell):
                raise AssertionError(f"{chapter.name}:{cell.first}: nothing raised")


def run_cell(code: str, line: int, chapter: Chapter, namespace: dict) -> None:
    """Execute a cell and show the value of a last expression."""
    tree = ast.increment_lineno(ast.parse(code), line - 1)
    file = str(chapter.path or chapter.name)
    shown = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        shown = ast.Expression(tree.body.pop().value)
    exec(compile(tree, file, "exec"), namespace)
    if shown is not None:
        repr(eval(compile(shown, file, "eval"), namespace))


if __name__ == "__main__":
    file = Path(sys.argv[1]).resolve()
    run(Chapter.read(file, file.parent.parent))
