"""Set the numbers that a run put into a sentence as a printer would.

Python writes -0.5, 3e-07 and 1e-05; a sentence says −0.5, 3 · 10⁻⁷ and 10⁻⁵.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

TIMES = "\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}"
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?(?![\w])")


class PrintedNumbers(SphinxPostTransform):
    """Run over what `glue` put into the sentences of a page."""

    default_priority = 60  # after myst-nb has put it there

    def run(self):
        """Replace the text of each."""
        for glued in self.document.findall(nodes.inline):
            if "pasted-text" in glued["classes"]:
                glued[:] = printed(glued.astext())


def printed(text):
    """Return the nodes of a text with its numbers."""
    found, end = [], 0
    for match in NUMBER.finditer(text):
        number, _, exponent = match[0].replace("-", "−").partition("e")
        if exponent:
            number = "10" if number == "1" else f"{number}{TIMES}10"
        found.append(nodes.Text(text[end : match.start()] + number))
        if exponent:
            sign = exponent[0].removeprefix("+")
            power = exponent[1:].lstrip("0") or "0"
            found.append(nodes.superscript("", sign + power))
        end = match.end()
    return [*found, nodes.Text(text[end:])]


def setup(app):
    """Register the transform."""
    app.add_post_transform(PrintedNumbers)
