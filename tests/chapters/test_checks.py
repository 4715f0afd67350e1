"""The checks themselves: a good chapter passes them, each made-up fault is caught."""

import pytest
from chapter_checks import (
    FOR_ALL,
    FOR_CHAPTERS,
    Book,
    reading_minutes,
    reading_words,
)
from chapter_source import Chapter
from the_book import ROOT
from word_checks import WORD_CHECKS, letters_of

CHECKS = FOR_CHAPTERS + FOR_ALL + WORD_CHECKS

FILLER = "A network changes its weights a little after every batch of images. " * 140

GOOD = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  name: python3
myst:
  html_meta:
    description: "A made-up chapter that has every part a chapter has to have."
---

# A made-up chapter

:::{admonition} What you will be able to do
:class: objectives

- Say what a chapter is made of.
- Find the part that is missing.
- Mend it.
:::

```{code-cell} ipython3
:tags: [remove-cell]

from backprop import glue, plots
plots.use_book_style()
```

## A section of its own

The loss is a mean over a {term}`batch` of {term}`weights <weight>`, {term}`bias` and
{term}`label`, as {eq}`eq-loss` says and {numref}`fig-loss` shows; $x = 0.125$ was
chosen, and {cite:t}`nobody1986` published 4.58 % in 1986.

$$
L = \\frac{1}{N} \\sum_n L_n
$$ (eq-loss)

FILLER

```{code-cell} ipython3
---
mystnb:
  image:
    alt: A line falls from the left to the right, steeply at first.
  figure:
    name: fig-loss
    caption: The loss over batches.
---
accuracy = 0.5
plots.loss_curve(accuracy)
glue("accuracy", accuracy, ".1%")
for name in ("first", "second"):
    glue(f"{name}-loss", 1.0)
```

The network reaches {glue:text}`accuracy`, with a loss of {glue:text}`second-loss`.

```{figure} ../figures/drawings/made-up.svg
:name: fig-drawn
:alt: Two boxes joined by an arrow that points to the right.

A drawing.
```

```{literalinclude} ../tests/chapters/chapter_source.py
:pyobject: Chapter.lines
```

## Common mistakes

- Taking the derivative at a place the weights have already left, which is wrong.
- Adding the one over the batch size twice, so that the steps are too small.

## Check yourself

1. What is a loss?

   ```{dropdown} Answer
   A measure of how wrong an answer is.
   ```

2. What is a batch made of?

   ```{dropdown} Answer
   Rows.
   ```

3. And how many objectives are there?

   ```{dropdown} Answer
   Three.
   ```

## Exercises

````{exercise} The first
:label: ex-one
Print one.
````

````{solution-start} ex-one
:class: dropdown
````

```{code-cell} ipython3
print(1)
```

````{solution-end}
````

````{exercise}
:label: ex-two
Print two.
````

````{solution-start} ex-two
:class: dropdown
````

```{code-cell} ipython3
print(2)
```

````{solution-end}
````

````{exercise}
:label: ex-three
Print three.
````

````{solution-start} ex-three
:class: dropdown
````

```{code-cell} ipython3
print(3)
```

````{solution-end}
````

## Summary

A chapter has parts, the parts have an order, and whoever forgets one of them is told
so by a test.

## Next

The following chapter is made up as well, like {doc}`02-made-up`.
""".replace("FILLER", FILLER)

GLOSSARY = """# Glossary

```{glossary}
Batch
  Rows.
bias
  A number.
label
  An answer.
weight
  A factor.
```
"""

NOTATION = """# Notation

