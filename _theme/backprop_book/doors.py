"""Open the other doors from each page: Binder, Colab, a notebook, the PDF, a citation.

The buttons above a page need a script; the box below it does not.
"""

from pathlib import Path
from urllib.parse import quote, urljoin

from backprop_book.pagination import escaped
from backprop_book.sharing import plain

COLAB = "https://colab.research.google.com/github/{place}/blob/notebooks/{name}.ipynb"
CITATION = """@misc{{backpropagation-tutorial-{name},
  author       = {{{{{author}}}}},
  title        = {{{title}}},
  howpublished = {{In: {project}}},
  year         = {{{year}}},
  url          = {{{page}}},
}}"""


def offer(app, pagename, templatename, context, doctree):
    """Hand a page's addresses to its template, and its buttons to the theme."""
    if doctree is None:
        return
    theme = app.config.html_theme_options
    name = Path(pagename).name
    place = theme["repository_url"].removeprefix("https://github.com/")
    source = quote(app.env.doc2path(pagename, base=False))
    guide = Path(app.config.book_guide).with_suffix(".pdf")
    branch = theme["repository_branch"]
    context["doors"] = {
        "source": f"{theme['repository_url']}/blob/{branch}/{source}",
        "guide": urljoin(app.config.html_baseurl, guide.name),
        "citation": CITATION.format(
            name=name,
            author=escaped(app.config.author),
            title=escaped(plain(context["title"])),
            project=escaped(app.config.project),
            year=app.config.copyright[:4],
            page=context["pageurl"],
        ),
    }
    if "notebook" not in context:
        return
    launch = next(
        b for b in context["header_buttons"] if "launch" in b.get("label", "")
    )
    context["doors"] |= {
        "binder": launch["buttons"][0]["url"],
        "colab": COLAB.format(place=place, name=quote(name)),
        "notebook": context["notebook"],
    }
    launch["buttons"] += [
        {
            "type": "link",
            "text": "Colab",
            "tooltip": "Launch on Colab",
            "icon": "_static/images/logo_colab.png",
            "url": context["doors"]["colab"],
        },
        {
            "type": "link",
            "text": "Notebook",
            "tooltip": "Download this chapter as a notebook",
            "icon": "fas fa-download",
            "url": context["doors"]["notebook"],
        },
    ]


def setup(app):
    """Connect to Sphinx."""
    app.add_config_value("book_guide", "", "")
    # After the theme's own buttons, and after the notebook was written.
    app.connect("html-page-context", offer, priority=900)
