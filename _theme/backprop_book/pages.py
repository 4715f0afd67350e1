"""Mend the HTML pages: what readers without scripts, or with a screen reader, need.

Dropdowns become `<details>`, which open without a script; every page is held to
having a description; the folder's front door is a proper page.
"""

import re
from html import escape
from itertools import chain, repeat
from pathlib import Path

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx_exercise.nodes import solution_node

from backprop_book.figures import image_files
from backprop_book.sharing import described, plain

logger = logging.getLogger(__name__)

# What extensions write and checkers of accessibility or weight reject: old, new.
MENDED = [
    # A label must not differ from the text one sees; paragraphs don't fold.
    ('<summary aria-label="Toggle hidden content">', "<summary>"),
    (
        r'<p class="(collapsed|expanded) admonition-title">(.*?)</p>',
        r'<span class="\1 admonition-title">\2</span>',
    ),
    # Roles that are deprecated, or not allowed with the links between entries.
    (' role="doc-biblioentry"', ""),
    ('<div role="list" class="citation-list">', '<div class="citation-list">'),
    # All exercises of a page would have one name.
    (r' id="(exercise|solution)-content"', ""),
    # A place in the index has words, or the search finds nothing to show of it.
    (r'<span class="target" id="(index-of-[^"]+)"></span><a ', r'<a id="\1" '),
    # No list stands in a paragraph, and a tab's label controls its button alone.
    (r'(?s)<p>(<ul class="simple">.*?</ul>)\s*</p>', r"\1"),
    (r'<label aria-controls="[^"]*"', "<label"),
    # A listing holds no blocks.
    (
        r"(?s)<pre>.*?</pre>",
        lambda listing: re.sub("(</?)div", r"\1span", listing[0]),
    ),
    # Names and commas look like any text, and are half the weight of a listing.
    (r'<span class="[np]">([^<]*)</span>', r"\1"),
]

DRAWING = re.compile(
    r'<img\b(?P<rest>[^>]*\bsrc="[^"]*/_images/(?P<name>[^"]+\.svg)"[^>]*?) ?/>'
)
SIZE = re.compile(r'<svg\b[^>]*?\swidth="([\d.]+)(pt)?"[^>]*?\sheight="([\d.]+)(pt)?"')

TOGGLE = re.compile(
    r"(?P<link><a [^>]*>(?P<chapter>(?:(?!</a>).)*)</a><details[^>]*>)<summary>"
)
LABELED = '{link}<summary aria-label="Pages of {chapter}">'

CURRENT = '<a class="current ', '<a aria-current="page" class="current '
TEX = re.compile(r"<semantics>(.*?)<annotation.*?</annotation></semantics>", re.DOTALL)

FRONT_DOOR = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="description" content="The front door of the {title}.">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url={target}">
<link rel="icon" href="_static/favicon.svg">
</head>
<body><main><p><a href="{target}">{title}</a></p></main></body>
</html>
"""


class details(nodes.Element):  # noqa: N801, docutils names nodes like elements
    """A box that opens without a script; its first child is a `summary`."""


class summary(nodes.TextElement):  # noqa: N801
    """The line of a `details` that is always seen."""


class PlainTitles(SphinxTransform):
    """Print the HTML that stands in a title as it was typed.

    A title is printed at many places, and is markup at some of them only.
    """

    default_priority = 500

    def apply(self, **kwargs):
        """Run over one document."""
        for title in self.document.findall(nodes.title):
            for markup in list(title.findall(nodes.raw)):
                markup.replace_self(nodes.Text(markup.astext()))


class FoldDropdowns(SphinxPostTransform):
    """Make `details` of admonitions and solutions of class `dropdown`."""

    formats = ("html",)
    default_priority = 900  # when the titles of solutions are known

    def run(self):
        """Replace the nodes of one page."""
        for kind in (nodes.admonition, solution_node):
            for node in list(self.document.findall(kind)):
                if "dropdown" in node["classes"]:
                    title, *content = node.children
                    line = summary("", title.astext())  # links don't fold
                    box = details("", line, *content, **node.attributes)
                    node.replace_self(box)


def visit_details(self, node):
    """Open the box."""
    self.body.append(self.starttag(node, "details", CLASS="admonition"))


def visit_summary(self, node):
    """Open the line that is always seen."""
    self.body.append(self.starttag(node, "summary", "", CLASS="admonition-title"))


def mend_markup(app, pagename, templatename, context, doctree):
    """Apply `MENDED` to a page's body."""
    for old, new in MENDED:
        context["body"] = re.sub(old, new, context.get("body", ""))


