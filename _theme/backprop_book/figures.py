"""Let each figure be taken away: as SVG and as PDF, with its source and license inside.

The files lie beside the pages under the name that the figure has in its chapter.
"""

import re
from html import escape, unescape
from pathlib import Path

import typst
from matplotlib import get_data_path

FOLDER = "figures"
FONTS = Path(get_data_path(), "fonts", "ttf")
FIGURE = re.compile(
    r'(<figure\b[^>]*\bid="(?P<name>[\w-]+)"[^>]*>(?:(?!</figure>).)*?'
    r'<img\b[^>]*\bsrc="(?P<source>[^"]+\.svg)"(?:(?!</figure>).)*?'
    r'<span class="caption-number">(?P<number>[^<]*)</span>(?:(?!</figure>).)*?)'
    r"(?P<end></figcaption>)",
    re.DOTALL,
)
LINKS = """<p class="files">Save as {links}</p>
"""
LINK = '<a href="{file}" download aria-label="{kind}: save {number}">{kind}</a>'
RIGHTS = """<metadata>
  <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
      xmlns:dc="http://purl.org/dc/elements/1.1/">
    <rdf:Description rdf:about="">
      <dc:creator>{author}</dc:creator>
      <dc:source>{place}</dc:source>
      <dc:rights>MIT License</dc:rights>
    </rdf:Description>
  </rdf:RDF>
</metadata>
"""
DRAWING = b"""#set page(width: auto, height: auto, margin: 0pt)
#let its = sys.inputs
#let words = "MIT License, " + its.place
#set document(title: its.title, author: its.author, keywords: words, date: none)
#image(its.name)
"""


def image_files(app):
    """Return where the images of the pages come from, by the name they get there."""
    found = app.builder.images.items()
    return {name: Path(app.srcdir, path) for path, name in found}


def to_pdf(source, target, **about):
    """Convert an SVG to PDF with Typst, which keeps text and lines."""
    facts = {"name": source.name, "title": "", "author": "", "place": "", **about}
    typst.compile(
        DRAWING,
        output=target,
        root=source.parent,
        font_paths=[FONTS],
        sys_inputs=facts,
    )


def with_rights(svg, **about):
    """Return an SVG with its author, source and license in the place of other facts."""
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    rights = RIGHTS.format(**{key: escape(text) for key, text in about.items()})
    return re.sub(r"(<svg\b[^>]*>\s*)", lambda start: start[0] + rights, svg, count=1)


def take_away(app, pagename, templatename, context, doctree):
    """Lay a page's figures beside it, and link them below their captions."""
    if app.builder.name != "html" or doctree is None:
        return
    folder = Path(app.outdir, FOLDER)
    folder.mkdir(exist_ok=True)

    def offer(match):
        name, number = match["name"], escape(unescape(match["number"].strip()))
        app.figure_files[name] = (
            Path(match["source"]).name,
            f"{context['pageurl']}#{name}",
        )
        links = " or ".join(
            LINK.format(
                file=context["pathto"](f"{FOLDER}/{name}.{kind.lower()}", 1),
                kind=kind,
                number=number,
            )
            for kind in ("SVG", "PDF")
        )
        return match[1] + LINKS.format(links=links) + match["end"]

    context["body"] = FIGURE.sub(offer, context["body"])


def write_files(app, exception):
    """Write the files of all figures, once Sphinx has copied its images."""
    if exception or app.builder.name != "html":
        return
    for name, (image, place) in app.figure_files.items():
        source = Path(app.outdir, "_images", image)
        target = Path(app.outdir, FOLDER, f"{name}.svg")
        text = with_rights(
            source.read_text(encoding="utf-8"), author=app.config.author, place=place
        )
        pdf = target.with_suffix(".pdf")
        if pdf.exists() and target.exists() and target.read_text("utf-8") == text:
            continue
        target.write_text(text, encoding="utf-8")
        to_pdf(target, pdf, title=name, author=app.config.author, place=place)


def setup(app):
    """Connect to Sphinx."""
    app.figure_files = {}  # name: the image and the address of the figure
    app.connect("html-page-context", take_away, priority=850)
    app.connect("build-finished", write_files)
