"""What cells can reach in the library is found in the code, and words don't count."""

import pytest
from backprop_book.reach import Library, library
from the_book import ROOT

MODULES = {
    "__init__.py": "from backprop.a import f\nfrom backprop.b import g as h\n",
    "a.py": '"""About."""\nfrom backprop.errors import E\ndef f():\n    "Doc."\n',
    "b.py": "def g():\n    from backprop import errors\n    return errors\n",
    "errors.py": "class E(Exception):\n    'Doc.'\n",
    "types.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
    "    from backprop.a import f\n",
    "plots/__init__.py": "from backprop.plots.lines import line\n"
    "from backprop.plots.maps import heat\n",
    "plots/lines.py": "from backprop.plots.style import ink\ndef line(): ...\n",
    "plots/maps.py": "def heat(): ...\n",
    "plots/style.py": "ink = 1\n",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in MODULES.items():
        file = tmp_path / "backprop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "backprop"


def reached(folder, code):
    found = Library(folder).reached(code)
    return " ".join(name.removeprefix("backprop.") for name in found)


@pytest.mark.parametrize(
    ("code", "modules"),
    [
        ("import numpy", ""),
        ("from backprop import f", "a errors"),
        ("from backprop import h", "b errors"),
        ("from backprop.b import g", "b errors"),
        ("import backprop.errors", "backprop a b errors"),
        ("from backprop import types", "types"),
        ("from backprop import plots\nplots.heat()", "plots.maps"),
        ("from backprop import plots as p\np.line(); p.heat()",
         "plots.lines plots.maps plots.style"),
        ("from backprop import plots\nplots.heat()\nprint(plots)",
         "plots plots.lines plots.maps plots.style"),
        ("from backprop import plots", "plots plots.lines plots.maps plots.style"),
        ("from backprop.plots import line", "plots.lines plots.style"),
        ("import backprop as bp\nbp.f()", "a errors"),
        ("import backprop\nprint(vars(backprop))", "backprop a b errors"),
        ("def g():\n    from backprop import f", "a errors"),
    ],
)  # fmt: skip
def test_imports_are_followed(folder, code, modules):
    assert reached(folder, code) == modules


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ('"""About."""', '"""Another."""', True),
        ('"Doc."', '"Text."', True),
        ("def f():", "# Why.\ndef f():", True),
        ("def f():", "def f(x=1):", False),
        ("import E", "import E as F", False),
    ],
)
def test_words_change_nothing(folder, old, new, same):
    before = Library(folder).reached("from backprop import f")
    text = (folder / "a.py").read_text()
    assert old in text
    (folder / "a.py").write_text(text.replace(old, new))
    after = Library(folder).reached("from backprop import f")
    assert (before == after) == same
    assert before["backprop.errors"] == after["backprop.errors"]


def test_the_library_has_no_imports_that_cannot_be_followed():
    """What is imported by a name made at run time would be missed."""
    for file in (ROOT / "code" / "backprop").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "import_module" not in text, file
        assert "__import__" not in text, file
        assert "from ." not in text, file


def test_a_chapter_on_the_tape_does_not_reach_what_prunes():
    found = library(ROOT).reached("from backprop.oracles.tape import Value")
    assert "backprop.oracles.tape" in found
    assert "backprop.pruning" not in found
