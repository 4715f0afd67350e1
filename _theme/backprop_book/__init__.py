"""The book's own Sphinx extension: what Jupyter Book leaves to us.

`mathematics` turns formulas into MathML while the site is built, `execution`
decides which data the chapters train on and when their cells run again, `ahead`
runs them, one for each core, `listings` shortens library code on a page, `api` links
the docstrings, `index` says where each term is explained, `numbers` sets computed
numbers as a printer would, `pages` mends the HTML, `notebooks` and `figures` lay each
chapter and figure beside its page, `doors` links them, `sharing` tells other sites what
a page is, `bundle` makes pages light, `policy` says what they may load and run, `guide`
prepares the PDF, `answers` and `pagination` its pages. (`fonts` is a tool of two of
them.)
"""

from backprop_book import (
    ahead,
    answers,
    api,
    bundle,
    doors,
    execution,
    figures,
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
    *(execution, ahead, listings, api, index, numbers, mathematics, pages),
    *(notebooks, figures, doors, sharing, bundle, policy, guide, answers, pagination),
)


def setup(app):
    """Register every part with Sphinx."""
    for part in PARTS:
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
