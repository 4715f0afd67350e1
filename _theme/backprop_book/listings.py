"""Show library code on a page with the first line of each docstring only.

The code is the file's own, by `literalinclude` and `:pyobject:`. Parameters and
examples of a docstring are for whoever calls the function; on a page the prose
says what they mean, and a listing of forty lines would hide the four that matter.
"""

import ast
import textwrap

from docutils import nodes
from sphinx.directives.code import LiteralInclude
from sphinx.transforms.post_transforms import SphinxPostTransform

from backprop_book.api import EQUATION


def without_details(code):
    """Return Python code, dedented, its docstrings cut to their first lines."""
    code = textwrap.dedent(code)
    lines = code.split("\n")
    cut = {}
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            continue
        if ast.get_docstring(node) is None:
            continue
        docstring = node.body[0]
        first, last = docstring.lineno - 1, docstring.end_lineno - 1
        if last > first:
            lines[first] += '"""'
            cut.update(dict.fromkeys(range(first + 1, last + 1)))
    return "\n".join(line for number, line in enumerate(lines) if number not in cut)


class Listing(LiteralInclude):
    """`literalinclude` as it is, but for `:pyobject:`."""

    def run(self):
        """Return the listing's node."""
        result = super().run()
        if "pyobject" in self.options:
            for block in result[0].findall(nodes.literal_block):
                block.rawsource = without_details(block.rawsource)
                block[:] = [nodes.Text(block.rawsource)]
        return result


class EquationNumbers(SphinxPostTransform):
    """Put the number of an equation where a docstring has its name, (eq-loss)."""

    default_priority = 5  # before the code is colored

    def run(self):
        """Run over the listings of a page."""
        for block in self.document.findall(nodes.literal_block):
            if "(eq-" in block.rawsource:
                block.rawsource = EQUATION.sub(self.number, block.rawsource)
                block[:] = [nodes.Text(block.rawsource)]

    def number(self, name):
        """Return an equation's number as the chapters print it, (4.2)."""
        known = self.env.get_domain("math").equations
        if name[1] not in known:
            return name[0]
        document, _ = known[name[1]]
        numbers = self.env.toc_fignumbers[document]["displaymath"]
        parts = numbers[nodes.make_id(f"equation-{name[1]}")]
        return f"({'.'.join(map(str, parts))})"


def setup(app):
    """Put our `literalinclude` in the place of Sphinx's."""
    app.add_directive("literalinclude", Listing, override=True)
    app.add_post_transform(EquationNumbers)
