"""A notebook holds the cells of its chapter, all that it needs of them, in order.

The build has run these cells; that a notebook leaves some out is all that differs.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from notebooks_of_site import NOTEBOOKS, code_of
from the_book import ROOT, SITE, lacking

sys.path.insert(0, str(ROOT / "tests" / "chapters"))
from chapter_source import Chapter, tags

OUTPUTS = SITE.parent / "outputs"
# Is asked for by a function that does without it where the book's folder is missing.
DISPENSABLE = "code/benchmarks/results/recipes.json"


def test_there_is_a_notebook_for_every_chapter():
    if not NOTEBOOKS:
        lacking("The site is not built: run `make html` first.")
    chapters = {path.stem for path in (ROOT / "chapters").glob("[0-9]*.md")}
    assert chapters <= {name.removesuffix(".ipynb") for name in NOTEBOOKS}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_has_the_cells_of_its_chapter_in_order(name):
    """All that the page shows; hidden ones may be missing, if nothing needs them."""
    chapter = Chapter.read((ROOT / "chapters" / name).with_suffix(".md"), ROOT)
    cells = chapter.all_blocks("code-cell")
    rest = [code.strip("\n") for code in code_of(name)[1:]]
    for cell in cells:
        if rest and chapter.code(cell) == rest[0]:
            rest.pop(0)
        else:
            assert "remove-cell" in tags(cell), (
                f"{chapter.name}:{cell.first} is missing"
            )
    assert not rest, "these cells are not the chapter's"


def undefined(*notebooks: Path) -> str:
    """Return what some notebooks use that no cell before has made."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ruff", "check", "--isolated", "--quiet"),
            *("--select", "F821,F823", "--output-format", "concise", *notebooks),
        ],
        capture_output=True,
        encoding="utf-8",
    )
    return done.stdout + done.stderr


def test_a_notebook_leaves_out_no_cell_that_another_one_needs():
    assert not undefined(*(SITE / "notebooks" / name for name in NOTEBOOKS))


def test_a_cell_that_is_needed_and_left_out_is_found(tmp_path):
    notebook = json.loads((SITE / "notebooks" / NOTEBOOKS[0]).read_text("utf-8"))
    needed = next(
        cell for cell in notebook["cells"] if "import numpy" in "".join(cell["source"])
    )
    notebook["cells"].remove(needed)
    (tmp_path / "cut.ipynb").write_text(json.dumps(notebook), "utf-8")
    assert "Undefined name `np`" in undefined(tmp_path / "cut.ipynb")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_reads_no_file_of_the_books_folder(name):
    """Which is not there on Colab; the build has noted what its cells opened."""
    found = OUTPUTS.glob(f"{name.removesuffix('.ipynb')}-{'[0-9a-f]' * 16}.json")
    last = max(found, key=lambda file: file.stat().st_mtime)
    read = json.loads(last.read_bytes().partition(b"\n")[2])["read"]
    library = tuple(file for file in read if file.startswith("code/backprop/"))
    assert set(read) - {DISPENSABLE, *library} == set()
