"""Lighthouse's judgment of the home page and of three long ones, as seen on a phone.

Its score of speed depends on what else the machine does; what is held to here does not:
what the page is, how far it moves while it loads, and, with room to spare, when its
largest part is there.
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
PAINT = 2.5  # seconds until the largest part is there; alone on a machine 1.1 to 1.4


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
    assert audits["largest-contentful-paint"]["numericValue"] <= 1000 * PAINT
