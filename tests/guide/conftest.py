"""The guide as it was built last: its PDF and TeX's log."""

import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader
from the_book import GUIDE, is_stale, lacking


@pytest.fixture(scope="session")
def guide_file() -> Path:
    """Return the PDF of the guide, which lies beside its log."""
    found = [file for file in GUIDE.glob("*.pdf") if file.with_suffix(".log").exists()]
    if not found and not shutil.which("xelatex"):
        lacking("There is no TeX: `make pdf` says which packages bring it.")
    if not found:
        lacking("The guide is not built: run `make pdf` first.")
    if is_stale(GUIDE):
        lacking("The guide is older than its sources: run `make pdf` again.")
    assert len(found) == 1, f"which of these is the guide? {found}"
    return found[0]


@pytest.fixture(scope="session")
def guide_log(guide_file: Path) -> str:
    """Return what TeX wrote about its last run."""
    log = guide_file.with_suffix(".log")
    return log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="session")
def guide(guide_file: Path) -> PdfReader:
    """Return the PDF, opened."""
    return PdfReader(guide_file)


@pytest.fixture(scope="session")
def page_texts(guide: PdfReader) -> list[str]:
    """Return the text of each page."""
    return [page.extract_text() for page in guide.pages]
