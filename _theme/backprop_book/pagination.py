"""Tell LaTeX what the site needs not be told: what stays together, what is unfolded.

Listings and tables, the sections that end each chapter, chapters within a chapter, and
the page beside a reference to a chapter.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

SPECIAL = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_"},
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)


def latex(code):
    """Return a node that is written to LaTeX as it is."""
    return nodes.raw("", code, format="latex")


def escaped(text):
    """Return a text as TeX and BibTeX print it; BibTeX counts even escaped braces."""
    return text.translate(SPECIAL)


def put_before(node, *new):
    """Insert nodes before another one."""
    place = node.parent.index(node)
    node.parent[place:place] = new


def put_after(node, new):
    """Insert a node after another one."""
    node.parent.insert(node.parent.index(node) + 1, new)


class HiddenCells(SphinxPostTransform):
    """Print in small type the code that the site folds."""

    formats = ("latex",)
    default_priority = 390  # before Jupyter Book leaves it out

    def run(self):
        """Unfold the cells of one document."""
        for cell in list(self.document.findall(nodes.container)):
            if "tag_hide-input" in cell["classes"]:
                cell["classes"].remove("tag_hide-input")
                cell[0][:] = [latex(r"\booksmallcode{}"), *cell[0].children]


class WholeListings(SphinxPostTransform):
    """Rather begin a page than break a listing, or part it from its output."""

    formats = ("latex",)
    default_priority = 850  # when the outputs of cells are known
    most_lines = 30

    def run(self):
        """Ask for room before each cell, and before each listing of the library."""
        for place in list(self.document.findall(is_listing)):
            blocks = list(place.findall(nodes.literal_block))
            lines = sum(block.astext().count("\n") + 2 for block in blocks)
            if 0 < lines <= self.most_lines:
                put_before(place, latex(rf"\bookroom{{{lines}\booklineskip}}"))


def is_listing(node):
    """Tell a code cell, or a listing outside of one."""
    if isinstance(node, nodes.container):
        return "cell" in node["classes"]
    return isinstance(node, nodes.literal_block) and not any(
        "cell" in box["classes"] for box in boxes_around(node)
    )


def boxes_around(node):
    """Yield the containers that a node stands in, from the inside out."""
    while (node := node.parent) is not None:
        if isinstance(node, nodes.container):
            yield node


class Tables(SphinxPostTransform):
    """Let a table of many rows go on over the page; LaTeX's own would leave it.

    And let an empty cell be one line high, not two.
    """

    formats = ("latex",)
    default_priority = 400
    most_rows = 12

    def run(self):
        """Mark the tables, as their authors cannot in Markdown."""
        for table in self.document.findall(nodes.table):
            if len(list(table.findall(nodes.row))) > self.most_rows:
                table["classes"].append("longtable")
            for cell in table.findall(nodes.entry):
                if not cell.astext() and not cell.next_node(nodes.image):
                    cell.clear()


class Fractions(SphinxPostTransform):
    """Give the rows of a matrix of fractions room."""

    formats = ("latex",)
    default_priority = 850
    tall = re.compile(r"\\[dt]?frac.*\\end\{\w*(?:matrix|array)\}", re.DOTALL)

    def run(self):
        """Put it before the formulas of one document."""
        for formula in list(self.document.findall(nodes.math_block)):
            if self.tall.search(formula.astext()):
                put_before(formula, latex(r"\begingroup\booktallrows{}"))
                put_after(formula, latex(r"\endgroup{}"))


class LastSections(SphinxPostTransform):
    """Keep a chapter's last sections together, and out of the contents."""

    formats = ("latex",)
    default_priority = 850
    first, summary, last = "Common mistakes", "Summary", "Next"

    def run(self):
        """Run over one document, or all of them."""
        for section in list(self.document.findall(nodes.section)):
            title = section[0].astext()
            if title == self.first:
                put_before(section, latex(r"\booktocdepth{0}"))
            elif title == self.summary:
                put_before(section, latex(r"\bookroom{24\baselineskip}"))
            elif title == self.last:
                section += latex(r"\booktocdepth{1}")


class SectionsOfTheirOwn(SphinxPostTransform):
    """Begin on a new page what has a page of its own on the site, and name it above."""

    formats = ("latex",)
    default_priority = 850

    def run(self):
        """Run over the documents that are sections of a chapter."""
        below = self.env.toctree_includes.copy()
        below.pop(self.config.root_doc)
        inner = {name for names in below.values() for name in names}
        for file in list(self.document.findall(addnodes.start_of_file)):
            if file["docname"] in inner:
                section = file.next_node(nodes.section)
                title = escaped(section[0].astext())
                section.insert(1, latex(rf"\markboth{{\thesection\quad {title}}}{{}}"))
                put_before(section, latex(r"\clearpage"))


class PageReferences(SphinxPostTransform):
    """Name the page beside a link to a chapter, which has only a title in print."""

    formats = ("latex",)
    default_priority = 850

    def run(self):
        """Run over one document, or all of them."""
        for link in list(self.document.findall(nodes.reference)):
            name = link.next_node(nodes.inline)
            if name is None or "doc" not in name["classes"]:
                continue
            document = link.get("refuri", "").removeprefix("%").partition("#")[0]
            label = rf"\pageref*{{\detokenize{{{document}::doc}}}}"
            link += latex(rf" (p.~{label})")


class GlossaryInIndex(SphinxPostTransform):
    """Put a term's entry of the index into its explanation; titles garble it."""

    formats = ("latex",)
    default_priority = 850

    def run(self):
        """Run over the glossary."""
        for term in list(self.document.findall(nodes.term)):
            for entry in list(term.findall(addnodes.index)):
                entry.parent.remove(entry)
                term.parent.next_node(nodes.paragraph).insert(0, entry)


class NamesInBrief(SphinxPostTransform):
    """Print what a name of the library is for; the site has the rest, and its index."""

    formats = ("latex",)
    default_priority = 300

    def run(self):
        """Keep the first paragraph of each name, and the names below it."""
        for content in list(self.document.findall(addnodes.desc_content)):
            below = [child for child in content if isinstance(child, addnodes.desc)]
            content[:] = [*content[:1], *below]
        for entry in list(self.document.findall(addnodes.index)):
            of_a_name = isinstance(entry.next_node(siblings=True), addnodes.desc)
            if of_a_name or any("backprop" in row[1] for row in entry["entries"]):
                entry.parent.remove(entry)


def setup(app):
    """Register the transforms."""
    for transform in (
        *(HiddenCells, WholeListings, Tables, Fractions, LastSections),
        *(SectionsOfTheirOwn, PageReferences, GlossaryInIndex, NamesInBrief),
    ):
        app.add_post_transform(transform)
