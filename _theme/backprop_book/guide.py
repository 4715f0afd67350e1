"""Prepare the PDF: vector drawings, answers at its end, the library in brief."""

import shutil
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.transforms.post_transforms.images import ImageConverter
from sphinx_exercise.nodes import (
    exercise_enumerable_node,
    exercise_node,
    solution_node,
)
from sphinx_jupyterbook_latex.nodes import RootHeader

from backprop_book.figures import FONTS, to_pdf

PREAMBLE = r"""
\newcommand{{\bookaddress}}{{{address}}}
\newcommand{{\booksubtitle}}{{{subtitle}}}
\usepackage{{book}}
"""


class DrawingConverter(ImageConverter):
    """Convert SVG to PDF with Typst, which keeps text and lines."""

    conversion_rules = (("image/svg+xml", "application/pdf"),)

    def is_available(self):
        """Typst comes with the book's requirements."""
        return True

    def convert(self, source, target):
        """Set the drawing as the only thing on a page of its size."""
        to_pdf(Path(source), target)
        return True


class AnswersAtTheEnd(SphinxPostTransform):
    """Collect in a chapter of their own the answers that the site folds.

    Where an answer stood is a link to it, with its page; it links back.
    """

    formats = ("latex",)
    default_priority = 900  # when the titles of solutions are known

    def run(self):
        """Move the boxes, chapter by chapter."""
        chapter = nodes.section("", nodes.title("", "Answers"), ids=["answers"])
        boxes = list(self.document.findall(is_answer))
        latest = None
        for number, box in enumerate(boxes):
            document = home_of(box, self.env)
            if document != latest:
                latest = document
                title = nodes.title("", self.env.titles[document].astext())
                section = nodes.section("", title, ids=["answers"])
                # Links to what an answer holds name the document it came from.
                chapter += addnodes.start_of_file("", section, docname=document)
            question = name_of_question(box)
            box.replace_self(nodes.raw("", rf"\bookanswer{{{number}}}", format="latex"))
            section += answer_to(question, number, box)
        last = self.document.next_node(is_bibliography)
        if boxes and last is not None:
            last.parent.insert(last.parent.index(last), chapter)


def is_answer(node):
    """Tell a solution, or a dropdown, from other nodes."""
    return isinstance(node, solution_node) or (
        isinstance(node, nodes.container) and node.get("design_component") == "dropdown"
    )


def is_bibliography(node):
    """Tell the page before which the answers stand."""
    return (
        isinstance(node, addnodes.start_of_file) and "bibliography" in node["docname"]
    )


def home_of(node, env):
    """Return the document that a node of the whole book comes from."""
    while node.parent is not None:  # Sphinx leaves a node's first parents in place
        node = node.parent
    return env.path2doc(node["source"])


def name_of_question(box):
    """Return what the paragraph before a box prints first in bold, such as 3."""
    place = box.parent.index(box)
    before = box.parent[place - 1] if place else nodes.paragraph()
    words = [part for part in before.children if part.astext()]
    if words and isinstance(words[0], nodes.strong):
        return words[0].astext()
    return "Answer."


def answer_to(question, number, box):
    """Return an answer's nodes, with its link back to the question."""
    if isinstance(box, solution_node):  # its title names the exercise
        return [nodes.raw("", rf"\booksolved{{{number}}}", format="latex"), box]
    content = [child for child in box if not isinstance(child, nodes.rubric)]
    if not content or not isinstance(content[0], nodes.paragraph):
        content.insert(0, nodes.paragraph())
    head = nodes.strong("", question)
    back = nodes.raw("", rf"\bookback{{{number}}} ", format="latex")
    content[0][:0] = [head, nodes.Text(" "), back]
    return content


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


class WholeListings(SphinxPostTransform):
    """Begin a listing on a new page rather than break it, or part it from its output."""

    formats = ("latex",)
    default_priority = 850  # when the outputs of cells are known
    most_lines = 30

    def run(self):
        """Ask for room before each cell, and before each listing of the library."""
        for place in list(self.document.findall(is_listing)):
            blocks = list(place.findall(nodes.literal_block))
            lines = sum(block.astext().count("\n") + 2 for block in blocks)
            if 0 < lines <= self.most_lines:
                room = rf"\needspace{{{lines}\booklineskip}}"
                place.parent.insert(
                    place.parent.index(place), nodes.raw("", room, format="latex")
                )


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


class NamesInBrief(SphinxPostTransform):
    """Print what a name of the library is for; the site has the rest."""

    formats = ("latex",)
    default_priority = 300

    def run(self):
        """Keep the first paragraph of each name, and the names below it."""
        for content in list(self.document.findall(addnodes.desc_content)):
            below = [child for child in content if isinstance(child, addnodes.desc)]
            content[:] = [*content[:1], *below]


def visit_exercise(self, node):
    """Open an exercise, with a target that links from other pages know."""
    for target in {f"exercise:{node['label']}", f"{node['docname']}:{node['label']}"}:
        self.body.append(rf"\phantomsection\label{{{target}}}" + "\n")
    self.body.append(r"\begin{bookexercise}")


def depart_exercise(self, node):
    """Close an exercise."""
    self.body.append("\\end{bookexercise}\n")


def visit_solution(self, node):
    """Open a solution."""
    self.body.append(r"\begin{booksolution}")


def depart_solution(self, node):
    """Close a solution."""
    self.body.append("\\end{booksolution}\n")


def override_nodes(app, config):
    """Replace visitors of extensions, once all of them are loaded."""
    both = (visit_exercise, depart_exercise)
    app.add_node(exercise_node, override=True, latex=both)
    app.add_node(exercise_enumerable_node, override=True, latex=both)
    app.add_node(solution_node, override=True, latex=(visit_solution, depart_solution))
    # The first page's headings look like any other, but have no number.
    app.add_node(
        RootHeader,
        override=True,
        latex=(
            lambda self, node: self.body.append("\n\\section*{"),
            lambda self, node: self.body.append("}\n"),
        ),
    )


def add_preamble(app, config):
    """Hand the address, which stands in _config.yml alone, to the title page."""
    config.latex_elements["preamble"] = PREAMBLE.format(
        address=config.html_baseurl, subtitle=config.book_subtitle
    )


def number_by_chapter(app):
    """Count exercises as the site does; the PDF's parts would add a level."""
    app.config.numfig_secnum_depth = 1


def copy_fonts(app):
    """Bring the font of code, so that no system font is needed for it."""
    if app.builder.format == "latex":
        for font in FONTS.glob("DejaVuSansMono*.ttf"):
            shutil.copy(font, app.outdir)


def setup(app):
    """Connect to Sphinx."""
    app.add_config_value("book_subtitle", "", "")
    app.add_post_transform(DrawingConverter)
    app.add_post_transform(AnswersAtTheEnd)
    app.add_post_transform(Tables)
    app.add_post_transform(WholeListings)
    app.add_post_transform(NamesInBrief)
    app.connect("config-inited", override_nodes)
    app.connect("config-inited", add_preamble, priority=100)
    app.connect("builder-inited", number_by_chapter, priority=900)
    app.connect("builder-inited", copy_fonts)
