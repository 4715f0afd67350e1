"""Make the index: where each term of the glossary is explained, chapter by chapter.

A chapter links a term to the glossary where it first uses it, and there it explains it.
So these links are the entries of the index; authors need not write any.
"""

import re
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

GLOSSARY = "chapters/appendix-glossary.md"
ENTRY = re.compile(r"^(\w.*)\n((?:  .*\n)+)", re.MULTILINE)
NOT_IN = (nodes.title, nodes.caption, nodes.term)  # LaTeX moves them about


class IndexTerms(SphinxTransform):
    """Put an entry of the index before the first link to each term of a page."""

    default_priority = 500

    def apply(self, **kwargs):
        """Run over one document, unless it is the glossary itself."""
        if self.document.next_node(addnodes.glossary):
            return
        seen = set()
        document = Path(self.env.docname).name
        homes = homes_of_terms(Path(self.env.srcdir, GLOSSARY))
        for link in list(self.document.findall(addnodes.pending_xref)):
            term = link.get("reftarget", "")
            if link.get("reftype") != "term" or term.lower() in seen:
                continue
            if any(isinstance(parent, NOT_IN) for parent in parents(link)):
                continue
            seen.add(term.lower())
            self.env.note_dependency(GLOSSARY)
            place = f"index-of-{nodes.make_id(term)}"
            main = "main" if f"`{document}`" in homes.get(term.lower(), "") else ""
            entry = addnodes.index(entries=[("single", term, place, main, None)])
            target = nodes.target("", "", ids=[place])
            link.parent[:] = [
                new
                for child in link.parent
                for new in ([entry, target, child] if child is link else [child])
            ]


@cache
def homes_of_terms(glossary):
    """Return for each term where its entry sends the reader: what follows "See"."""
    return {
        term.lower(): explanation.rpartition("See ")[2]
        for term, explanation in ENTRY.findall(glossary.read_text(encoding="utf-8"))
    }


def parents(node):
    """Yield the nodes around a node, from the inside out."""
    while node.parent is not None:
        node = node.parent
        yield node


def list_index(app, doctree):
    """Let the last part of the table of contents end with the index."""
    if app.env.docname == app.config.root_doc:
        for last in [*doctree.findall(addnodes.toctree)][-1:]:
            last["entries"].append((None, "genindex"))


def setup(app):
    """Register the transform, and list the page."""
    app.add_transform(IndexTerms)
    app.connect("doctree-read", list_index)
