"""The audit has three answers: none is known, some are, and nobody could be asked."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

ASKED = [("PyPI", "numpy", "1.0"), ("npm", "@a/b", "2.0"), ("PyPI", "six", "1.17.0")]


class Advisories(BaseHTTPRequestHandler):
    """Answers as the service does; its server has the answers for names."""

    def do_POST(self):
        """Answer each query of a batch."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        queries = json.loads(body)["queries"]
        self.server.asked.append(queries)
        results = [self.server.known(query) for query in queries]
        answer = self.server.garbled or json.dumps({"results": results}).encode()
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def service(audit, monkeypatch):
    """Stand in for the service, on this machine; nothing is known at first."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as server:
        server.known, server.asked = (lambda query: {}), []
        server.garbled, server.status = None, 200
        monkeypatch.setattr(audit, "SERVICE", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setattr(audit, "locked", lambda: ASKED)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_package_of_every_lock_is_asked_about(audit):
    packages = audit.locked()
    assert {system for system, *_ in packages} == {"PyPI", "npm"}
    names = {name for _, name, _ in packages}
    assert {"numpy", "pytest", "jupyterlab", "torch", "uv", "axe-core"} <= names
    assert all(version[0].isdigit() for *_, version in packages)


def test_none_known_is_said(audit, service, capsys):
    assert audit.main() == 0
    assert capsys.readouterr().out == (
        "audit: none known in the 3 packages of the locks\n"
    )
    assert service.asked[0][1] == {
        "package": {"ecosystem": "npm", "name": "@a/b"},
        "version": "2.0",
    }


def test_what_is_known_is_listed_to_the_last_page(audit, service, capsys, monkeypatch):
    monkeypatch.setattr(audit, "MOST", 2)
    more = {"vulns": [{"id": "GHSA-1"}], "next_page_token": "2"}

    def known(query):
        if query["package"]["name"] != "six":
            return {}
        return {"vulns": [{"id": "CVE-2"}]} if "page_token" in query else more

    service.known = known
    assert audit.main() == 1
    assert "audit: six 1.17.0 (PyPI): GHSA-1, CVE-2\n" in capsys.readouterr().out
    assert [len(queries) for queries in service.asked] == [2, 1, 1]


@pytest.mark.parametrize(
    ("garbled", "status"),
    [
        (None, 503),
        (b"<html>Sign in to this network</html>", 200),
        (b'{"results": []}', 200),
        (b'{"code": 3}', 200),
        (b"[]", 200),
        (b'{"results": [1, 2, 3]}', 200),
    ],
)
def test_an_answer_that_is_none_is_not_taken_for_none_known(
    audit, service, capsys, garbled, status
):
    service.garbled, service.status = garbled, status
    assert audit.main() == audit.NOT_ASKED
    assert "audit: could not ask" in capsys.readouterr().out


def test_no_network_is_not_taken_for_none_known(audit, capsys, monkeypatch):
    monkeypatch.setattr(audit, "SERVICE", "http://127.0.0.1:9/")
    assert audit.main() == audit.NOT_ASKED
    assert "audit: could not ask" in capsys.readouterr().out