| letter | stands for | shape | where |
| --- | --- | --- | --- |
| $L$, $N$ | the loss, a count | | all |
| $x$ | an input | | 02 03 |
| $\\eta$, $b$ | learning rate, bias | | all |
| $b$ | a bowl | | 02 |
"""

CELL = "```{code-cell} ipython3\nprint(1)\n```"
ANSWER = "\n   ```{dropdown} Answer\n   Three.\n   ```\n"
ALT = "A line falls from the left to the right, steeply at first."

# Each check: what is put in the good chapter's place of what, and what it then says.
BAD = {
    "description": [
        ("A made-up chapter that has every part", "Parts", "has 28 characters"),
        ("description:", "keywords:", "has 0 characters"),
    ],
    "title_and_headings": [
        ("# A made-up chapter", "## A made-up chapter", "begin with one '# Title'"),
        ("## Summary", "#### Summary", "'Summary' skips a level; use ###"),
        ("## Summary", "# Summary", "a second title"),
    ],
    "objectives": [
        ("- Mend it.\n", "", "exactly three objectives, here are 2"),
        ("- Mend it.\n", "- Mend it.\n- Rest.\n", "here are 4"),
        (":class: objectives", "", ":class: objectives"),
        ("What you will be able to do", "Aims", "not 0"),
        (
            "# A made-up chapter\n",
            "# A made-up chapter\n\n## Early\n",
            "move the o",
        ),
    ],
    "order_of_parts": [
        ("## Summary", "## In short", "add the section '## Summary'"),
        ("## Next", "## Next\n\nOn.\n\n## More", "end with the sections"),
        ("## A section of its own", "Text", "sections of its own"),
    ],
    "closing_sections_say_something": [
        ("- Adding the one over", "Adding the one over", "at least two common mist"),
        (
            "The following chapter is made up as well, like",
            "More",
            "'Next' has 2 words",
        ),
    ],
    "check_yourself": [
        (ANSWER, "\n   Three.\n", "here are 2"),
        ("   Rows.\n", "", "this answer is empty"),
        ("2. What is a batch made of?", "2.", "put the question before"),
    ],
    "exercises": [
        (":label: ex-three", ":label: three", ":label: ex-…"),
        ("````{exercise} The first\n:label: ex-one", "````{tip}", "here are 2"),
        ("{solution-start} ex-two", "{solution} ex-two", "no {solution-start} ex-two"),
        ("ex-one\n:class: dropdown", "ex-one", "hide the solution"),
        (CELL, "Print.", "solution of ex-one has no code cell"),
        ("````{solution-end}\n````\n\n## Summary", "## Summary", "with {solution-end}"),
    ],
    "word_count": [
        (FILLER, "", " words of prose; write 1,500 to 3,000"),
        (FILLER, FILLER * 2, " words of prose; write 1,500 to 3,000"),
    ],
    "reading_time": [
        (FILLER, FILLER * 5, "reading takes 70 minutes"),
        (FILLER, "", "reading takes 5 minutes"),
    ],
    "cells": [
        ("print(1)", "print(1)\n" * 26, "a cell of 26 lines"),
        ("print(1)", f"print({'1' * 80})", "87 columns"),
        ("print(1)", "print(1", "not Python: '(' was never closed"),
        ("print(1)", "%matplotlib inline", "not Python"),
    ],
    "plots_come_from_the_library": [
        ("print(1)", "plt.plot([1, 2])", "call a function of backprop.plots"),
        ("print(1)", "import matplotlib.pyplot as p", "call a function"),
    ],
    "literal_includes": [
        ("chapter_source.py", "gone.py", "there is no ../tests/chapters/gone.py"),
        ("Chapter.lines", "Chapter.forward", "has no Chapter.forward"),
    ],
    "figures": [
        (f"    alt: {ALT}\n", "    width: 5\n", "alt text of 0 characters"),
        (ALT, "A line.", "alt text of 7 characters"),
        ("The loss over batches.", ALT, "alt text repeats the caption"),
        ("name: fig-loss", "name: loss", "needs a name fig-…"),
        ("    caption: The loss over batches.\n", "", "needs a caption"),
        (
            ":alt: Two boxes joined by an arrow that points to the right.\n",
            "",
            "0 char",
        ),
        ("\nA drawing.\n", "", "needs a caption"),
        ("print(1)", "plots.digits(images)", "alt text of 0 characters"),
        ("A chapter has parts", "![digits](digits.png)", "use {figure}"),
        ("## Summary", "```{image} a.svg\n```\n\n## Summary", "use {figure}"),
    ],
    "labels": [
        ("name: fig-loss", "name: fig-drawn", "fig-drawn is given twice"),
        ("(eq-loss)", "(loss)", "name the equation eq-loss"),
    ],
    "equations_are_labeled_and_used": [
        ("{eq}`eq-loss`", "it", "nothing refers to eq-loss"),
        ("$$ (eq-loss)", "$$", "label the equations"),
    ],
    "references": [
        ("{numref}`fig-loss`", "{numref}`Figure %s <fig-x>`", "unknown label fig-x"),
        ("{eq}`eq-loss`", "{eq}`eq-x`", "{eq} to unknown label eq-x"),
        ("nobody1986", "somebody1986", "somebody1986, which is not in references"),
        ("{doc}`02-made-up`", "{doc}`next <03-x>`", "of 03-x, which is not in _toc"),
        ("{glue:text}`accuracy`", "{glue:text}`loss:.2f`", "of loss: no cell"),
        (
            "{glue:text}`second-loss`",
            "{glue:text}`second`",
            "of second: no cell",
        ),
    ],
    "spelling": [
        ("The loss is a mean over", "The colour is a mean over", "write 'color'"),
        ("The loss is a mean over", "We initialise it over", "write 'initialize'"),
        ("The loss is a mean over", "Its optimisation", "write 'optimization'"),
        ("The loss over batches", "Behaviour of the loss", "write 'behavior'"),
        (ALT, "Grey lines that fall from the left.", "write 'gray'"),
    ],
    "empty_phrases": [
        ("The loss is a mean over", "The loss is simply a mean", "leave out 'simply'"),
        ("Print two.", "Just print two.", "leave out 'Just'"),
        ("Print two.", "Print two!", "leave out '!'"),
        ("The loss is a mean over", "Note that the mean over", "out 'Note that'"),
        ("The loss over batches", "Obviously, loss", "leave out 'Obviously'"),
    ],
    "house_words": [
        ("The loss is a mean over", "Backprop is", "this book writes 'backpropaga"),
        ("The loss over batches", "The cost function", "this book writes 'loss'"),
        (ALT, "Minibatches that fall from left to right.", "writes 'mini-batch'"),
    ],
    "proselint": [
        ("Print two.", "A very good two.", "02-made-up.md:116: Substitute 'damn'"),
        ("The loss over batches", "At the end of the day", "cliché"),
    ],
    "terms": [
        ("{term}`label`", "{term}`unheard`", "the glossary has no entry 'unheard'"),
        ("{term}`label`", "{term}`Labels <unheard>`", "no entry 'unheard'"),
        ("Print two.", "A {term}`batch`.", "'batch' is linked a second time"),
        ("{term}`label`", "label", "link at least 4 terms"),
    ],
    "symbols": [
        ("$x = 0.125$", "$q = 0.125$", "$q$ does not stand in appendix-notation.md"),
        ("$x = 0.125$", "$W_x = \\mu$", "$\\mu$ does not stand in"),
        ("L_n\n$$", "L_n + r\n$$", "$r$ does not stand in"),
        ("$x = 0.125$", "$\\eta = b$", "$b$ means two things in this chapter"),
    ],
    "typed_numbers": [
        ("{glue:text}`accuracy`", "98.2 %", "'98.2 %' is typed"),
        ("{glue:text}`accuracy`", "97 percent", "'97 percent' is typed"),
        ("{glue:text}`accuracy`", "this after 41.5 seconds", "'41.5 seconds' is typed"),
        ("{glue:text}`accuracy`", "this in 12 ms", "'12 ms' is typed"),
        ("{glue:text}`accuracy`", "an accuracy of 0.982", "'0.982' is typed"),
        ("{glue:text}`second-loss`", "2.43", "'2.43' is typed"),
        ("The loss over batches", "The loss falls to 0.0123", "'0.0123' is typed"),
        (ALT, "A line from 97.5 falls to 4.25, as the axis says.", "'97.5' is typed"),
        ("   Rows.\n", "   A share of 11.35.\n", "'11.35' is typed"),
    ],
}


def faults_of(check, text: str) -> list[str]:
    """Run one check over a made-up chapter."""
    chapter = Chapter("chapters/02-made-up.md", text)
    chapters = [
        chapter,
        Chapter("chapters/appendix-glossary.md", GLOSSARY),
        Chapter("chapters/appendix-notation.md", NOTATION),
    ]
    book = Book(chapters, "@book{nobody1986,\n  title = {None},\n}\n", ROOT)
    return [str(fault) for fault in check(chapter, book)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_a_good_chapter_passes(check):
    assert faults_of(check, GOOD) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_each_fault_is_caught(check):
    for old, new, message in BAD[check.__name__]:
        assert old in GOOD, old
        faults = faults_of(check, GOOD.replace(old, new, 1))
        assert any(message in fault for fault in faults), (old, new, faults)


def test_a_fault_says_file_and_line():
    text = GOOD.replace("Print two.", "Just print two.")
    line = text.split("\n").index("Just print two.") + 1
    check = next(check for check in CHECKS if check.__name__ == "empty_phrases")
    assert faults_of(check, text) == [
        f"chapters/02-made-up.md:{line}: leave out 'Just'"
    ]


def test_words_are_those_a_reader_reads():
    text = """---
