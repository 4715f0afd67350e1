"""The book's own Sphinx extension: what Jupyter Book leaves to us.

`mathematics` turns formulas into MathML while the site is built, `execution`
decides which data the chapters train on and when their cells run again, `ahead`
runs them, one for each core, `listings` shortens library code on a page, `api` links
the docstrings, `index` says where each term is explained, `pages` mends the HTML, and
`guide` prepares the PDF.
"""

from backprop_book import (
    ahead,
    api,
    execution,
    guide,
    index,
    listings,
    mathematics,
    pages,
)


def setup(app):
    """Register every part with Sphinx."""
    for part in (execution, ahead, listings, api, index, mathematics, pages, guide):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
