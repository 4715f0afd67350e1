"""Lay each chapter beside its page as a notebook for Colab and for download.

Colab and plain Jupyter know nothing of MyST, so the prose is taken from the built page,
where numbers and references are resolved, and turned into ordinary Markdown by pandoc.
The code comes from the chapter's source, with the cells that the page hides.
"""

import ast
import base64
import os
import re
from html import escape
from pathlib import Path
from urllib.parse import urljoin

import jupytext
import nbformat.v4 as nb
import pypandoc
from bs4 import BeautifulSoup
from sphinx.util import logging

from backprop_book.figures import image_files

logger = logging.getLogger(__name__)

FOLDER = "notebooks"
ABOUT = """*This is [{title}]({page}) of the [{project}]({home}), under the MIT license.
Numbers in the text are those of the published page; your own run prints its own.*"""
# A published notebook takes the library as it was published with it. What that needs
# comes in the versions that are there: those of Colab cannot be pinned.
INSTALL = """# Installs the library of this book where it is missing, as on Colab.
import importlib.util

if importlib.util.find_spec("backprop") is None:
    %pip install --quiet git+{repository}@{commit}
"""
FOLDED = "<details><summary><strong>{title}</strong></summary>\n"
MARK = re.compile(r"^@@(cell|open|close) (\d+)@@$", re.MULTILINE)
SPECIAL = re.compile(r"[\\`*_\[\]<>&$]")
DROPPED = "a.headerlink, a.viewcode-link, .sd-summary-state-marker, nav, script"
READER = "html-native_divs-native_spans"
WRITER = "gfm+tex_math_dollars-tex_math_gfm-alerts"


def absolute(article, page):
    """Make every link of a page lead to the published site."""
    for link in article.find_all("a", href=True):
        link.attrs = {"href": urljoin(page, link["href"])}


def plain_listings(article):
    """Leave nothing of listings but their text."""
    for listing in article.select("div[class*=highlight-]"):
        text = listing.get_text()
        code = listing.find("pre")
        code.clear()
        code.string = text.strip("\n")
        code["class"] = "python" if "highlight-python" in str(listing["class"]) else ""
        listing.replace_with(code.extract())


def mark_formulas(article, soup):
    """Hand formulas to pandoc as the TeX that they were written in."""
    for math in article.find_all("math"):
        tex = math.find("annotation").get_text()
        box = math.find_parent("div", class_="math")
        script = soup.new_tag("script", type="math/tex")
        if box is not None:
            number = box.find("span", class_="eqno")
            if number:
                tex += rf" \tag{{{number.get_text().strip('() #')}}}"
            script["type"] = "math/tex; mode=display"
        script.string = tex
        place = box or math.find_parent("span", class_="math") or math
        place.replace_with(script)


def attach_pictures(article, files):
    """Name pictures as attachments; return them, for the cells that show them."""
    pictures = {}
    for picture in article.find_all("img", src=True):
        name = Path(picture["src"]).name
        pictures[name] = base64.b64encode(files[name].read_bytes()).decode("ascii")
        picture["src"] = f"attachment:{name}"
    return pictures


def mark_boxes(article, soup):
    """Make quotations of boxes, and marks of what opens, closes and runs.

    Return the lines that open what is folded.
    """
    opening = []
    for number, cell in enumerate(article.select("div.cell")):
        mark = soup.new_tag("p")
        mark.string = f"@@cell {number}@@"
        caption = cell.find("figcaption")  # stands below what the cell will draw
        cell.replace_with(mark, *([caption] if caption else []))
    for box in article.find_all("details"):
        title = box.find("summary").extract().get_text().strip()
        if box.find(string=re.compile("^@@cell")):  # cells can't be folded together
            line = soup.new_tag("p")
            line.append(soup.new_tag("strong"))
            line.strong.string = title
            box.insert(0, line)
        else:
            first, last = soup.new_tag("p"), soup.new_tag("p")
            first.string = f"@@open {len(opening)}@@"
            last.string = f"@@close {len(opening)}@@"
            box.insert(0, first)
            box.append(last)
            opening.append(FOLDED.format(title=escape(title, quote=False)))
        box.unwrap()
    for box in article.select("div.admonition"):
        title = box.find("p", class_="admonition-title")
        title.wrap(soup.new_tag("p"))
        title.name = "strong"
        box.name = "blockquote"
    for caption in article.find_all("span", class_="caption-number"):
        caption.name = "span" if caption.find_parent("strong") else "strong"
    for figure in article.find_all(["figure", "figcaption"]):
        figure.unwrap()
    return opening


