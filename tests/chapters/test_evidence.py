"""The page "Evidence": every formula and every figure has a row, and the row holds."""

import re
from collections import Counter
from importlib import import_module

import pytest
import yaml
from chapter_source import Chapter
from run_cells import run_cell
from the_book import ROOT, documents

PAGE = Chapter.read(ROOT / "chapters" / "appendix-evidence.md", ROOT)
FORMULA = re.compile(
    r"^\| \{eq\}`(?P<label>eq-[a-z-]+)`[^|]*"
    r"\| (?P<code>[^|]+) "
    r"\| `(?P<file>test_\w+)`: (?P<sentence>[^|]+) "
    r"\| \{glue:text\}`(?P<apart>[^`]+)` \|$",
    re.MULTILINE,
)
CLAIM = re.compile(
    r"^\| (?P<claim>[^|]+) \| \{numref\}`(?P<name>fig-[a-z-]+)` \|$", re.M
)
ROLE = re.compile(r"\{py:(?:class|func|meth)\}`~(?P<name>[\w.]+)`")
ROWS = [match.groupdict() for match in FORMULA.finditer(PAGE.text)]


def numbered():
    """Return the chapters and their sections."""
    pages = [Chapter.read(ROOT / f"{name}.md", ROOT) for name in documents()]
    return [page for page in pages if page.is_numbered]


def computed_figures(chapter):
    """Return the names of the figures that a chapter's cells compute."""
    for cell in chapter.all_blocks("code-cell"):
        lines = chapter.lines[cell.first : cell.last]
        if lines[0] == "---":
            head = yaml.safe_load("\n".join(lines[1 : lines.index("---", 1)]))
            yield head["mystnb"]["figure"]["name"]


def test_each_labelled_formula_has_one_row():
    labels = [
        label
        for chapter in numbered()
        for label in re.findall(r"\$\$ \((eq-[a-z-]+)\)", chapter.text)
    ]
    assert Counter(row["label"] for row in ROWS) == Counter(labels)


def test_each_computed_figure_has_one_claim():
    figures = [name for chapter in numbered() for name in computed_figures(chapter)]
    assert Counter(m["name"] for m in CLAIM.finditer(PAGE.text)) == Counter(figures)


def test_each_row_of_a_table_is_read_by_these_tests():
    """A row with a slip in it would match neither pattern, and be held by nothing."""
    rows = [line for line in PAGE.lines if re.match(r"\| (?!-|formula|what)", line)]
    read = len(ROWS) + len(CLAIM.findall(PAGE.text))
    assert len(rows) == read


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["label"])
def test_the_test_of_a_row_exists(row):
    name = "test_" + re.sub(r"[ -]", "_", row["sentence"].lower())
    found = list((ROOT / "tests").rglob(f"{row['file']}.py"))
    assert len(found) == 1, f"there is no {row['file']}.py"
    assert f"\ndef {name}(" in found[0].read_text("utf-8"), f"no test {name}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["label"])
def test_the_code_of_a_row_exists(row):
    if row["code"] == "the page":
        return
    *module, name = ROLE.fullmatch(row["code"])["name"].split(".")
    owner = None
    while owner is None:  # a method stands below a class
        try:
            owner = import_module(".".join(module))
        except ModuleNotFoundError:
            name = f"{module.pop()}.{name}"
    for part in name.split("."):
        owner = getattr(owner, part)


@pytest.fixture(scope="module")
def apart():
    """Run the page, and return how far apart the two ways of each formula are."""
    namespace = {"__name__": "__main__"}
    for cell in PAGE.all_blocks("code-cell"):
        run_cell(PAGE.code(cell), PAGE.code_line(cell), PAGE, namespace)
    return namespace["apart"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["label"])
def test_a_formula_holds(apart, row):
    assert apart[row["label"]] < 1e-7
    assert row["apart"] == row["label"]


def test_the_page_holds_nothing_without_a_row(apart):
    assert set(apart) == {row["label"] for row in ROWS}


def test_two_ways_that_differ_stop_the_page():
    """The page's own measure goes red, not only green."""
    namespace = {}
    for cell in PAGE.all_blocks("code-cell")[:3]:
        run_cell(PAGE.code(cell), PAGE.code_line(cell), PAGE, namespace)
    with pytest.raises(AssertionError, match="eq-wrong: 1e-06 apart"):
        namespace["hold"]("eq-wrong", [1.0], [1.000002])
