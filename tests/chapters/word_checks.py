"""How a chapter speaks: spelling, one word and one letter for one thing, numbers."""

import re
from pathlib import Path

from chapter_checks import Book, Check, Fault, target_of
from chapter_source import AMSMATH, DOLLARS, INLINE_MATH, Chapter, readable
from proselint.checks import __register__
from proselint.config import DEFAULT
from proselint.registry import CheckRegistry
from proselint.tools import LintFile

AMERICAN = {
    "analyse": "analyze",
    "artefact": "artifact",
    "behaviour": "behavior",
    "cancelled": "canceled",
    "cancelling": "canceling",
    "catalogue": "catalog",
    "centre": "center",
    "centred": "centered",
    "colour": "color",
    "defence": "defense",
    "dialogue": "dialog",
    "favour": "favor",
    "favourite": "favorite",
    "fulfil": "fulfill",
    "grey": "gray",
    "honour": "honor",
    "judgement": "judgment",
    "labelled": "labeled",
    "labelling": "labeling",
    "learnt": "learned",
    "licence": "license",
    "maths": "mathematics",
    "modelled": "modeled",
    "modelling": "modeling",
    "neighbour": "neighbor",
    "neighbouring": "neighboring",
    "practise": "practice",
    "programme": "program",
    "rigour": "rigor",
    "signalling": "signaling",
    "spelt": "spelled",
    "towards": "toward",
    "travelled": "traveled",
    "whilst": "while",
}
# Verbs that take -ize in American spelling, with all that derives from them.
BRITISH_ISE = re.compile(
    r"\b((?:character|central|emphas|final|formal|general|harmon|initial|local|maxim"
    r"|memor|minim|normal|organ|optim|parallel|penal|quant|random|real|recogn|regular"
    r"|special|standard|summar|symbol|synthes|util|vector|visual)is(?:e|es|ed|er|ers"
    r"|ing|ation|ations))\b",
    re.IGNORECASE,
)

# One word for one thing: what this book does not write, and what it writes instead.
HOUSE = {
    r"\b[Bb]ack[- ]propagat(?!ion Tutorial)\w*": "backpropagation",
    r"\b[Bb]ackprop\b(?![.(])": "backpropagation",
    r"\b[Mm]ini ?batch(?:es)?\b": "mini-batch",
    r"\b[Hh]yperparameters?\b": "hyper-parameter",
    r"\b[Cc]ross entropy\b": "cross-entropy",
    r"\b[Oo]ne hot\b": "one-hot",
    r"(?<![.\w])[Dd]ata-?sets?\b": "data set",
    r"\b(?:[Cc]ost|[Oo]bjective|[Ee]rror) functions?\b": "loss",
    r"\b[Nn]eural nets?\b": "neural network",
    r"\b[Hh]idden nodes?\b": "hidden neuron",
    r"\b[Ss]tep[- ]sizes?\b": "learning rate",
    r"\b(?:[Rr]elu|RELU)\b": "ReLU",
    r"\b(?:Numpy|numpy)\b": "NumPy",
    r"\b(?:Sympy|sympy)\b": "SymPy",
    r"\b(?:[Uu]tiliz|[Ll]everag)(?:e|es|ed|ing)\b": "use",
    r"\b[Ii]n order to\b": "to",
}
# What says nothing, or tells the reader how to feel.
EMPTY_PHRASES = re.compile(
    r"\b(?:simply|just|obviously|clearly|trivial(?:ly)?|of course|note that"
    r"|it is easy to see|as we all know|revolutionary|game[- ]changing|powerful"
    r"|cutting[- ]edge|state of the art|very unique)\b|(?<=\w)!(?=\s|$)",
    re.IGNORECASE,
)
LEAST_TERMS = 4

# All that proselint knows, apart from quotation marks, which Sphinx makes curly.
CheckRegistry().register_many(__register__)
PROSELINT = {**DEFAULT, "checks": {**DEFAULT["checks"], "typography": False}}

# What is no letter of a formula: words, environments, indices, operators, the d of dW.
GREEK = (
    "alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi"
    "|rho|sigma|tau|phi|varphi|chi|psi|omega|Gamma|Theta|Lambda|Sigma|Phi|Omega"
)
NOT_LETTERS = (
    r"\(eq-[^)\s]*\)\s*$",
    r"\\(?:text|operatorname|mathrm|mathit|mathtt)\*?\{[^{}]*\}",
    r"\\(?:begin|end)\{[^{}]*\}(?:\{[^{}]*\})?",
    r"_\{(?:[^{}]|\{[^{}]*\})*\}|_\s*\\?[A-Za-z]+?(?![A-Za-z])|_\s*[A-Za-z0-9]",
    rf"\\(?!(?:{GREEK})(?![A-Za-z]))[A-Za-z]+",
    r"\bd(?=[A-Z]|b\b)",
)

# Where a number begins: not inside a word, another number, a path or a version.
START = r"(?<![\w.,/])(?<!\w-)(?<!Python )(?<!version )(?<!≥ )"
NUMBER = START + r"\d[\d,]*(?:\.\d+)?"
MEASURED = {
    "a percentage": re.compile(rf"{NUMBER}\s?(?:%|per ?cent\b|percentage)"),
    "a time": re.compile(rf"{NUMBER}[\s-]?(?:[µm]?s|(?:micro|milli)?seconds?)\b"),
    "a decimal with three or more digits": re.compile(
        START + r"(?:0?\.0*[1-9]\d{2,}|[1-9]\d*\.\d{2,}|[1-9]\d+\.\d+)(?!\.?\w)"
    ),
}


