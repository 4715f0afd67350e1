"""Set the numbers that a run put into a sentence as a printer would.

Python writes -0.5 and 3e-07; a sentence says −0.5 and 3 · 10⁻⁷.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

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
        mantissa, _, exponent = match[0].replace("-", "−").partition("e")
        found.append(nodes.Text(text[end : match.start()] + mantissa))
        if exponent:
            sign = "−" if exponent[0] == "−" else ""
            power = sign + exponent[1:].lstrip("0")
            found += [
                nodes.Text("\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}10"),
                nodes.superscript("", power or "0"),
            ]
        end = match.end()
    return [*found, nodes.Text(text[end:])]


def setup(app):
    """Register the transform."""
    app.add_post_transform(PrintedNumbers)
