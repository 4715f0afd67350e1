"""The built site, and a server for it."""

import gzip
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from page_checks import Site
from the_book import SITE, is_stale, lacking

COMPRESSED = {".html", ".css", ".js", ".json", ".svg", ".txt", ".xml"}
CHECKERS = Path(__file__).parent / "node_modules"


@pytest.fixture(scope="session")
def site() -> Site:
    """Return the site as it was built last."""
    if not (SITE / "index.html").is_file():
        lacking("The site is not built: run `make html` first.")
    if is_stale(SITE):
        lacking("The site is older than its sources: run `make html` again.")
    return Site(SITE)


@cache
def compressed(path: Path) -> bytes:
    """Return a file's bytes, compressed; style sheet and script are asked for often."""
    return gzip.compress(path.read_bytes())


class Pages(SimpleHTTPRequestHandler):
    """Serves files compressed, as GitHub Pages does, and without a word."""

    def send_head(self):
        """Send what comes before a file; return the file, compressed if it is text."""
        path = Path(self.translate_path(self.path))
        if path.suffix not in COMPRESSED or not path.is_file():
            return super().send_head()
        body = compressed(path)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return io.BytesIO(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder and yield its address."""
    handler = partial(Pages, directory=str(folder))
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


@pytest.fixture(scope="session")
def checkers() -> Path:
    """Return the folder of the checkers that package.json names."""
    if not CHECKERS.is_dir():
        lacking("`npm ci --ignore-scripts --prefix tests/site` brings this checker.")
    return CHECKERS
