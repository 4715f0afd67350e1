"""Nothing is skipped in CI, and an old build is not taken for a new one."""

import hashlib
import json
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


def test_a_build_of_other_sources_is_stale(monkeypatch, tmp_path):
    source, built = tmp_path / "chapters" / "01-x.md", tmp_path / "_build"
    source.parent.mkdir()
    built.mkdir()
    source.write_text("One.")
    monkeypatch.setattr(the_book, "ROOT", tmp_path)
    assert the_book.is_stale(built), "it bears no stamp"
    digest = hashlib.sha256(b"One.").hexdigest()
    stamp = {"sources": {"chapters/01-x.md": digest}}
    (built / "stamp.json").write_text(json.dumps(stamp))
    assert not the_book.is_stale(built)
    (source.parent / ".#01-x.md").symlink_to("nowhere")  # an editor's
    os.utime(source)
    assert not the_book.is_stale(built)
    source.write_text("Two.")
    assert the_book.is_stale(built)


def test_the_table_of_contents_is_read_in_order(monkeypatch, tmp_path):
    (tmp_path / "_toc.yml").write_text(
        "root: a\nparts:\n- chapters:\n  - file: b\n    sections:\n    - file: c\n"
        "- chapters:\n  - file: d\n"
    )
    monkeypatch.setattr(the_book, "ROOT", tmp_path)
    assert the_book.documents() == ["a", "b", "c", "d"]
