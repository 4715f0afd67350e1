"""The Chromium that is installed here, and how the tests start it."""

import shutil

from the_book import lacking

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str:
    """Return its path."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or lacking("There is no Chromium: `apt-get install chromium` does it.")
