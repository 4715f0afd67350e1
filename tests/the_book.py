"""What the tests of chapters, site and guide know about the book as a whole."""

import json
import os
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest
import yaml
from sources import digests

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
GUIDE = ROOT / "_build" / "latex"


@cache
def settings() -> dict:
    """Return what stands in _config.yml."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def contents() -> dict:
    """Return what stands in _toc.yml."""
    return yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))


def documents() -> list[str]:
    """Return the documents of _toc.yml in reading order, without their suffix."""
    if not (ROOT / "_toc.yml").exists():
        return []
    toc = contents()
    return [toc["root"], *_files_below(toc)]


def sections_of() -> dict[str, str]:
    """Return the documents that are sections of a chapter, with that chapter."""
    return {
        section["file"]: chapter["file"]
        for part in contents()["parts"]
        for chapter in part["chapters"]
        for section in chapter.get("sections", [])
    }


def _files_below(entry: dict) -> list[str]:
    """Return the files named below an entry of the table of contents."""
    found = []
    for key in ("parts", "chapters", "sections"):
        for child in entry.get(key, []):
            found += [child["file"]] if "file" in child else []
            found += _files_below(child)
    return found


def lacking(sentence: str) -> NoReturn:
    """Skip the test with a plain sentence; in CI nothing may be lacking, so fail."""
    if os.environ.get("CI"):
        pytest.fail(f"{sentence} (CI is set, where nothing is skipped)", pytrace=False)
    pytest.skip(sentence)


def is_stale(built: Path) -> bool:
    """Tell whether what was built is of other sources than those that are there."""
    try:
        stamp = json.loads((built / "stamp.json").read_text(encoding="utf-8"))
    except OSError:
        return True
    return stamp["sources"] != digests(ROOT)
