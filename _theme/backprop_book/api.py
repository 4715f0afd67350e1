"""Prepare the library's docstrings for the page that lists them.

They are written for whoever reads the code: in NumPy's form, with names of the
library between single backticks and equations called by their label in parentheses.
On the page names and equations are links.
"""

import ast
import re
from functools import cache
from pathlib import Path

import sources
from sphinx.ext.napoleon import Config, NumpyDocstring
from sphinx.util.nodes import make_refnode

# Types and shapes are our own words, which no reference could be made of.
FORM = Config(
    napoleon_use_param=False,
    napoleon_use_rtype=False,
    napoleon_custom_sections=[("Attributes", "params_style")],
)
EQUATION = re.compile(r"\((eq-[a-z-]+)\)")
LABEL = re.compile(r"(?m)^\$\$ \((eq-[a-z-]+)\)")
NAME = re.compile(r"(?<![`:\w])`([A-Za-z_][\w.]*)`(?![`_])")
BAR = re.compile(r"\|(?=\S)")  # the norm |a|, else taken for a substitution


@cache
def documented(root):
    """Return the full names of all modules, classes, functions and methods.

    They are read and not imported: SymPy and matplotlib would come along.
    """
    code = Path(root, "code")
    found = set()
    for file in sources.files(code, ["backprop"]):
        if file.suffix == ".py":
            parts = file.relative_to(code).with_suffix("").parts
            module = ".".join(parts).removesuffix(".__init__")
            tree = ast.parse(file.read_bytes(), str(file))
            found |= {module, *names_in(tree, module)}
    return found


def names_in(tree, place):
    """Yield the full names of what a module or a class defines, and what is in that."""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name[0] != "_":
            yield f"{place}.{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from names_in(node, f"{place}.{node.name}")


def full_name(name, place, known):
    """Return the full name of what a docstring at a place calls by a short one."""
    parts = place.split(".")
    around = [".".join([*parts[:i], name]) for i in range(len(parts), 0, -1)]
    elsewhere = sorted(full for full in known if full.endswith(f".{name}"))
    return next((full for full in [name, *around, *elsewhere] if full in known), None)


@cache
def equations(root):
    """Return the labels of all equations of the chapters."""
    chapters = sources.files(Path(root), ["chapters"])
    texts = [file.read_text("utf-8") for file in chapters if file.suffix == ".md"]
    return {label for text in texts for label in LABEL.findall(text)}


def prose(lines):
    """Yield the number of each line that is neither an example nor a formula."""
    example, formula = False, None
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        if formula is not None and line.strip() and indent <= formula:
            formula = None
        if not example and formula is None:
            yield number
            formula = indent if line.endswith("::") else None


def prepare(app, what, name, thing, options, lines):
    """Make reStructuredText of a docstring, with links."""

    def link(match):
        target = full_name(match[1], name, documented(app.srcdir))
        return f":py:obj:`{match[1]} <{target}>`" if target else f"``{match[1]}``"

    def number(match):
        return f":eq:`{match[1]}`" if match[1] in known else match[0]

    known = equations(app.srcdir)
    for place in prose(lines):
        line = BAR.sub(r"\|", lines[place])
        lines[place] = EQUATION.sub(number, NAME.sub(link, line))
    if what in ("module", "class", "function", "method"):
        lines[:] = NumpyDocstring(lines, FORM, app, what, name, thing).lines()


def find_error(app, env, node, contnode):
    """Find what a docstring raises: errors are called by their short names."""
    names = documented(app.srcdir)
    target = full_name(node.get("reftarget", ""), "backprop.errors", names)
    known = env.get_domain("py").objects
    if node.get("reftype") != "exc" or target not in known:
        return None
    page, place = known[target].docname, known[target].node_id
    return make_refnode(app.builder, node["refdoc"], page, place, contnode)


def setup(app):
    """Connect to Sphinx; autodoc hands over every docstring."""
    app.setup_extension("sphinx.ext.autodoc")
    # Which names in brackets are equations; pages are read again when that changes.
    app.add_config_value("book_equations", sorted(equations(app.srcdir)), "env")
    names = sorted(documented(app.srcdir))  # likewise
    app.add_config_value("book_names", names, "env")
    app.connect("autodoc-process-docstring", prepare)
    app.connect("missing-reference", find_error)
