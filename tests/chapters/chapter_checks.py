"""What a chapter must be. Each check returns its faults: file, line and remedy."""

import ast
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from chapter_source import DOLLARS, Block, Chapter, figure_options, tags

OBJECTIVES = "What you will be able to do"
CLOSING = ["Common mistakes", "Check yourself", "Exercises", "Summary", "Next"]
WORDS = range(1500, 3001)
MINUTES = range(15, 51)
CELL_LINES, CELL_COLUMNS = 25, 79  # lines: about 15 are well
DESCRIPTION = range(50, 161)
ALT_LENGTH = 40
QUESTIONS = range(3, 6)

# On the notation page: | $X$, $x$ | an example | (batch, features) | all |
SYMBOL_ROW = re.compile(
    r"(?m)^\|(?P<letters>[^|]*)\|.*\|\s*(?P<where>all|\d\d(?: \d\d)*)\s*\|$"
)


@dataclass(frozen=True)
class Fault:
    """Something to mend, and where."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        """Return the fault the way compilers print one."""
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Book:
    """All chapters in reading order, for whatever crosses from one to another."""

    chapters: list[Chapter]
    bibliography: str
    root: Path

    @cached_property
    def terms(self) -> set[str]:
        """The entries of the glossary, in small letters."""
        glossaries = [(c, b) for c in self.chapters for b in c.all_blocks("glossary")]
        return {
            line.strip().lower()
            for chapter, block in glossaries
            for line in chapter.lines[block.body_first - 1 : block.last - 1]
            if re.match(r"\w", line)
        }

    @cached_property
    def symbols(self) -> list[tuple[str, set[str]]]:
        """The letters of the notation page, a row each: numbers of chapters or all."""
        pages = [c for c in self.chapters if c.name.endswith("appendix-notation.md")]
        return [
            (letter, set(row["where"].split()))
            for page in pages
            for row in SYMBOL_ROW.finditer(page.text)
            for letter in re.findall(r"\$(\\?[A-Za-z]+)\$", row["letters"])
        ]

    def meanings(self, letter: str, number: str) -> int:
        """Return how many meanings a letter has in the chapter of this number."""
        rows = (where for known, where in self.symbols if known == letter)
        return sum(bool(where & {"all", number}) for where in rows)

    @cached_property
    def labels(self) -> Counter:
        """How often each label is defined in the whole book."""
        return Counter(label for c in self.chapters for _, label in c.labels)

    @cached_property
    def equations_referred_to(self) -> set[str]:
        """Labels some {eq} in the book points at."""
        uses = (use for c in self.chapters for use in c.roles("eq", "numref", "ref"))
        return {target_of(content) for _, _, content in uses}

    @cached_property
    def cited_keys(self) -> set[str]:
        """Keys of the bibliography."""
        return set(re.findall(r"(?m)^\s*@\w+\{\s*([^,\s]+)", self.bibliography))


Check = Callable[[Chapter, Book], list[Fault]]


def target_of(content: str) -> str:
    """Return the target of a role: 'Figure %s <fig-x>' and 'fig-x' name fig-x."""
    match = re.search(r"<([^<>]+)>$", content)
    return match[1] if match else content


# The parts of a chapter ------------------------------------------------------------


def description(chapter: Chapter, book: Book) -> list[Fault]:
    """Search engines and link previews show the description."""
    front = chapter.front.get("myst") or {}
    text = " ".join(str((front.get("html_meta") or {}).get("description", "")).split())
    if len(text) in DESCRIPTION:
        return []
    advice = (
        f"the front matter's myst: html_meta: description has {len(text)} characters; "
        f"write one of {DESCRIPTION.start} to {DESCRIPTION.stop - 1}"
    )
    return [Fault(chapter.name, 1, advice)]


def title_and_headings(chapter: Chapter, book: Book) -> list[Fault]:
    """One title, first of all; below it no level is skipped."""
    headings = chapter.headings
    if not headings or headings[0][1] != 1:
        line = headings[0][0] if headings else 1
        return [Fault(chapter.name, line, "begin with one '# Title'")]
    faults = []
    for (_, before, _), (line, level, title) in pairwise(headings):
        if level == 1:
            faults.append(
                Fault(chapter.name, line, f"a second title '# {title}'; use ##")
            )
        elif level > before + 1:
            faults.append(
                Fault(
                    chapter.name,
                    line,
                    f"'{title}' skips a level; use {'#' * (before + 1)}",
                )
            )
    return faults


def objectives(chapter: Chapter, book: Book) -> list[Fault]:
    """Three objectives, before the first section."""
    boxes = [b for b in chapter.all_blocks("admonition") if b.argument == OBJECTIVES]
    if len(boxes) != 1:
        return [
            Fault(
                chapter.name,
                chapter.front_length + 1,
                f"write one {{admonition}} {OBJECTIVES} below the title, not "
                f"{len(boxes)}",
            )
        ]
    box = boxes[0]
    faults = []
    if "objectives" not in str(box.options.get("class", "")).split():
        faults.append(Fault(chapter.name, box.first, "give it ':class: objectives'"))
    items = len(top_items(chapter, box.body_first, box.last))
    if items != 3:
        faults.append(
            Fault(
                chapter.name,
                box.first,
                f"list exactly three objectives, here are {items}",
            )
        )
    sections = [line for line, level, _ in chapter.headings if level == 2]
    if sections and sections[0] < box.first:
        faults.append(
            Fault(
                chapter.name,
                box.first,
                "move the objectives before the first section",
            )
        )
    return faults


def order_of_parts(chapter: Chapter, book: Book) -> list[Fault]:
    """Sections of its own, then the five that close every chapter."""
    sections = [(line, name) for line, level, name in chapter.headings if level == 2]
    names = [name for _, name in sections]
    line = sections[-1][0] if sections else len(chapter.lines)
    missing = [name for name in CLOSING if name not in names]
    if missing:
        return [Fault(chapter.name, line, f"add the section '## {missing[0]}'")]
    if names[-len(CLOSING) :] != CLOSING:
        return [
            Fault(
                chapter.name,
                line,
                f"end with the sections {', '.join(CLOSING)}, in this order; it ends "
                f"with {', '.join(names[-len(CLOSING) :])}",
            )
        ]
    if len(names) == len(CLOSING):
        return [
            Fault(
                chapter.name, line, "add sections of its own before 'Common mistakes'"
            )
        ]
    return []


def closing_sections_say_something(chapter: Chapter, book: Book) -> list[Fault]:
    """Mistakes are a list of at least two; summary and next are prose."""
    faults = []
    for name, least in (("Common mistakes", 20), ("Summary", 20), ("Next", 5)):
        section = chapter.section(name)
        if section is None:
            continue
        start, end = section
        words = count_words("\n".join(chapter.prose.split("\n")[start - 1 : end - 1]))
        if words < least:
            faults.append(
                Fault(
                    chapter.name,
                    start - 1,
                    f"'{name}' has {words} words; write at least {least}",
                )
            )
        in_boxes = [
            item
            for block in chapter.all_blocks()
            if start <= block.first < end and block.name not in ("code-cell", "math")
            for item in top_items(chapter, block.body_first, block.last)
        ]
        items = len(set(top_items(chapter, start, end) + in_boxes))
        boxes = sum(
            start <= block.first < end
            for block in chapter.all_blocks("admonition", "warning", "dropdown")
        )
        if name == "Common mistakes" and max(items, boxes) < 2:
            faults.append(
                Fault(chapter.name, start - 1, "list at least two common mistakes")
            )
    return faults


def check_yourself(chapter: Chapter, book: Book) -> list[Fault]:
    """Three to five questions, each followed by a hidden answer."""
    section = chapter.section("Check yourself")
    if section is None:
        return []
    start, end = section
    prose = chapter.prose.split("\n")
    answers = [
        block
        for block in chapter.all_blocks("dropdown")
        if start <= block.first < end and block.argument.startswith("Answer")
    ]
    faults = []
    if len(answers) not in QUESTIONS:
        faults.append(
            Fault(
                chapter.name,
                start - 1,
                f"ask {QUESTIONS.start} to {QUESTIONS.stop - 1} questions, each with a "
                f"{{dropdown}} Answer; here are {len(answers)}",
            )
        )
    before = start
    for answer in answers:
        if count_words("\n".join(prose[before - 1 : answer.first - 1])) < 4:
            faults.append(
                Fault(chapter.name, answer.first, "put the question before this answer")
            )
        if not "".join(chapter.lines[answer.body_first - 1 : answer.last - 1]).strip():
            faults.append(Fault(chapter.name, answer.first, "this answer is empty"))
        before = answer.last + 1
    return faults


def exercises(chapter: Chapter, book: Book) -> list[Fault]:
    """Three exercises, each with a folded solution whose code runs."""
    section = chapter.section("Exercises") or (1, len(chapter.lines) + 1)
    asked = chapter.all_blocks("exercise", "exercise-start")
    faults = []
    if len(asked) != 3:
        faults.append(
            Fault(
                chapter.name,
                section[0] - 1 or 1,
                f"set exactly three {{exercise}}s, here are {len(asked)}",
            )
        )
    for exercise in asked:
        label = str(exercise.options.get("label", ""))
        if not label.startswith("ex-"):
            faults.append(Fault(chapter.name, exercise.first, "give it ':label: ex-…'"))
            continue
        if not section[0] <= exercise.first < section[1]:
            faults.append(
                Fault(chapter.name, exercise.first, "move it below '## Exercises'")
            )
        faults += _solution_faults(chapter, exercise, label)
    return faults


def _solution_faults(chapter: Chapter, exercise: Block, label: str) -> list[Fault]:
    """Return what is wrong with the solution of one exercise."""
    starts = chapter.all_blocks("solution-start")
    start = next((block for block in starts if block.argument == label), None)
    if start is None:
        advice = (
            f"exercise {label} has no {{solution-start}} {label}; a plain {{solution}} "
            "cannot hold a code cell that runs"
        )
        return [Fault(chapter.name, exercise.first, advice)]
    ends = [b.first for b in chapter.all_blocks("solution-end") if b.first > start.last]
    faults = []
    if not ends:
        faults.append(
            Fault(chapter.name, start.first, "close this solution with {solution-end}")
        )
    if "dropdown" not in str(start.options.get("class", "")).split():
        faults.append(
            Fault(
                chapter.name, start.first, "hide the solution with ':class: dropdown'"
            )
        )
    end = min(ends, default=len(chapter.lines))
    if not any(start.last < c.first < end for c in chapter.all_blocks("code-cell")):
        faults.append(
            Fault(chapter.name, start.first, f"solution of {label} has no code cell")
        )
    return faults


def word_count(chapter: Chapter, book: Book) -> list[Fault]:
    """Long enough to explain, short enough to finish."""
    words = reading_words(chapter)
    if words in WORDS:
        return []
    return [
        Fault(
            chapter.name,
            1,
            f"{words:,} words of prose; write {WORDS.start:,} to {WORDS.stop - 1:,}",
        )
    ]


def reading_words(chapter: Chapter) -> int:
    """Count the words a reader reads.

    Counted: headings, paragraphs, lists, tables, boxes, questions, answers,
    exercises, solutions, captions; a formula in a line or a reference is one word.
    Not counted: code, displayed formulas, front matter, options, alternative text.
    """
    captions = [
        str(figure_options(block).get("caption") or "")
        for block in chapter.all_blocks("code-cell")
    ]
    return count_words(chapter.prose) + sum(map(count_words, captions))


def reading_minutes(chapter: Chapter) -> int:
    """Estimate the time to read a chapter with its code, to five minutes.

    For a beginner: 130 words a minute, ten lines of code a minute, a minute for each
    displayed formula.
    """
    code = sum(
        len(chapter.code(cell).split("\n")) for cell in chapter.all_blocks("code-cell")
    )
    formulas = len(DOLLARS.findall(chapter.source))
    return 5 * round((reading_words(chapter) / 130 + code / 10 + formulas) / 5)


def reading_time(chapter: Chapter, book: Book) -> list[Fault]:
    """A chapter is read in one sitting."""
    minutes = reading_minutes(chapter)
    if minutes in MINUTES:
        return []
    advice = (
        f"reading takes {minutes} minutes; let it take {MINUTES.start} to "
        f"{MINUTES.stop - 1}"
    )
    return [Fault(chapter.name, 1, advice)]


def count_words(text: str) -> int:
    """Count runs of letters and digits; a hyphen or an apostrophe joins."""
    return len(re.findall(r"\w+(?:[-'’.,]\w+)*", text))


# Code ------------------------------------------------------------------------------


def cells(chapter: Chapter, book: Book) -> list[Fault]:
    """Cells are short and narrow and parse without magics."""
    faults = []
    for cell in chapter.all_blocks("code-cell"):
        first = chapter.code_line(cell)
        code = chapter.code(cell)
        lines = code.split("\n")
        if len(lines) > CELL_LINES:
            faults.append(
                Fault(
                    chapter.name,
                    first,
                    f"a cell of {len(lines)} lines; split it at {CELL_LINES}",
                )
            )
        faults += [
            Fault(
                chapter.name,
                first + i,
                f"{len(line)} columns; break the line at {CELL_COLUMNS}",
            )
            for i, line in enumerate(lines)
            if len(line) > CELL_COLUMNS
        ]
        try:
            ast.parse(code)
        except SyntaxError as error:
            line = first + (error.lineno or 1) - 1
            faults.append(Fault(chapter.name, line, f"not Python: {error.msg}"))
    return faults


def plots_come_from_the_library(chapter: Chapter, book: Book) -> list[Fault]:
    """A figure is one call; how it is drawn stands in backprop/plots."""
    faults = []
    for cell in chapter.all_blocks("code-cell"):
        first = chapter.code_line(cell)
        for i, line in enumerate(chapter.code(cell).split("\n")):
            if re.search(r"\b(plt|pyplot)\.|\b(import|from)\s+matplotlib\b", line):
                faults.append(
                    Fault(
                        chapter.name,
                        first + i,
                        "draws by itself; call a function of backprop.plots",
                    )
                )
    return faults


def literal_includes(chapter: Chapter, book: Book) -> list[Fault]:
    """Library source shown on a page still exists."""
    faults = []
    for block in chapter.all_blocks("literalinclude"):
        folder = (book.root / chapter.name).parent
        file = (folder / block.argument).resolve()
        if not file.is_file():
            faults.append(
                Fault(chapter.name, block.first, f"there is no {block.argument}")
            )
            continue
        wanted = str(block.options.get("pyobject", ""))
        if wanted and wanted not in python_objects(file.read_text(encoding="utf-8")):
            faults.append(
                Fault(chapter.name, block.first, f"{block.argument} has no {wanted}")
            )
    return faults


def python_objects(source: str) -> set[str]:
    """Return the dotted names of classes, functions and methods in a module."""
    found = set()

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(prefix + child.name)
                visit(child, f"{prefix}{child.name}.")

    visit(ast.parse(source), "")
    return found


# Figures, equations, references ----------------------------------------------------


def figures(chapter: Chapter, book: Book) -> list[Fault]:
    """Each figure has a name, a caption, and another text for who can't see it."""
    faults = []
    for block in chapter.all_blocks("code-cell", "figure", "image"):
        if block.name == "code-cell" and not _draws(chapter, block):
            continue
        if block.name == "image":
            faults.append(
                Fault(chapter.name, block.first, "use {figure}: it has a caption")
            )
            continue
        faults += [
            Fault(chapter.name, block.first, remedy)
            for remedy in _figure_remedies(chapter, block)
        ]
    for match in re.finditer(r"!\[[^\]\n]*\]", chapter.prose):
        faults.append(
            Fault(
                chapter.name,
                chapter.line_at(match.start()),
                "use {figure}, which has a name and a caption, instead of ![…](…)",
            )
        )
    return faults


