"""The guide was set without a lost reference, an overfull line or a missing letter."""

import pytest
from log_checks import CHECKS, unwrap


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_log(guide_log, check):
    if faults := check(guide_log):
        pytest.fail("\n" + "\n".join(faults), pytrace=False)


GOOD = r"""This is XeTeX, Version 3.141592653-2.6-0.999994 (TeX Live 2022/Debian)
(./guide.tex
LaTeX Warning: Font shape `TU/x/m/n' undefined, using another one.
Overfull \hbox (1.9pt too wide) in paragraph at lines 10--12
Underfull \vbox (badness 10000) has occurred while \output is active []
Output written on guide.pdf (60 pages).
"""

# Each check: a line it has to find in a log, as XeTeX writes it.
BAD = {
    "undefined_references": [
        "LaTeX Warning: Reference `eq-loss' on page 3 undefined on input line 99.",
        "LaTeX Warning: Citation `nobody' on page 3 undefined on input line 9.",
        "LaTeX Warning: Hyper reference `chapters/01-trials::doc' on page 1 "
        "undefined on\n input line 119.",
        "LaTeX Warning: There were undefined references.",
        "LaTeX Warning: Label `eq-loss' multiply defined.",
    ],
    "overfull_lines": [
        r"Overfull \hbox (2.1pt too wide) in paragraph at lines 10--12",
        r"Overfull \vbox (224.8pt too high) has occurred while \output is active []",
        r"Overfull \hbox (123.45pt too wide) detected at line 1204",
        r"Overfull \hbox (7.0pt too wide) in alignment at lines 5--9",
    ],
    "missing_characters": [
        "Missing character: There is no ∂ (U+2202) in font [lmmono10-regular]:!",
    ],
    "errors": ["! Undefined control sequence."],
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_good_log_passes(check):
    assert check(GOOD) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_fault_is_caught(check):
    for line in BAD[check.__name__]:
        faults = check(GOOD + line + "\n")
        assert len(faults) == 1, (line, faults)


def test_broken_lines_are_joined():
    warning = "LaTeX Warning: Reference `" + "x" * 60 + "' on page 3 undefined."
    assert unwrap(f"{warning[:79]}\n{warning[79:]}\nnext") == f"{warning}\nnext"
