"""A build is whole or not at all, and runs what has to run: on a book of five pages."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import cut_down
import pytest


def test_two_cold_builds_are_equal(book):
    assert not cut_down.differences(
        cut_down.clean_tree(book), cut_down.clean_tree(book)
    )


def test_no_kernel_outlives_a_killed_build(book):
    page = book / "chapters" / "01-first.md"
    cut_down.change(page, "from backprop import Dense", ENDLESS)
    process = cut_down.start(book)
    mark = book / "_build" / "pid"
    for _ in range(600):
        if mark.is_file() and mark.read_text():
            break
        time.sleep(0.1)
    process.kill()
    process.communicate()
    kernel = int(mark.read_text())
    mark.unlink()
    for _ in range(100):
        if not is_running(kernel):
            break
        time.sleep(0.1)
    assert not is_running(kernel)
    page.write_text(cut_down.FIRST, "utf-8")
    assert "Waiting" not in cut_down.built(book), "the lock of a build that is dead"


ENDLESS = """import os, pathlib, time
pathlib.Path("../_build/pid").write_text(str(os.getpid()))
time.sleep(600)"""


def is_running(process: int) -> bool:
    """Tell whether there is a process of this number that has not ended."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


# --- What goes wrong is said, each time --------------------------------------------


def test_a_cell_that_raises_is_named_each_time_until_it_is_mended(book):
    page = book / "chapters" / "02-second.md"
    cut_down.change(page, "x = Value(3.0)", "x = Value(3.0) / 0")
    for _ in range(2):
        code, said = cut_down.build(book)
        assert code == 1
        last = said.strip().splitlines()[-1]
        assert re.match(r"chapters/02-second\.md:\d+: .*Error: ", last), said
        assert "glue" not in said
    cut_down.change(page, "Value(3.0) / 0", "Value(3.0)")
    cut_down.built(book)


def test_a_warning_is_said_each_time_until_it_is_mended(book):
    page = book / "chapters" / "01-first.md"
    cut_down.change(page, "{eq}`eq-layer`", "{eq}`eq-nothing`")
    before = cut_down.tree(book)
    for _ in range(2):
        code, said = cut_down.build(book)
        assert code == 1
        assert "01-first.md" in said
        assert "eq-nothing" in said.splitlines()[-1]
        assert cut_down.read_again(book) == ["01-first"]
        assert cut_down.tree(book) == before, "a page of a build that failed"
    cut_down.change(page, "eq-nothing", "eq-layer")
    cut_down.built(book)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import time; time.sleep(60)", "ran longer than it may and was stopped"),
        ("import os; os.kill(os.getpid(), 9)", "its kernel died"),
        ("raise SystemExit", "SystemExit"),
    ],
)
def test_a_cell_that_does_not_come_back_is_stopped_once_and_named(book, code, words):
    cut_down.change(book / "_config.yml", "timeout: 900", "timeout: 3")
    cut_down.change(book / "chapters" / "02-second.md", "x = Value(3.0)", code)
    failed, said = cut_down.build(book)
    assert failed == 1
    last = said.strip().splitlines()[-1]
    assert last.startswith("chapters/02-second.md:")
    assert words in last
    assert said.count("chapter 1 of") == 1


def test_what_a_cell_prints_is_bounded_and_that_is_said(book):
    cut_down.change(
        book / "chapters" / "02-second.md", "x = Value(3.0)",
        "print('long ' * 10**6)\nx = Value(3.0)",
    )  # fmt: skip
    for _ in range(2):  # from the kept outputs too
        assert re.search(
            r"02-second.md:\d+: .*left out of the page", cut_down.built(book)
        )
    page = book / "_build" / "html" / "chapters" / "02-second.html"
    assert "more letters, left out of this page" in page.read_text("utf-8")
    assert page.stat().st_size < 300_000


