"""Cells run in kernels that are watched; what fails is told by its place."""

import asyncio
import os

import pytest
from backprop_book import cells
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}


def run(folder, *codes, seconds=60):
    parts = [new_markdown_cell("Words."), *map(new_code_cell, codes)]
    notebook = new_notebook(cells=parts, metadata=KERNEL | {"source_map": [0, 4, 9]})
    environment = os.environ | {"IPYTHONDIR": str(folder / ".ipython")}
    return asyncio.run(cells.run("chapters/a", notebook, folder, environment, seconds))


def test_what_cells_show_read_and_load_is_seen(tmp_path):
    (tmp_path / "numbers.txt").write_text("42")
    (tmp_path / "words.txt").write_text("42")
    code = "import yaml\nprint(open('numbers.txt').read())\nopen('new.txt', 'w')\n6 * 7"
    came = run(tmp_path, code, "[name for name in dir() if name[0] != '_']")
    assert came.outputs[0]["outputs"][0]["text"] == "42\n"
    assert came.outputs[0]["outputs"][1]["data"]["text/plain"] == "42"
    assert [cell["execution_count"] for cell in came.outputs] == [1, 2]
    assert str(tmp_path / "numbers.txt") in came.opened
    assert str(tmp_path / "words.txt") not in came.opened
    assert str(tmp_path / "new.txt") not in came.opened, "it was written, not read"
    assert {"PyYAML", "ipykernel"} <= came.versions.keys()
    names = came.outputs[1]["outputs"][0]["data"]["text/plain"]
    assert names == "['In', 'Out', 'exit', 'get_ipython', 'open', 'quit', 'yaml']"


def test_pieces_of_what_is_printed_are_one(tmp_path):
    code = (
        "import sys, time\nfor i in range(3):\n    print(i, flush=True); time.sleep(.3)"
    )
    outputs = run(tmp_path, code).outputs[0]["outputs"]
    assert [output["text"] for output in outputs] == ["0\n1\n2\n"]


def test_a_cell_that_raises_is_told_by_line_and_exception(tmp_path):
    with pytest.raises(cells.CellError) as caught:
        run(tmp_path, "x = 1", "x / 0")
    assert str(caught.value) == (
        "chapters/a.md:10: ZeroDivisionError: division by zero (x / 0)"
    )
    assert "Traceback" in cells.traceback_of(caught.value)


def test_an_error_that_is_meant_is_shown(tmp_path):
    cell = new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    notebook = new_notebook(cells=[cell], metadata=KERNEL)
    work = cells.run("chapters/a", notebook, tmp_path, dict(os.environ), 60)
    assert asyncio.run(work).outputs[0]["outputs"][0]["ename"] == "ZeroDivisionError"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import time; time.sleep(60)", "ran longer than it may"),
        ("import os; os.kill(os.getpid(), 9)", "its kernel died"),
    ],
)
def test_a_cell_that_does_not_come_back_is_named(tmp_path, code, words):
    with pytest.raises(cells.CellError, match=rf"chapters/a.md:5: .*{words}"):
        run(tmp_path, code, seconds=2)


def test_what_is_printed_is_kept_up_to_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "MOST_TEXT", 10)
    came = run(tmp_path, "print('12345')\nprint('6789012345')", "print('short')")
    text = "".join(output["text"] for output in came.outputs[0]["outputs"])
    assert text.startswith("12345\n6789\n[... 7 more letters, left out")
    assert came.outputs[1]["outputs"][0]["text"] == "short\n"
    [sentence] = came.cut
    assert sentence.startswith("chapters/a.md:5: ")
    assert "7 letters" in sentence


def test_a_figure_is_kept_up_to_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "MOST_DATA", 100)
    code = "from IPython.display import HTML\nHTML('a' * 101)"
    came = run(tmp_path, code)
    assert came.outputs[0]["outputs"][0]["data"] == {
        "text/plain": "(text/html of 101 bytes)"
    }
    assert came.cut
