"""What docstrings of the library say about the book's equations is true."""

import re

import pytest
from the_book import ROOT, documents

MODULES = sorted((ROOT / "code" / "backprop").glob("[!.]*.py"))
LABEL = re.compile(r"\(eq-[a-z-]+\)")


def labels_in_the_book() -> set[str]:
    """Return every equation's label as it stands behind its `$$`."""
    texts = [(ROOT / f"{name}.md").read_text(encoding="utf-8") for name in documents()]
    return {
        label for text in texts for label in re.findall(r"\$\$ (\(eq-[a-z-]+\))", text)
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_an_equation_that_a_docstring_names_stands_in_a_chapter(module):
    named = set(LABEL.findall(module.read_text(encoding="utf-8")))
    absent = sorted(named - labels_in_the_book())
    assert not absent, f"{module.name} names {absent}, but no chapter has them"


def test_the_library_names_equations_at_all():
    named = [LABEL.findall(path.read_text(encoding="utf-8")) for path in MODULES]
    assert sum(map(len, named)) > 5
