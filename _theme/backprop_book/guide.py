"""Prepare the PDF: vector drawings, boxes of its own, its title page and fonts."""

import shutil
from pathlib import Path

from sphinx.transforms.post_transforms.images import ImageConverter
from sphinx_exercise.nodes import (
    exercise_enumerable_node,
    exercise_node,
    solution_node,
)
from sphinx_jupyterbook_latex.nodes import RootHeader

from backprop_book.figures import FONTS, to_pdf
from backprop_book.pagination import escaped

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
        address=config.html_baseurl, subtitle=escaped(config.book_subtitle)
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
    app.connect("config-inited", override_nodes)
    app.connect("config-inited", add_preamble, priority=100)
    app.connect("builder-inited", number_by_chapter, priority=900)
    app.connect("builder-inited", copy_fonts)