@pytest.mark.parametrize("name", ["embeded", "MNIST", "mnist "])
def test_an_unknown_source_of_data_is_an_error(book, name):
    code, said = cut_down.build(book, MNIST_SOURCE=name)
    assert code == 1
    assert f"MNIST_SOURCE is {name!r}" in said
    assert "'embedded'" in said


def test_data_that_are_wrong_are_an_error(book, tmp_path):
    code, said = cut_down.build(book, MNIST_SOURCE="", MNIST_DIR=str(tmp_path))
    assert code == 1
    assert str(tmp_path) in said
    assert "Traceback" not in said


# --- What a page depends on ----------------------------------------------------------

TAPE = "code/backprop/oracles/tape.py"
SURFACES = "code/backprop/plots/surfaces.py"
NUMBERS = "code/benchmarks/results/numbers.txt"


CHANGES = [
    # file, old, new, chapters that run, pages that are read again (None: all or some)
    ("chapters/index.md", "Two pages", "A few pages", [], ["index"]),
    ("chapters/01-first.md", "The layer of", "A layer of", [], ["01-first"]),
    ("chapters/01-first.md", "3 * 2", "2 * 3", ["01-first"], ["01-first"]),
    (TAPE, "gradient = 1.0", "gradient = 2.0 / 2", ["02-second"], ["02-second"]),
    (TAPE, '"""', '"""So: ', [], ["02-second"]),  # it shows a listing of the file
    (SURFACES, "import numpy as np", "import os\nimport numpy as np", [], []),
    (NUMBERS, "42", "43", ["02-second"], ["02-second"]),
    ("figures/drawing.svg", 'height="9"', 'height="8"', [], ["01-first"]),
    ("chapters/references.bib", "by back-prop", "by Back-prop", [], None),
    ("_config.yml", "Unless the text", "If the text", [], None),
    ("_theme/static/book.css", "{", "{ ", [], None),
    ("_theme/backprop_book/numbers.py", '"""Set', '"""Now set', [], None),
]
COMPARED = (0, 8, len(CHANGES) - 1)  # steps after which it must equal a clean build


def make_change(book: Path, file: str, old: str, new: str) -> None:
    """Change the first of something in a file of the book."""
    path = book / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_change_runs_what_it_can_reach_and_no_more_and_the_end_equals_a_clean_build(
    book,
):
    """One after the other, each on top of those before it."""
    cut_down.built(book)
    faults = []
    for step, (file, old, new, ran, read) in enumerate(CHANGES):
        make_change(book, file, old, new)
        cut_down.built(book)
        if cut_down.ran(book) != ran:
            faults.append(f"step {step}, {file}, ran {cut_down.ran(book)}")
        if read is not None and cut_down.read_again(book) != read:
            faults.append(f"step {step}, {file}, read {cut_down.read_again(book)}")
        if step in COMPARED:
            tree = cut_down.tree(book)
            differ = cut_down.differences(tree, cut_down.clean_tree(book))
            faults += [f"step {step}, {file}, differs in {name}" for name in differ]
    assert not faults


def test_more_words_on_a_page_write_no_other_that_does_not_list_it(book):
    cut_down.built(book)
    words = "The layer of"
    make_change(book, "chapters/01-first.md", words, f"Now for more words. {words}")
    cut_down.built(book)
    assert cut_down.written(book) == ["01-first", "index"]  # which lists it


def test_an_equation_that_moves_to_an_earlier_page_is_no_fault(book):
    """Nor is one that stood twice for a while."""
    first, second = (book / "chapters" / n for n in ("01-first.md", "02-second.md"))
    moved = "\n\n$$\ny\n$$ (eq-moved)\n"
    second.write_text(cut_down.SECOND + moved)
    cut_down.built(book)
    first.write_text(cut_down.FIRST + moved)
    assert cut_down.build(book)[0] == 1, "it stands twice"
    second.write_text(cut_down.SECOND)
    cut_down.built(book)
    second.write_text(cut_down.SECOND + moved)
    first.write_text(cut_down.FIRST)
    cut_down.built(book)


