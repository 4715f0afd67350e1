"""The book's own Sphinx extension: what Jupyter Book leaves to us.

`mathematics` turns formulas into MathML while the site is built, `execution`
gives each chapter the outputs of its cells, `freshness` decides which pages are read
and written again, `listings` shortens library code on a page, `api` links
the docstrings, `index` says where each term is explained, `numbers` sets computed
numbers as a printer would, `pages` mends the HTML, `notebooks` and `figures` lay each
chapter and figure beside its page, `doors` links them, `sharing` tells other sites what
a page is, `bundle` makes pages light, `policy` says what they may load and run, `guide`
prepares the PDF, `answers` and `pagination` its pages. (`fonts` is a tool of two of
them.)
"""

from backprop_book import (
    answers,
    api,
    bundle,
    doors,
    execution,
    figures,
    freshness,
    guide,
    index,
    listings,
    mathematics,
    notebooks,
    numbers,
    pages,
    pagination,
    policy,
    sharing,
)

PARTS = (
    *(execution, freshness, listings, api, index, numbers, mathematics, pages),
    *(notebooks, figures, doors, sharing, bundle, policy, guide, answers, pagination),
)


def setup(app):
    """Register every part with Sphinx."""
    for part in PARTS:
        part.setup(app)
    # Several parts collect in the application what pages have, and write it at the end.
    return {"parallel_read_safe": False, "parallel_write_safe": False}
