"""The pages that list the library: every name, its code, and numbered equations."""

import re

import backprop
import pytest

LABELED = re.compile(r'id="equation-(eq-[a-z-]+)"')
NAMED = re.compile(r"\((eq-[a-z-]+)\)")


@pytest.fixture(scope="session")
def library(site):
    """Return the pages that list the library."""
    return [page for page in site.pages if "/appendix-api" in page.name]


@pytest.mark.parametrize("name", backprop.__all__)
def test_a_name_that_readers_import_leads_to_its_code(library, name):
    place = f"{getattr(backprop, name).__module__}.{name}"
    found = [tag for page in library for tag in page.soup.select(f"dt[id='{place}']")]
    assert len(found) == 1
    assert found[0].find(class_="viewcode-link")


def test_an_equation_of_the_book_is_called_by_its_number(site, library):
    known = {label for page in site.pages for label in LABELED.findall(page.html)}
    words = " ".join(page.soup.main.get_text() for page in library)
    assert known
    assert not known & set(NAMED.findall(words))


def test_no_markup_of_a_docstring_is_left(library):
    for page in library:
        for code in page.soup.select("main :is(pre, code)"):
            code.clear()
        assert not re.search(r"`|::\s|:py:|:eq:", page.soup.main.get_text()), page.name