FAULTS = [
    # what stands in a page, what it is replaced by, how the last line begins, its words
    ("x = Value(3.0)", "x = = 3", "chapters/02-second.md:12: ", "SyntaxError"),
    ("name: python3", "name: nope", "chapters/02-second.md: ", "no kernel"),
    ("jupytext: {", "jupytext: [", "chapters/02-second.md can't be read: ", ""),
    ("jupytext:", "jupiter:", "", "front matter"),
    ("{glue:text}`slope`", "{glue:text}`nothing`", "", "nothing"),
]


@pytest.mark.parametrize(("old", "new", "begin", "words"), FAULTS)
def test_a_fault_is_said_by_place_and_remedy_each_time(book, old, new, begin, words):
    page = book / "chapters" / "02-second.md"
    page.write_text(cut_down.SECOND.replace(old, new), "utf-8")
    for _ in range(2):
        code, said = cut_down.build(book)
        assert code == 1
        last = said.strip().splitlines()[-1]
        assert last.startswith(begin), said
        assert words in last
        assert "Traceback" not in said
        assert "Handler" not in last


def test_what_only_ipython_reads_is_no_fault(book):
    page = book / "chapters" / "02-second.md"
    cut_down.change(
        page, "x = Value(3.0)", "%time x = Value(3.0)\n!true\ny = (7\n % 4)"
    )
    cut_down.built(book)


@pytest.mark.parametrize("what", ["null", "[]", "folder", "link"])
def test_whatever_stands_where_a_build_writes_is_mended(book, what):
    made = book / "_build"
    record = next((made / "outputs").glob("02-second-*.json"))
    for file in (made / "work" / "html" / "stamp.json", made / "execution-times.json"):
        file.write_text("[]" if what == "[]" else "null")
    if what == "folder":
        record.unlink()
        record.mkdir()
    if what == "link":
        (made / "html").rename(made / "elsewhere")
        (made / "html").symlink_to("elsewhere")
    cut_down.built(book)
    cut_down.built(book)


def test_a_version_that_is_not_the_one_that_ran_runs_again(book):
    for file in (book / "_build" / "outputs").glob("02-second-*"):
        record = json.loads(file.read_bytes().partition(b"\n")[2])
        assert {"numpy", "ipykernel"} <= set(record["versions"])
        assert "sympy" not in record["versions"], "a package that it does not load"
        record["versions"]["numpy"] = "0.1"
        from backprop_book.outputs import Store

        Store(file.parent).save("02-second", file.stem.rpartition("-")[2], record)
    cut_down.built(book)
    assert cut_down.ran(book) == ["02-second"]


def test_a_file_that_changes_while_cells_run_makes_no_page(book):
    """The first build is of two states; the second one must not take its outputs."""
    page, numbers = book / "chapters" / "02-second.md", book / NUMBERS
    cut_down.change(
        page,
        "x = Value(3.0)",
        f"x = Value(3.0)\nprint('read', open('../{NUMBERS}').read())\n"
        f"open('../{NUMBERS}', 'w').write('44')",
    )
    code, said = cut_down.build(book)
    assert code == 1
    assert "a source was changed while the book was built" in said
    assert numbers.read_text() == "44"
    cut_down.built(book)
    assert cut_down.ran(book) == ["02-second"]
    assert b"read 44" in cut_down.tree(book)["chapters/02-second.html"]


def test_the_page_of_a_removed_chapter_goes(book):
    cut_down.change(book / "_toc.yml", "  - file: chapters/02-second\n", "")
    cut_down.change(
        book / "chapters" / "appendix-glossary.md", " See {doc}`02-second`.", ""
    )
    cut_down.built(book)
    assert not [name for name in cut_down.tree(book) if "02-second" in name]


def test_a_file_dated_in_the_future_is_read_once(book):
    page = book / "chapters" / "01-first.md"
    cut_down.change(page, "The layer of", "This layer of")
    os.utime(page, (time.time() + 10**6,) * 2)
    cut_down.built(book)
    cut_down.built(book)
    assert cut_down.read_again(book) == []


