"""The commands of make: what they say, and what they look at; building is not tried."""

import os
import threading
import time

import changed
import make
import pytest
import sources
from locking import held
from the_book import ROOT


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Return a folder with two chapters, and let make.py work there."""
    (tmp_path / "chapters").mkdir()
    for name in ("12-rates", "13-overfitting"):
        (tmp_path / "chapters" / f"{name}.md").write_text(name)
    monkeypatch.setattr(make, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("number", ["12", "12-rates"])
def test_a_chapter_is_named_by_its_number_or_in_full(book, monkeypatch, number):
    built = []
    monkeypatch.setenv("N", number)
    monkeypatch.setattr(make, "prepare", lambda: None)
    monkeypatch.setattr(make, "build", built.append)
    make.chapter()
    assert built == ["chapters/12-rates"]


@pytest.mark.parametrize(("number", "how_many"), [("", 0), ("14", 0), ("1", 0)])
def test_a_chapter_that_is_not_there_is_refused_with_those_that_are(
    book, monkeypatch, number, how_many
):
    monkeypatch.setenv("N", number)
    with pytest.raises(make.MakeError) as caught:
        make.chapter()
    assert "`make chapter N=13`" in str(caught.value)
    assert "12-rates, 13-overfitting" in str(caught.value)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eight", ""])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(make.MakeError, match="make serve PORT=8000"):
        make.chosen_port(port)


def test_what_serve_looks_at_changes_when_a_source_does_and_not_by_itself(book):
    page = book / "chapters" / "12-rates.md"
    os.utime(page, (time.time() + 10**6,) * 2)  # a date in the future
    before = make.state_of_sources()
    assert make.state_of_sources() == before
    (book / "chapters" / ".#12-rates.md").symlink_to("me@nowhere.1:2")
    (book / "chapters" / "12-rates.md~").touch()
    assert make.state_of_sources() == before
    page.write_text("rates")
    assert make.state_of_sources() != before


def test_sources_are_found_without_traces_and_dangling_links(tmp_path):
    names = ["_theme/a.py", "_theme/__pycache__/a.pyc", "_theme/#a.py#", "_config.yml"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "_theme" / ".#a.py").symlink_to("nowhere")
    (tmp_path / "_theme" / "b.py").symlink_to("nowhere")
    assert sorted(sources.digests(tmp_path)) == ["_config.yml", "_theme/a.py"]


def test_a_lock_is_waited_for_and_says_who_has_it(tmp_path):
    heard, entered = [], threading.Event()

    def wait_for_it():
        with held(tmp_path, "the second", heard.append):
            entered.set()

    with held(tmp_path, "the first"):
        other = threading.Thread(target=wait_for_it)
        other.start()
        while not heard:
            time.sleep(0.01)
        assert not entered.is_set()
        assert heard[0].startswith(f"the first, process {os.getpid()}, since ")
    other.join(10)
    assert entered.is_set()


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("code/backprop/layers.py", {"ruff", "codespell", "mypy", "python"}),
        ("chapters/13-overfitting.md", {"codespell", "python"}),
        ("tests/library/test_layers.py", {"ruff", "codespell", "python"}),
        ("_theme/make.py", {"ruff", "codespell"}),
        ("figures/drawings/layer.svg", set()),
    ],
)
def test_each_kind_of_file_is_judged_by_what_looks_at_it(name, commands):
    found = changed.judgments([name])
    assert {command[0] for command in found} == commands
    tests = [word for command in found for word in command if "/test_" in word]
    assert all((ROOT / test).is_file() for test in tests)
    assert bool(tests) == ("python" in commands)
