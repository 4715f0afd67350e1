"""Show library code on a page with the first line of each docstring only.

The code is the file's own, by `literalinclude` and `:pyobject:`. Parameters and
examples of a docstring are for whoever calls the function; on a page the prose
says what they mean, and a listing of forty lines would hide the four that matter.
"""

import ast
import textwrap

from docutils import nodes
from sphinx.directives.code import LiteralInclude


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


def setup(app):
    """Put our `literalinclude` in the place of Sphinx's."""
    app.add_directive("literalinclude", Listing, override=True)
