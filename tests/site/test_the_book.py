"""Nothing is skipped in CI, and an old build is not taken for a new one."""

import os

import pytest
import the_book


def test_what_is_lacking_is_skipped_here_and_fails_in_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="run `make html`"):
        the_book.lacking("The site is not built: run `make html` first.")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="nothing is skipped"):
        the_book.lacking("The site is not built: run `make html` first.")


def test_a_build_older_than_a_source_is_stale(monkeypatch, tmp_path):
    (tmp_path / "chapters").mkdir()
    source, built = tmp_path / "chapters" / "01-x.md", tmp_path / "index.html"
    for file, time in ((source, 1000), (built, 2000)):
        file.touch()
        os.utime(file, (time, time))
    monkeypatch.setattr(the_book, "ROOT", tmp_path)
    monkeypatch.setattr(the_book, "SOURCES", ("chapters", "_toc.yml"))
    assert not the_book.is_stale(built)
    os.utime(source, (3000, 3000))
    assert the_book.is_stale(built)


def test_the_table_of_contents_is_read_in_order(monkeypatch, tmp_path):
    (tmp_path / "_toc.yml").write_text(
        "root: a\nparts:\n- chapters:\n  - file: b\n    sections:\n    - file: c\n"
        "- chapters:\n  - file: d\n"
    )
    monkeypatch.setattr(the_book, "ROOT", tmp_path)
    assert the_book.documents() == ["a", "b", "c", "d"]
