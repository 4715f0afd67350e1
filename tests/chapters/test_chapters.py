"""Every chapter of the table of contents is what CONTRIBUTING.md says it is."""

import re
from functools import cache

import pytest
from chapter_checks import FOR_ALL, FOR_CHAPTERS, Book, reading_minutes, target_of
from chapter_source import Chapter
from the_book import ROOT, documents, sections_of
from word_checks import WORD_CHECKS

NUMBERED = [d for d in documents() if re.match(r"chapters/\d\d-", d)]


@cache
def the_book() -> Book:
    """Read all chapters once."""
    files = [ROOT / f"{document}.md" for document in documents()]
    chapters = [Chapter.read(file, ROOT) for file in files if file.exists()]
    references = ROOT / "chapters" / "references.bib"
    cited = references.read_text(encoding="utf-8") if references.exists() else ""
    return Book(chapters, cited, ROOT)


def faults_of(document: str, check) -> list[str]:
    """Run one check over one document."""
    book = the_book()
    chapter = next((c for c in book.chapters if c.name == f"{document}.md"), None)
    if chapter is None:
        return [f"_toc.yml: there is no {document}.md"]
    return [str(fault) for fault in check(chapter, book)]


def report(faults: list[str]) -> None:
    """Fail with one fault a line."""
    if faults:
        pytest.fail("\n" + "\n".join(faults), pytrace=False)


@pytest.mark.parametrize("check", FOR_CHAPTERS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("document", NUMBERED)
def test_form(document, check):
    report(faults_of(document, check))


@pytest.mark.parametrize("check", FOR_ALL + WORD_CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("document", documents())
def test_content(document, check):
    report(faults_of(document, check))


def test_table_of_contents_and_files_agree():
    files = {f"chapters/{file.stem}" for file in (ROOT / "chapters").glob("[!.]*.md")}
    listed = documents()
    assert listed, "_toc.yml lists no document"
    assert not set(listed) - files, "_toc.yml lists what does not exist"
    assert not files - set(listed), "not in _toc.yml: nobody will find it"


def test_file_names_are_in_reading_order():
    names = [document.removeprefix("chapters/") for document in documents()]
    for name in names:
        assert re.fullmatch(r"index|\d\d-[a-z0-9-]+|appendix-[a-z-]+", name), (
            f"rename {name}.md: NN-name.md, index.md or appendix-name.md"
        )
    numbers = [int(name[:2]) for name in names if name[:2].isdigit()]
    assert numbers == sorted(numbers), "chapters are not in order in _toc.yml"


def test_only_the_sections_of_a_chapter_share_its_number():
    sections = sections_of()
    chapters = [d for d in NUMBERED if d not in sections]
    assert len({d[:11] for d in chapters}) == len(chapters)
    for section, chapter in sections.items():
        assert section[:11] == chapter[:11], f"{section} stands below {chapter}"


def test_descriptions_differ():
    seen: dict[str, str] = {}
    for chapter in the_book().chapters:
        meta = (chapter.front.get("myst") or {}).get("html_meta") or {}
        text = str(meta.get("description"))
        assert text not in seen, f"{chapter.name} repeats {seen[text]}: {text}"
        seen[text] = chapter.name


def test_the_home_page_says_how_long_each_chapter_takes():
    home = (ROOT / "chapters" / "index.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"(?m)^\{doc\}`(\S+)`\n:[^`]*?\*About (\d+) minutes", home))
    for chapter in the_book().chapters:
        if chapter.is_numbered:
            name = chapter.name.removeprefix("chapters/").removesuffix(".md")
            minutes = reading_minutes(chapter)
            assert said.get(name) == str(minutes), f"{name}: *About {minutes} minutes.*"


def test_the_glossary_has_no_entry_that_no_chapter_links():
    used = {
        target_of(content).lower()
        for chapter in the_book().chapters
        for _, _, content in chapter.roles("term")
    }
    assert the_book().terms, "appendix-glossary.md has no {glossary}"
    assert not the_book().terms - used, "link these where they are used first"


def test_glossary_in_the_order_of_the_alphabet():
    page = (ROOT / "chapters" / "appendix-glossary.md").read_text(encoding="utf-8")
    block = page[page.index("{glossary}") :]
    entries = re.findall(r"(?m)^(\w.*)$", block)
    assert entries == sorted(entries, key=str.lower)