def test_a_file_with_an_older_date_is_read_again_if_it_is_another(book):
    page = book / "chapters" / "01-first.md"
    cut_down.change(page, "The layer of", "That layer of")
    os.utime(page, (1, 1))
    cut_down.built(book)
    assert "That layer of" in cut_down.tree(book)["chapters/01-first.html"].decode()


# --- The folder --------------------------------------------------------------------


def test_damage_is_a_miss_and_said(book):
    files = sorted((book / "_build" / "outputs").glob("0*.json"))
    for number, file in enumerate(files):
        data = file.read_bytes()
        cut = (
            data[: len(data) // 2],
            data.replace(b"layer", b"lawyer").replace(b"slope", b"s"),
        )
        file.write_bytes(cut[number % 2])
    said = cut_down.built(book)
    assert "are damaged; its cells run again" in said
    assert cut_down.ran(book) == ["01-first", "02-second"]


@pytest.mark.parametrize("what", ["environment.pickle", "stamp.json", "formulas"])
def test_what_sphinx_left_damaged_is_made_afresh(book, what):
    work = book / "_build" / "work" / "html"
    files = [path for path in work.rglob("*") if what in path.name]
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[:100])
    cut_down.change(book / "chapters" / "index.md", "Two pages", "Three pages")
    cut_down.built(book)
    assert cut_down.ran(book) == []


def test_links_that_lead_nowhere_are_no_sources(book):
    for folder in ("chapters", "code/backprop", "figures", "_theme/static", "_theme"):
        (book / folder / ".#01-first.md").symlink_to("me@nowhere.1234:5678")
        (book / folder / ".#layers.py").symlink_to("me@nowhere.1234:5678")
    cut_down.built(book)
    assert cut_down.ran(book) == []


def test_two_builds_at_once_take_turns(book):
    cut_down.change(book / "chapters" / "index.md", "Two pages", "Many pages")
    one, other = cut_down.start(book), cut_down.start(book)
    said = [process.communicate()[0] for process in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], said
    waited = [text for text in said if "Waiting for another command to end" in text]
    assert len(waited) == 1
    assert re.search(r"a build of html, process \d+, since \d\d:\d\d", waited[0])


def test_without_a_home_it_is_built(book):
    cut_down.change(book / "chapters" / "01-first.md", "3 * 2", "1 * 6")
    nowhere = {
        "HOME": "/nowhere",
        "XDG_CACHE_HOME": "/nowhere",
        "XDG_CONFIG_HOME": "/nowhere",
    }
    cut_down.build_from_scratch(book, **nowhere)


def test_one_chapter_can_be_built_alone(book):
    cut_down.change(book / "chapters" / "01-first.md", "3 * 2", "6 * 1")
    code, said = cut_down.build(book, "chapters/02-second")
    assert code == 0, said
    page = book / "_build" / "chapter" / "chapters" / "02-second.html"
    assert "slope" in page.read_text("utf-8")
    log = (book / "_build" / "chapter.log").read_text("utf-8")
    assert "01-first" not in log, "another chapter was run or read"


def test_the_stamp_says_what_was_built_from_what(book):
    stamp = json.loads((book / "_build" / "html" / "stamp.json").read_bytes())
    assert stamp["built"] == "html"
    assert stamp["data"]["source"] == "embedded"
    assert {"chapters/index.md", "code/backprop/layers.py"} <= set(stamp["sources"])
    assert "requirements.txt" in stamp["sources"]
    assert stamp["python"]


def test_an_unknown_job_is_refused(book):
    for wanted in ("pdf", "chapters/03-third"):
        done = subprocess.run(
            [sys.executable, "-m", "backprop_book.build", wanted],
            cwd=book, capture_output=True, text=True,
            env=cut_down.environment(book),
        )  # fmt: skip
        assert done.returncode == 1
        assert "usage:" in done.stderr