def _draws(chapter: Chapter, cell: Block) -> bool:
    """Tell whether a cell shows a figure: it says so, or it calls a plot."""
    if (cell.options.get("mystnb") or {}).keys() & {"figure", "image"}:
        return True
    calls = re.findall(r"\bplots\.(\w+)\(", chapter.code(cell))
    hidden = {"remove-cell", "remove-output"} & set(tags(cell))
    return bool(set(calls) - {"use_book_style"}) and not hidden


def _figure_remedies(chapter: Chapter, block: Block) -> list[str]:
    """Return what one figure lacks."""
    options = figure_options(block)
    if block.name == "figure":
        prose = chapter.prose.split("\n")[block.body_first - 1 : block.last - 1]
        caption = " ".join(prose)
        if not (book_file := block.argument).startswith("http") and chapter.path:
            drawing = chapter.path.parent / book_file
            if not drawing.is_file():
                return [f"there is no {book_file}"]
    else:
        caption = str(options.get("caption") or "")
    alt = " ".join(str(options.get("alt") or "").split())
    caption = " ".join(caption.split())
    remedies = []
    if len(alt) < ALT_LENGTH:
        remedies.append(
            f"alt text of {len(alt)} characters; say in at least {ALT_LENGTH} what the "
            "figure shows"
        )
    if alt and alt.rstrip(".") == caption.rstrip("."):
        remedies.append("alt text repeats the caption; say what there is to see")
    if not str(options.get("name") or "").startswith("fig-"):
        remedies.append("the figure needs a name fig-…")
    if not caption:
        remedies.append("the figure needs a caption")
    return remedies


