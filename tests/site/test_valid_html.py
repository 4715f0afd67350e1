"""Every page is valid HTML, says the checker of the W3C."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from the_book import lacking


def faults(checkers: Path, *files: Path) -> list[str]:
    """Return what the Nu Html Checker calls an error, with the page and the line."""
    if not shutil.which("java"):
        lacking("There is no Java: `apt-get install default-jre-headless` brings it.")
    jar = checkers / "vnu-jar" / "build" / "dist" / "vnu.jar"
    options = ["--format", "json", "--errors-only"]
    said = subprocess.run(
        ["java", "-Xss8m", "-jar", jar, *options, *files],
        capture_output=True,
        encoding="utf-8",
    )
    return [
        f"{Path(fault['url']).name}:{fault['lastLine']}: {fault['message']}"
        for fault in json.loads(said.stderr)["messages"]
    ]


def test_every_page_is_valid(site, checkers):
    if found := faults(checkers, *(page.file for page in site.pages)):
        pytest.fail("\n" + "\n".join(found), pytrace=False)


def test_what_is_not_valid_is_found(checkers, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text('<!DOCTYPE html><html lang="en"><title>Bad</title><p><ul></ul></p>')
    assert faults(checkers, page) == [
        "bad.html:1: No “p” element in scope but a “p” end tag seen."
    ]