def literal(text):
    """Return Markdown that shows a text as it was typed."""
    return SPECIAL.sub(r"\\\g<0>", text)


def markdown(text):
    """Convert a page's HTML to Markdown."""
    return pypandoc.convert_text(
        text, WRITER, format=READER, extra_args=["--wrap=none"]
    ).replace("\r\n", "\n")


def pieces(text, opening):
    """Yield the prose between cells, and the numbers of the cells."""
    start, prose = 0, []
    for mark in MARK.finditer(text):
        prose.append(text[start : mark.start()])
        start = mark.end()
        kind, number = mark[1], int(mark[2])
        if kind == "cell":
            yield "".join(prose).strip(), number
            prose = []
        else:
            prose.append(opening[number] if kind == "open" else "</details>")
    prose.append(text[start:])
    yield "".join(prose).strip(), None


def prose_cell(text, pictures):
    """Return a cell of prose with the pictures it shows."""
    cell = nb.new_markdown_cell(text)
    shown = {
        name: {"image/svg+xml" if name.endswith("svg") else "image/png": data}
        for name, data in pictures.items()
        if f"attachment:{name}" in text
    }
    if shown:
        cell["attachments"] = shown
    return cell


def names(cell, context):
    """Return the names that a cell stores (`ast.Store`) or reads (`ast.Load`)."""
    lines = [line for line in cell.source.splitlines() if line[:1] not in "%!"]
    tree = ast.parse("\n".join(lines))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return {node.id for node in nodes if isinstance(node.ctx, context)}


def code_cells(source):
    """Return a chapter's cells: for each that its page shows, with hidden ones after.

    Hidden cells that only hand numbers to the page's text are left out.
    """
    cells = [cell for cell in jupytext.read(source).cells if cell.cell_type == "code"]
    groups, read = [], [names(cell, ast.Load) for cell in cells]
    for number, cell in enumerate(cells):
        tags = cell.metadata.get("tags", [])
        new = nb.new_code_cell(cell.source)
        if "remove-cell" not in tags:
            groups.append([new])
        elif names(cell, ast.Store) & set().union(*read[number + 1 :]):
            groups[-1].append(new)
        if "hide-input" in tags or "remove-cell" in tags:
            new.metadata = {"jupyter": {"source_hidden": True}, "cellView": "form"}
    return groups


def make_notebook(soup, groups, files, page, first):
    """Turn a page into its notebook; `groups` has the code for each cell it shows."""
    for node in soup.select(DROPPED):
        node.decompose()
    absolute(soup, page)
    plain_listings(soup)
    mark_formulas(soup, soup)
    opening = mark_boxes(soup, soup)
    pictures = attach_pictures(soup, files)
    cells = list(first)
    for prose, number in pieces(markdown(str(soup)), opening):
        if prose:
            cells.append(prose_cell(prose, pictures))
        if number is not None:
            cells += groups[number]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # else drawn by chance at each build
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nb.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def write_notebook(app, pagename, templatename, context, doctree):
    """Write the notebook of a page that has cells."""
    if app.builder.name != "html" or doctree is None:
        return
    soup = BeautifulSoup(context["body"], "html.parser")
    shown = len(soup.select("div.cell"))
    if not shown:
        return
    groups = code_cells(Path(app.env.doc2path(pagename)))
    page = context["pageurl"]
    if shown != len(groups):
        logger.warning(
            "the page shows %d cells, its source has %d",
            shown,
            len(groups),
            location=pagename,
        )
        return
    about = ABOUT.format(
        title=literal(soup.h1.get_text().rstrip("#")),
        page=page,
        project=app.config.project,
        home=app.config.html_baseurl,
    )
    repository = app.config.html_theme_options["repository_url"]
    first = (
        nb.new_markdown_cell(about),
        nb.new_code_cell(
            INSTALL.format(repository=repository, commit=app.config.book_commit)
        ),
    )
    name = f"{FOLDER}/{Path(pagename).name}.ipynb"
    context["notebook"] = context["pathto"](name, 1)
    target = Path(app.outdir, name)
    target.parent.mkdir(exist_ok=True)
    target.write_text(
        nb.writes(make_notebook(soup, groups, image_files(app), page, first)),
        encoding="utf-8",
    )


def setup(app):
    """Connect to Sphinx."""
    # The commit that is published, where something is; pages are written again with it.
    app.add_config_value("book_commit", os.environ.get("GITHUB_SHA", "main"), "html")
    app.connect("html-page-context", write_notebook, priority=800)
