"""One browser for all tests; being here puts what is beside it on their path."""

import os
import signal
from collections.abc import Iterator

import pytest
from chromium import FLAGS, find_chromium

# Two threads that wait for each other cost more than they bring on matrices as small as
# the tests'; set here, because BLAS looks only once, when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A shell's background jobs ignore Ctrl-C, and whatever they start; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Several modules named conftest confuse the search for doctests; they have none.
collect_ignore_glob = ["*/conftest.py"]


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Start the Chromium that is installed here."""
    from playwright.sync_api import sync_playwright  # only where it is used

    found = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()