def size_images(app, pagename, templatename, context, doctree):
    """Tell how large each drawing is, so that nothing moves when it arrives.

    All but the first wait until a reader comes near, or prints.
    """
    files = image_files(app)
    waiting = chain([""], repeat(' loading="lazy"'))

    def sized(match):
        head = files[match["name"]].read_text("utf-8")[:2000]
        width, unit, height, _ = SIZE.search(head).groups()
        scale = 4 / 3 if unit else 1
        size = (
            f'width="{scale * float(width):.0f}" height="{scale * float(height):.0f}"'
        )
        return f"<img{match['rest']} {size}{next(waiting)} />"

    context["body"] = DRAWING.sub(sized, context.get("body", ""))


def name_toggles(app, pagename, templatename, context, doctree):
    """Say in the sidebar what each toggle opens; the theme gives it a sign alone."""
    generate = context.get("generate_toctree_html")
    if generate is None:
        return

    def named(kind, *args, **kwargs):
        listing = generate(kind, *args, **kwargs)
        if kind == "raw":
            return listing
        return TOGGLE.sub(labeled, str(listing)).replace(*CURRENT)

    def labeled(toggle):
        chapter = escape(plain(toggle["chapter"]))
        return LABELED.format(link=toggle["link"], chapter=chapter)

    context["generate_toctree_html"] = named


def leave_out_tex(app, pagename, templatename, context, doctree):
    """Leave out the TeX beside a formula; the notebook has been made of it."""
    context["body"] = TEX.sub(r"\1", context.get("body", ""))


def escape_title(app, pagename, templatename, context, doctree):
    """Escape the title that the theme prints on paper; it is text, not HTML."""
    if "pagetitle" in context:
        context["pagetitle"] = escape(context["pagetitle"])


def require_description(app, pagename, templatename, context, doctree):
    """Warn of a chapter without description; describe Sphinx's own pages."""
    if described(context.get("metatags", "")):
        return
    if doctree is None:
        text = f"{app.config.project}: {plain(context.get('title', pagename))}"
        context["metatags"] = f'<meta name="description" content="{escape(text)}">\n'
        return
    logger.warning(
        "this page has no description: give it one under `myst: html_meta:`",
        location=pagename,
    )


def write_front_door(app, exception):
    """Write the index.html that leads to the first page."""
    if exception or app.builder.name != "html":
        return
    page = FRONT_DOOR.format(
        title=escape(app.config.project),
        target=escape(app.builder.get_target_uri(app.config.root_doc)),
    )
    Path(app.outdir, "index.html").write_text(page, encoding="utf-8")


def setup(app):
    """Connect to Sphinx."""
    # Jupyter Book sets this even when the extension it belongs to is left out.
    app.add_config_value("comments_config", {}, "")
    closed = "</details>\n", "</summary>\n"
    app.add_node(
        details, html=(visit_details, lambda self, _: self.body.append(closed[0]))
    )
    app.add_node(
        summary, html=(visit_summary, lambda self, _: self.body.append(closed[1]))
    )
    app.add_transform(PlainTitles)
    app.add_post_transform(FoldDropdowns)
    app.connect("html-page-context", mend_markup)
    app.connect("html-page-context", size_images)
    app.connect("html-page-context", name_toggles, priority=900)
    app.connect("html-page-context", leave_out_tex, priority=950)
    app.connect("html-page-context", escape_title, priority=900)
    app.connect("html-page-context", require_description, priority=900)
    app.connect("build-finished", write_front_door, priority=100)