title: not counted
---
# Two words

One formula $a + b = c$ and {ref}`a role <with-target>`.

$$ \\text{not counted} $$ (eq-x)

```{code-cell} ipython3
not_counted = 1
```

:::{admonition} A box
:class: not-counted
Its text.
:::
"""
    assert reading_words(Chapter("chapters/01-x.md", text)) == 2 + 5 + 2 + 2


def test_a_figure_shows_the_numbers_that_its_caption_cites():
    check = next(check for check in CHECKS if check.__name__ == "typed_numbers")
    text = GOOD.replace(ALT, "Published errors as dots, from 12.25 down to 0.95.")
    assert len(faults_of(check, text)) == 1
    cited = "Errors {cite:t}`nobody1986` published."
    assert faults_of(check, text.replace("The loss over batches.", cited)) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "The rate $0.125$ is chosen.",
        "Python 3.11 is needed, and Python ≥ 3.13 works.",
        "A batch of 128 images of 28×28 pixels; 60,000 of them; a rate of 0.05.",
        "It took `41.5 seconds` in the {glue:text}`time` run.",
        "Nielsen {cite}`nielsen2015` reports 95.4 % after 30 seconds.",
    ],
)
def test_numbers_nobody_measured_may_be_typed(sentence):
    check = next(check for check in CHECKS if check.__name__ == "typed_numbers")
    assert faults_of(check, GOOD.replace("Print two.", sentence)) == []


def test_letters_of_a_formula_are_those_that_stand_for_something():
    formula = r"""$$
    dW_{ij} = \frac{\partial L}{\partial w_k} \text{ if } \hat{z}^\top \eta, d_1
    = \begin{cases} 1 \end{cases} \operatorname{ReLU}'(x)
    $$ (eq-name)"""
    assert letters_of(formula) == ["W", "L", "w", "z", "\\eta", "d", "x"]
    assert letters_of("$a_n b^2 + X Y^{k}$") == ["a", "b", "X", "Y", "k"]


def test_the_time_to_read_grows_with_words_code_and_formulas():
    def minutes(text: str) -> int:
        return reading_minutes(Chapter("chapters/01-x.md", text))

    cell = "```{code-cell} ipython3\n" + "print(1)\n" * 100 + "```\n"
    assert minutes("word " * 1300) == 10
    assert minutes("word " * 1300 + "\n\n" + cell) == 20
    assert minutes("word " * 1300 + "\n\n$$\nx\n$$\n" * 5) == 15
