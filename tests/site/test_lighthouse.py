"""Lighthouse's judgment of the home page and of three long ones, as seen on a phone.

Its score and times of speed depend on what else the machine does; what is held to here
does not: what the page is, and how far it moves while it loads. What makes a page fast,
few bytes and few requests, is held to in page_checks.py.
"""

import json
import os
import subprocess

import pytest
from chromium import FLAGS, find_chromium

PAGES = [
    "index",
    "07-backpropagation-in-matrices",
    "11-training-on-mnist",
    "15-other-architectures",
]
PERFECT = ("accessibility", "best-practices", "seo")
SHIFT = 0.02  # largest layout shift


@pytest.mark.parametrize("name", PAGES)
def test_lighthouse_finds_nothing(address, checkers, name):
    said = subprocess.run(
        [
            checkers / ".bin" / "lighthouse",
            f"{address}chapters/{name}.html",
            *("--quiet", "--output=json", "--output-path=stdout"),
            f"--chrome-flags={' '.join(['--headless', *FLAGS])}",
        ],
        env=os.environ | {"CHROME_PATH": find_chromium()},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    report = json.loads(said.stdout)
    audits = report["audits"]
    for category in PERFECT:
        found = report["categories"][category]
        less = [
            audits[ref["id"]]["title"]
            for ref in found["auditRefs"]
            if ref["weight"] and audits[ref["id"]]["score"] not in (1, None)
        ]
        assert found["score"] == 1, f"{category}: {less}"
    assert audits["cumulative-layout-shift"]["numericValue"] <= SHIFT
