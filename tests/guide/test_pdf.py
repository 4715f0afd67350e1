"""The guide as a reader opens it: outline, pages, text, title and author."""

import re
import unicodedata
from itertools import pairwise

import pytest
from the_book import ROOT, contents, documents, settings

NUMBERED = [document for document in documents() if re.search(r"/\d\d-", document)]
PAGES_A_CHAPTER = (4, 30)
PAGES_BESIDE = (2, 30)


def squeezed(text: str) -> str:
    """Return letters and digits only: fonts join letters, lines break words."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text))).lower()


def plain(markdown: str) -> str:
    """Return the longest run of a Markdown text that is set as it stands."""
    runs = re.split(r"\{[^}]+\}`[^`]*`|\$[^$]*\$|`[^`]*`|[\[\]*_\\]", markdown)
    return max((" ".join(run.split()) for run in runs), key=len)


def title_of(document: str) -> str:
    """Return a document's title, as far as it is plain words."""
    source = (ROOT / f"{document}.md").read_text(encoding="utf-8")
    return plain(re.search(r"(?m)^# (.+)$", source)[1])


def summary_of(document: str) -> str:
    """Return some words of a chapter's summary."""
    source = (ROOT / f"{document}.md").read_text(encoding="utf-8")
    summary = re.search(r"(?ms)^## Summary\n(.+?)(?=^## |\Z)", source)[1]
    lines = [
        re.sub(r"^\s*(?:[-*]|\d+\.)\s+", "_", line) for line in summary.split("\n")
    ]
    return " ".join(plain("\n".join(lines)).split()[:10])


def outline_titles(entries) -> list[str]:
    """Return the titles of an outline, its inner levels included."""
    titles = []
    for entry in entries:
        titles += outline_titles(entry) if isinstance(entry, list) else [entry.title]
    return titles


def test_outline_has_every_chapter_in_order(guide):
    titles = [squeezed(title) for title in outline_titles(guide.outline)]
    places = []
    for document in documents()[1:]:
        wanted = squeezed(title_of(document))
        found = [place for place, title in enumerate(titles) if wanted in title]
        assert found, f"the outline lacks '{title_of(document)}'"
        places.append(found[0])
    assert all(a < b for a, b in pairwise(places)), "the outline is out of order"


def test_each_part_has_a_page_with_its_chapters(page_texts):
    pages = [squeezed(text) for text in page_texts]
    for part in contents()["parts"]:
        titles = [title_of(chapter["file"]) for chapter in part["chapters"]]
        wanted = [squeezed(title) for title in [part["caption"], *titles]]
        found = [p for p in pages if all(w in p for w in wanted) and len(p) < 600]
        assert found, f"no page shows the chapters of {part['caption']}"


def test_a_listing_that_fits_a_page_is_not_broken(page_texts):
    """Those of more than 30 lines have to be; there are few."""
    broken = sum("(continues on next page)" in text for text in page_texts)
    assert broken <= 12


def test_number_of_pages_is_sensible(guide):
    least, most = (
        chapter * len(NUMBERED) + beside
        for chapter, beside in zip(PAGES_A_CHAPTER, PAGES_BESIDE, strict=True)
    )
    assert least <= len(guide.pages) <= most


def test_no_page_is_empty(guide, page_texts):
    empty = [
        number
        for number, (page, text) in enumerate(zip(guide.pages, page_texts, strict=True))
        if not re.search(r"[A-Za-z]", text) and "/XObject" not in page["/Resources"]
    ]
    assert not empty, f"nothing on pages {[number + 1 for number in empty]}"


@pytest.mark.parametrize("document", documents()[1:])
def test_titles_are_found_in_the_text(page_texts, document):
    assert squeezed(title_of(document)) in squeezed(" ".join(page_texts))


@pytest.mark.parametrize("document", NUMBERED)
def test_summaries_are_found_in_the_text(page_texts, document):
    words = summary_of(document)
    assert squeezed(words) in squeezed(" ".join(page_texts)), f"not found: {words}"


def test_no_reference_is_left_open(page_texts):
    pages = [n for n, text in enumerate(page_texts, start=1) if "??" in text]
    assert not pages, f"'??' on pages {pages}"


def test_no_figure_says_it_was_an_object(page_texts):
    """What a cell shows besides its figure: <Figure size …>, <Axes: …>."""
    leaks = [
        f"page {number}: {match[0]}"
        for number, text in enumerate(page_texts, start=1)
        for match in re.finditer(r"<(?:Figure size|Axes|IPython)[^>]*>", text)
    ]
    assert not leaks


def test_answers_stand_at_the_end_with_links_both_ways(guide, page_texts):
    words = squeezed("First the questions of each chapter, by their numbers")
    first = next(n for n, text in enumerate(page_texts) if words in squeezed(text))
    asked = [n for n, text in enumerate(page_texts) if "Answer: page" in text]
    back = [n for n, text in enumerate(page_texts) if re.search(r"\(page\s\d+\)", text)]
    titles = outline_titles(guide.outline)
    assert any(title.endswith(" Answers") for title in titles)
    assert asked[-1] < first <= back[-1]
    questions = len(re.findall("Answer: page", " ".join(page_texts)))
    answers = len(re.findall(r"\(page\s\d+\)", " ".join(page_texts[first:])))
    assert questions == answers > 100


def test_title_and_author_are_in_the_file(guide):
    metadata = guide.metadata
    assert metadata.title == settings()["title"]
    assert settings()["author"] in (metadata.author or "")


def test_plain_takes_what_is_set_as_it_stands():
    assert plain("A *chain* rule here, {ref}`there <x>` and $x$") == "rule here,"
    assert squeezed("Back-\npropagation: ﬁrst") == "backpropagationfirst"