def labels(chapter: Chapter, book: Book) -> list[Fault]:
    """A label is given once in the whole book; equations' labels begin with eq-."""
    faults = [
        Fault(chapter.name, line, f"label {label} is given twice in the book; rename")
        for line, label in chapter.labels
        if book.labels[label] > 1
    ]
    faults += [
        Fault(chapter.name, line, f"name the equation eq-{label}")
        for line, label in chapter.equations
        if not label.startswith("eq-")
    ]
    return faults


def equations_are_labeled_and_used(chapter: Chapter, book: Book) -> list[Fault]:
    """A chapter numbers its equations, and what has a number is referred to."""
    faults = [
        Fault(
            chapter.name,
            line,
            f"nothing refers to {label}: write {{eq}}`{label}` or drop the label",
        )
        for line, label in chapter.equations
        if label not in book.equations_referred_to
    ]
    if chapter.is_numbered and not chapter.equations:
        faults.append(
            Fault(chapter.name, 1, "label the equations the chapter uses: (eq-…)")
        )
    return faults


def references(chapter: Chapter, book: Book) -> list[Fault]:
    """What a role points at exists."""
    faults = []
    known = set(book.labels)
    for line, role, content in chapter.roles("ref", "numref", "eq"):
        if (target := target_of(content)) not in known:
            faults.append(
                Fault(chapter.name, line, f"{{{role}}} to unknown label {target}")
            )
    for line, role, content in chapter.roles("cite", "cite:t", "cite:p", "cite:ts"):
        for key in content.split(","):
            if key.strip() not in book.cited_keys:
                faults.append(
                    Fault(
                        chapter.name,
                        line,
                        f"{{{role}}} of {key.strip()}, which is not in references.bib",
                    )
                )
    folder = Path(chapter.name).parent
    pages = {Path(other.name).with_suffix("") for other in book.chapters}
    for line, role, content in chapter.roles("doc"):
        if folder / target_of(content).removesuffix(".md") not in pages:
            faults.append(
                Fault(
                    chapter.name,
                    line,
                    f"{{{role}}} of {target_of(content)}, which is not in _toc.yml",
                )
            )
    for line, role, content in chapter.roles("glue:text", "glue"):
        key = content.split(":")[0]
        if not any(re.fullmatch(pattern, key) for pattern in chapter.glued):
            faults.append(
                Fault(
                    chapter.name,
                    line,
                    f'{{{role}}} of {key}: no cell of this chapter calls glue("{key}",'
                    " …)",
                )
            )
    return faults


def top_items(chapter: Chapter, start: int, end: int) -> list[int]:
    """Return the lines of the list items in these lines that are indented least."""
    pattern = re.compile(r"^(\s*)(?:[-*+]|\d+[.)])\s+\S")
    found = [
        (number, len(match[1]))
        for number in range(start, end)
        if (match := pattern.match(chapter.source.split("\n")[number - 1]))
    ]
    least = min((indent for _, indent in found), default=0)
    return [number for number, indent in found if indent == least]


# Index and appendices are free in form, and held to everything else.
FOR_CHAPTERS: list[Check] = [
    objectives,
    order_of_parts,
    closing_sections_say_something,
    check_yourself,
    exercises,
    word_count,
    reading_time,
]
FOR_ALL: list[Check] = [
    description,
    title_and_headings,
    cells,
    plots_come_from_the_library,
    literal_includes,
    figures,
    labels,
    equations_are_labeled_and_used,
    references,
]
