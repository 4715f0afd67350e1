"""The built site, and a server for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from page_checks import Site
from the_book import SITE, is_stale, lacking


@pytest.fixture(scope="session")
def site() -> Site:
    """Return the site as it was built last."""
    if not (SITE / "index.html").is_file():
        lacking("The site is not built: run `make html` first.")
    if is_stale(SITE):
        lacking("The site is older than its sources: run `make html` again.")
    return Site(SITE)


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
