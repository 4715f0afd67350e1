"""Collect in a last chapter of the guide the answers that the site folds.

Where an answer stood is a link to it, with its page; it repeats the question, and links
back.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import solution_node

from backprop_book.pagination import latex

INTRODUCTION = (
    "First the questions of each chapter, by their numbers, then its exercises. The "
    "code of an answer goes on from the cells of its chapter."
)


class AnswersAtTheEnd(SphinxPostTransform):
    """Move the boxes, chapter by chapter."""

    formats = ("latex",)
    default_priority = 900  # when the titles of solutions are known

    def run(self):
        """Build the chapter, and put it before the bibliography."""
        chapter = nodes.section("", nodes.title("", "Answers"), ids=["answers"])
        chapter += nodes.paragraph("", INTRODUCTION)
        chapter += latex(r"\bookanswersbegin")
        boxes = list(self.document.findall(is_answer))
        latest = None
        for number, box in enumerate(boxes):
            document = home_of(box, self.env)
            if document != latest:
                latest = document
                title = nodes.title("", self.numbered_title(document))
                section = nodes.section("", title, ids=["answers"])
                # Links to what an answer holds name the document it came from.
                chapter += addnodes.start_of_file("", section, docname=document)
            question = question_of(box)
            box.replace_self(latex(rf"\bookanswer{{{number}}}"))
            section += answer_to(question, number, box)
        chapter += latex(r"\bookanswersend")
        last = self.document.next_node(is_bibliography)
        if boxes and last is not None:
            last.parent.insert(last.parent.index(last), chapter)

    def numbered_title(self, document):
        """Return a chapter's title with the number it has on the site."""
        numbers = self.env.toc_secnumbers.get(document, {}).get("", ())
        number = ".".join(map(str, numbers))
        return f"{number} {self.env.titles[document].astext()}".strip()


def is_answer(node):
    """Tell a solution, or a dropdown, from other nodes."""
    return isinstance(node, solution_node) or (
        isinstance(node, nodes.container) and node.get("design_component") == "dropdown"
    )


def is_bibliography(node):
    """Tell the page before which the answers stand."""
    return (
        isinstance(node, addnodes.start_of_file) and "bibliography" in node["docname"]
    )


def home_of(node, env):
    """Return the document that a node of the whole book comes from."""
    while node.parent is not None:  # Sphinx leaves a node's first parents in place
        node = node.parent
    return env.path2doc(node["source"])


def question_of(box):
    """Return the paragraph before a box, to be repeated before its answer."""
    place = box.parent.index(box)
    before = box.parent[place - 1] if place else None
    if not isinstance(before, nodes.paragraph):
        return nodes.paragraph()
    question = before.deepcopy()
    for named in question.findall(lambda node: getattr(node, "attributes", None)):
        named["ids"] = []
    for entry in [*question.findall(addnodes.index), *question.findall(nodes.target)]:
        entry.parent.remove(entry)
    return question


def answer_to(question, number, box):
    """Return an answer's nodes, with its link back to the question."""
    if isinstance(box, solution_node):  # its title names the exercise
        return [latex(rf"\booksolved{{{number}}}"), box]
    begin = latex(r"\bookquestionbegin ")
    end = rf"\bookquestionend{{}} \bookback{{{number}}}"
    back = latex(end)
    question[:] = [begin, *question.children, back]
    content = [child for child in box if not isinstance(child, nodes.rubric)]
    return [question, *content]


def setup(app):
    """Register the transform."""
    app.add_post_transform(AnswersAtTheEnd)
