"""One browser for all tests. Being here puts the_book.py on the tests' path."""

import os
import shutil
from collections.abc import Iterator

import pytest
from the_book import lacking

# Two threads that wait for each other cost more than they bring on matrices as small as
# the tests'; set here, because BLAS looks only once, when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Several modules named conftest confuse the search for doctests; they have none.
collect_ignore_glob = ["*/conftest.py"]

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Start the Chromium that is installed here."""
    from playwright.sync_api import sync_playwright  # only where it is used

    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not found:
        lacking("There is no Chromium: `apt-get install chromium` brings it.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()
