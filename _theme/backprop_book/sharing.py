"""Say what a page is to those who link to it: cards, search engines, lost readers.

Each page gets the marks that other sites read (Open Graph, JSON-LD) and a picture of
its central figure; the site gets a list of pages and a page for wrong addresses.
"""

import json
import re
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote, urljoin

import typst
from docutils import nodes
from sphinx.util import logging

from backprop_book.figures import image_files

logger = logging.getLogger(__name__)

CARDS = "_static/cards"
DESCRIPTION = re.compile(r'<meta content="([^"]+)"[^>]* name="description"')
MARKUP = re.compile(r"<annotation.*?</annotation>|<[^>]*>", re.DOTALL)
TAGS = """<meta property="og:type" content="{kind}">
<meta property="og:site_name" content="{site}">
<meta property="og:title" content="{title}">
<meta property="og:description" content="{description}">
<meta property="og:url" content="{page}">
<meta property="og:image" content="{card}">
<meta property="og:image:width" content="1200">
<meta property="og:image:height" content="630">
<meta property="og:image:alt" content="{alt}">
<meta name="twitter:card" content="summary_large_image">
<script type="application/ld+json">{facts}</script>
"""
CARD = b"""#set page(width: 1200pt, height: 630pt, margin: 48pt, fill: white)
#set text(font: "Libertinus Serif", fill: rgb("#1c2126"))
#set par(leading: 0.4em)
#grid(columns: 1fr, rows: (auto, 1fr, auto), row-gutter: 24pt,
  text(size: 54pt, weight: "bold", sys.inputs.title),
  align(center + horizon, if sys.inputs.picture != "" {
    image(sys.inputs.picture, width: 100%, height: 100%, fit: "contain")
  }),
  text(size: 26pt, fill: rgb("#00507f"), sys.inputs.site))
"""
LOST = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Not found: {site}</title>
<meta name="description" content="This address leads nowhere; here is what there is.">
<meta name="robots" content="noindex">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.1rem/1.6 system-ui, sans-serif; margin: 3rem auto; max-width: 40rem;
  padding: 0 1.2rem; }}
a {{ color: light-dark(#00507f, #7cc4f0); }}
</style>
</head>
<body>
<main>
<h1>No slope leads here</h1>
<p>There is no page at this address. It may have been moved, or the link was wrong by a
letter. <a href="{home}search.html">Search the book</a>, or begin at one of these:</p>
<ul>
{pages}
</ul>
</main>
</body>
</html>
"""


def plain(title):
    """Return a title without its markup, and a formula without its TeX."""
    return unescape(MARKUP.sub("", title)).strip()


def described(metatags):
    """Return the description of a page that its author gave it, or nothing."""
    found = DESCRIPTION.search(metatags)
    return unescape(found[1]).strip() if found else ""


def central_figure(app, pagename, doctree):
    """Return the file and the alt text of the figure that the front matter names."""
    name = app.env.metadata[pagename].get("central_figure")
    if not name:
        return None, ""
    for figure in doctree.findall(nodes.figure):
        if name in figure["names"] + figure["ids"]:
            image = figure.next_node(nodes.image)
            file = image_files(app)[Path(image["uri"]).name]
            return file, image.get("alt", "")
    logger.warning(
        "no figure %s, which is to be the central one", name, location=pagename
    )
    return None, ""


def draw_card(app, target, title, picture):
    """Draw the picture that other sites show beside a link."""
    root = picture.parent if picture else Path(app.srcdir)
    below = app.config.project
    if title == below:  # the first page's
        below = app.config.book_subtitle
    shown = {
        "title": title,
        "picture": picture.name if picture else "",
        "site": below,
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    typst.compile(
        CARD, output=target, root=root, format="png", ppi=72.0, sys_inputs=shown
    )


def facts(app, pagename, title, description, page):
    """Return what the page is, in the words of schema.org."""
    home = urljoin(app.config.html_baseurl, f"{app.config.root_doc}.html")
    book = {
        "@type": "Book",
        "name": app.config.project,
        "url": home,
        "author": {"@type": "Organization", "name": app.config.author},
        "inLanguage": app.config.language,
        "isAccessibleForFree": True,
        "license": "https://opensource.org/license/mit",
    }
    about = {"@context": "https://schema.org", **book, "description": description}
    if pagename != app.config.root_doc:
        about |= {
            "@type": "LearningResource",
            "name": title,
            "url": page,
            "learningResourceType": "chapter",
            "educationalLevel": "beginner",
            "isPartOf": {"@type": "Book", "name": app.config.project, "url": home},
        }
    return json.dumps(about, ensure_ascii=False).replace("<", "\\u003c")


def add_tags(app, pagename, templatename, context, doctree):
    """Add the marks to a chapter's head, and draw its card."""
    if app.builder.name != "html" or doctree is None:
        return
    description = described(context["metatags"])
    if not description:
        return  # `pages` has said so
    title = app.env.titles[pagename].astext()  # without its number
    page = context["pageurl"]
    name = f"{CARDS}/{Path(pagename).name}.png"
    picture, alt = central_figure(app, pagename, doctree)
    draw_card(app, Path(app.outdir, name), plain(context["title"]), picture)
    values = {
        "kind": "website" if pagename == app.config.root_doc else "article",
        "site": app.config.project,
        "title": title,
        "description": description,
        "page": page,
        "card": urljoin(app.config.html_baseurl, quote(name)),
        "alt": alt or f"The title: {title}",
    }
    marks = {key: escape(value) for key, value in values.items()}
    marks["facts"] = facts(app, pagename, title, description, page)
    context["metatags"] += TAGS.format(**marks)


def in_order(env, document):
    """Yield a document and those below it, as they are read."""
    yield document
    for below in env.toctree_includes.get(document, []):
        yield from in_order(env, below)


def write_lists(app, exception):
    """Write the list of pages, the note for robots and the page for wrong addresses."""
    if exception or app.builder.name != "html":
        return
    home = app.config.html_baseurl
    documents = list(in_order(app.env, app.config.root_doc))
    addresses = [
        escape(urljoin(home, app.builder.get_target_uri(document)))
        for document in documents
    ]
    sitemap = "\n".join(f"<url><loc>{address}</loc></url>" for address in addresses)
    pages = "\n".join(
        f'<li><a href="{address}">{escape(app.env.titles[document].astext())}</a></li>'
        for document, address in zip(documents, addresses, strict=True)
    )
    files = {
        "sitemap.xml": '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns='
        f'"http://www.sitemaps.org/schemas/sitemap/0.9">\n{sitemap}\n</urlset>\n',
        "robots.txt": f"User-agent: *\nAllow: /\nSitemap: {home}sitemap.xml\n",
        "404.html": LOST.format(
            site=escape(app.config.project), home=escape(home), pages=pages
        ),
    }
    for name, text in files.items():
        Path(app.outdir, name).write_text(text, encoding="utf-8")


def setup(app):
    """Connect to Sphinx."""
    app.connect("html-page-context", add_tags, priority=950)
    app.connect("build-finished", write_lists)
