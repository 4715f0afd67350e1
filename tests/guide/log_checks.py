"""Reads what TeX wrote while it set the guide."""

import re

# TeX breaks what it writes after so many characters, also within words.
LOG_WIDTH = 79
LARGEST_OVERFLOW = {"h": 2.0, "v": 5.0}  # points; what is too high is hardly seen

UNDEFINED = re.compile(
    r"(?:LaTeX|Package \w+) Warning: (?:Hyper reference|Reference|Citation) .*?"
    r"undefined.*?\."
    r"|LaTeX Warning: There were undefined (?:references|citations)\."
    r"|LaTeX Warning: There were multiply-defined labels\."
    r"|LaTeX Warning: Label `[^']*' multiply defined\."
)
OVERFULL = re.compile(
    r"Overfull \\(?P<way>[hv])box \((?P<points>[\d.]+)pt too (?:wide|high)\)[^\n]*"
)
MISSING = re.compile(r"Missing character: There is no [^\n]*")
ERROR = re.compile(r"(?m)^! [^\n]*")


def unwrap(log: str) -> str:
    """Join the lines that TeX broke because they had reached its width."""
    joined = []
    whole = ""
    for line in log.split("\n"):
        whole += line
        # Its width is in bytes for some engines, in characters for others.
        if LOG_WIDTH not in (len(line), len(line.encode())):
            joined.append(whole)
            whole = ""
    return "\n".join([*joined, whole] if whole else joined)


def undefined_references(log: str) -> list[str]:
    """References and citations that lead nowhere, labels given twice."""
    return [match[0] for match in UNDEFINED.finditer(unwrap(log))]


def overfull_lines(log: str) -> list[str]:
    """What sticks out into a margin by more than is overlooked."""
    return [
        match[0]
        for match in OVERFULL.finditer(unwrap(log))
        if float(match["points"]) > LARGEST_OVERFLOW[match["way"]]
    ]


def missing_characters(log: str) -> list[str]:
    """Characters that the font has not, so that the reader sees nothing."""
    return [match[0] for match in MISSING.finditer(unwrap(log))]


def errors(log: str) -> list[str]:
    """What TeX called an error, and went on nevertheless."""
    return [match[0] for match in ERROR.finditer(log)]


CHECKS = [undefined_references, overfull_lines, missing_characters, errors]
