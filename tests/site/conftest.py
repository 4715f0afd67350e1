"""The built site, a server for it, and one browser for all tests of this folder."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from page_checks import Site
from playwright.sync_api import Browser, sync_playwright
from the_book import SITE, is_stale, lacking

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
def site() -> Site:
    """Return the site as it was built last."""
    if not (SITE / "index.html").is_file():
        lacking("The site is not built: run `make html` first.")
    if is_stale(SITE):
        lacking("The site is older than its sources: run `make html` again.")
    return Site(SITE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the Chromium that is installed here."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not found:
        lacking("There is no Chromium: `apt-get install chromium` brings it.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder and yield its address."""
    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def address(site: Site) -> Iterator[str]:
    """Serve the site; return where."""
    with serving(site.root) as address:
        yield address


@pytest.fixture
def serve() -> Callable:
    """Return a server of made-up folders, for use with `with`."""
    return serving
