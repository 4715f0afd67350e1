"""How long the chapters' cells ran when the site was built is noted, for people."""

import json

import pytest
from the_book import SITE, documents, lacking


@pytest.fixture(scope="module")
def record(site) -> dict:
    file = SITE.parent / "execution-times.json"
    if not file.is_file():
        lacking("Nobody noted how long the chapters ran: run `make html` again.")
    return json.loads(file.read_text(encoding="utf-8"))


def test_every_chapter_is_noted(record):
    chapters = [name for name in documents() if name.startswith("chapters/")]
    numbered = {name for name in chapters if name[len("chapters/")].isdigit()}
    assert numbered <= set(record["seconds"])
