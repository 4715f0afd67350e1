"""How long the chapters' cells ran when the site was built, within DESIGN's bounds."""

import json

import pytest
from the_book import SITE, documents, lacking

LONGEST = 120  # seconds for one chapter
FIRST = 11  # chapters that are to run in, on all cores
TOGETHER = {"mnist": 360, "embedded": 120}
ALL = {"mnist": 600, "embedded": 240}


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


def test_no_chapter_runs_too_long(record):
    slow = {name: s for name, s in record["seconds"].items() if s > LONGEST}
    assert not slow, "train less, or move it to the recipes"


def test_chapters_together(record):
    numbers = {name: name.removeprefix("chapters/")[:2] for name in record["seconds"]}
    first = [name for name, n in numbers.items() if n.isdigit() and int(n) <= FIRST]
    of_first = sum(record["seconds"][name] for name in first)
    of_all, at_a_time = sum(record["seconds"].values()), record["at_a_time"]
    assert of_first <= TOGETHER[record["data"]] * at_a_time, record["seconds"]
    assert of_all <= ALL[record["data"]] * at_a_time, record["seconds"]