def spelling(chapter: Chapter, book: Book) -> list[Fault]:
    """American spelling, in prose, captions and alternative texts."""
    faults = []
    for line, text in _texts(chapter):
        for match in re.finditer(r"\b[A-Za-z]+\b", text):
            word = match[0].lower()
            singular = word.removesuffix("s")
            better = AMERICAN.get(word) or AMERICAN.get(singular)
            if BRITISH_ISE.fullmatch(word):
                better = re.sub(r"is(e|ing|ation)", r"iz\1", word)
            if better:
                at = line + text.count("\n", 0, match.start())
                faults.append(
                    Fault(
                        chapter.name, at, f"'{match[0]}' is British; write '{better}'"
                    )
                )
    return faults


def empty_phrases(chapter: Chapter, book: Book) -> list[Fault]:
    """What is simple to the writer may not be so to the reader."""
    return [
        Fault(
            chapter.name,
            line + text.count("\n", 0, match.start()),
            f"leave out '{match[0]}'",
        )
        for line, text in _texts(chapter)
        for match in EMPTY_PHRASES.finditer(text)
    ]


def typed_numbers(chapter: Chapter, book: Book) -> list[Fault]:
    """Numbers that a run produces are glued, not typed.

    Seen: percentages, seconds, and decimals with three or more digits, in prose and
    captions. Not looked at: formulas (a chosen or defined value belongs into
    ``$…$``), and paragraphs or tables with a {cite}, whose numbers others published.
    """
    faults = []
    for line, text in chapter.paragraphs() + chapter.captions:
        lines = chapter.lines[line - 1 : line + text.count("\n")]
        # A figure's alternative text is of the source that its caption cites.
        beside = [other for at, other in chapter.captions if at == line]
        if "{cite" in "\n".join([*lines, *beside]):
            continue
        seen = set()
        for kind, pattern in MEASURED.items():
            for match in pattern.finditer(readable(text)):
                at = line + text.count("\n", 0, match.start())
                advice = (
                    f"'{match[0].strip()}' is typed: glue {kind} that a run produced, "
                    "put a chosen or defined one into $…$, cite one that was published"
                )
                if match.start() not in seen:
                    faults.append(Fault(chapter.name, at, advice))
                seen.add(match.start())
    return faults


def _texts(chapter: Chapter) -> list[tuple[int, str]]:
    """Return everything in words: the prose as one text, captions, alternatives."""
    return [(1, chapter.prose), *chapter.captions]


# One word and one letter for one thing ------------------------------------------------


def house_words(chapter: Chapter, book: Book) -> list[Fault]:
    """One word for one thing, spelled in one way."""
    return [
        Fault(
            chapter.name,
            line + text.count("\n", 0, match.start()),
            f"'{match[0]}': this book writes '{better}'",
        )
        for line, text in _texts(chapter)
        for pattern, better in HOUSE.items()
        for match in re.finditer(pattern, text)
    ]


def proselint(chapter: Chapter, book: Book) -> list[Fault]:
    """What good editors strike out: clichés, redundancy, hedging, "very"."""
    return [
        Fault(chapter.name, line + found.pos[0] - 1, found.check_result.message)
        for line, text in _texts(chapter)
        for found in LintFile(chapter.name, text).lint(PROSELINT)
    ]


def terms(chapter: Chapter, book: Book) -> list[Fault]:
    """A chapter links the terms of the glossary, each where it uses it first."""
    faults = []
    seen: set[str] = set()
    for line, _, content in chapter.roles("term"):
        term = target_of(content).lower()
        if term not in book.terms:
            faults.append(
                Fault(chapter.name, line, f"the glossary has no entry '{term}'")
            )
        elif term in seen and chapter.is_numbered:
            advice = f"'{term}' is linked a second time; link its first use only"
            faults.append(Fault(chapter.name, line, advice))
        seen.add(term)
    if chapter.is_numbered and len(seen) < LEAST_TERMS:
        advice = f"link at least {LEAST_TERMS} terms of the glossary: {{term}}`…`"
        faults.append(Fault(chapter.name, 1, advice))
    return faults


def symbols(chapter: Chapter, book: Book) -> list[Fault]:
    """Each letter of a chapter's formulas has one meaning on the notation page."""
    number = Path(chapter.name).name[:2]
    used: dict[str, int] = {}
    for line, letter in letters(chapter) if chapter.is_numbered else []:
        used.setdefault(letter, line)
    faults = []
    for letter, line in used.items():
        meanings = book.meanings(letter, number)
        if meanings == 0:
            advice = "does not stand in appendix-notation.md; take a letter that does"
            faults.append(Fault(chapter.name, line, f"${letter}$ {advice}"))
        elif meanings > 1:
            advice = "means two things in this chapter; rename one"
            faults.append(Fault(chapter.name, line, f"${letter}$ {advice}"))
    return faults


def letters(chapter: Chapter) -> list[tuple[int, str]]:
    """Return the letters that a chapter's formulas use, indices left out."""
    found = []
    for pattern in (DOLLARS, AMSMATH, INLINE_MATH):
        for match in pattern.finditer(chapter.source):
            line = chapter.line_at(match.start())
            found += [(line, letter) for letter in letters_of(match[0])]
    return sorted(found)


def letters_of(formula: str) -> list[str]:
    """Return the letters of a formula: Latin ones, and Greek ones by their names."""
    for pattern in NOT_LETTERS:
        formula = re.sub(pattern, " ", formula)
    return re.findall(r"\\[A-Za-z]+|[A-Za-z]", formula)


WORD_CHECKS: list[Check] = [
    spelling,
    empty_phrases,
    house_words,
    proselint,
    terms,
    symbols,
    typed_numbers,
]
