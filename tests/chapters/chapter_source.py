"""Reads a chapter's MyST source into what the checks ask about, lines kept.

Masking never changes the length of the text: what does not count is overwritten
with blanks (or with x, where it is one word to a reader), so that a place in the
masked text is the same place in the file.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml

FENCE = re.compile(r"^\s*(?P<fence>`{3,}|:{3,}|~{3,})\s*(?P<info>.*?)\s*$")
DIRECTIVE = re.compile(r"^\{(?P<name>[^}]+)\}\s*(?P<argument>.*)$")
OPTION = re.compile(r"^\s*:(?P<key>[\w-]+):\s*(?P<value>.*?)\s*$")
HEADING = re.compile(r"^(?P<marks>#{1,6})\s+(?P<title>.*?)\s*$")
ROLE = re.compile(r"\{(?P<role>[\w:+.-]+)\}`(?P<content>[^`]+)`")
DOLLARS = re.compile(
    r"\$\$(?P<tex>.+?)\$\$[ \t]*(?:\((?P<label>[^)\s]+)\))?", re.DOTALL
)
AMSMATH = re.compile(r"(?s)^\s*\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.MULTILINE)
INLINE_MATH = re.compile(r"(?<![\\$])\$(?=[^\s$])(?:[^$\\]|\\.)+?\$(?!\d)", re.DOTALL)
INLINE_CODE = re.compile(r"(?<!`)(`+)(?!`)(?:.|\n(?!\s*\n))+?(?<!`)\1(?!`)")
LINK = re.compile(r"(?<=\])\((?P<target>[^()\s]*(?:\([^()\s]*\))?[^()\s]*)\)")
MARKUP = re.compile(r"(?m)^\s*(`{3,}|:{3,})\{[^}]+\}|^\s*\|[\s:|-]+\|\s*$")
VERBATIM = {
    "code-cell",
    "code",
    "code-block",
    "eval-rst",
    "literalinclude",
    "math",
    "raw",
}
TITLED = {"admonition", "dropdown", "exercise", "exercise-start", "tip", "note"}


@dataclass
class Block:
    """A directive: from its opening fence (line ``first``) to its closing one."""

    name: str
    argument: str
    first: int
    last: int = 0
    options: dict = field(default_factory=dict)
    body_first: int = 0
    children: list["Block"] = field(default_factory=list)

    def walk(self) -> Iterator["Block"]:
        """Yield this block and all those inside it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass
class Chapter:
    """One Markdown source; ``name`` is its path as messages print it."""

    name: str
    text: str
    path: Path | None = None

    @classmethod
    def read(cls, path: Path, root: Path) -> "Chapter":
        """Read a file of the book."""
        name = path.relative_to(root).as_posix()
        return cls(name, path.read_text(encoding="utf-8"), path)

    @property
    def is_numbered(self) -> bool:
        """Tell a chapter, 05-name.md, from the index and the appendices."""
        return bool(re.match(r"\d\d-", Path(self.name).name))

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the file; line 1 is ``lines[0]``."""
        return self.text.split("\n")

    def line_at(self, offset: int) -> int:
        """Return the line number of a place in the text."""
        return self.text.count("\n", 0, offset) + 1

    @cached_property
    def front_length(self) -> int:
        """The number of lines of front matter, both rules included."""
        if self.lines[0] != "---" or "---" not in self.lines[1:]:
            return 0
        return self.lines.index("---", 1) + 1

    @cached_property
    def front(self) -> dict:
        """The front matter."""
        return yaml.safe_load("\n".join(self.lines[1 : self.front_length - 1])) or {}

    @cached_property
    def blocks(self) -> list[Block]:
        """The directives at the top level of the file."""
        return _blocks(self.lines, self.front_length, len(self.lines))

    def all_blocks(self, *names: str) -> list[Block]:
        """Return the directives of these names, wherever they stand."""
        every = [inner for block in self.blocks for inner in block.walk()]
        return [block for block in every if not names or block.name in names]

    def code(self, cell: Block) -> str:
        """Return the code of a cell."""
        lines = self.lines[cell.body_first - 1 : cell.last - 1]
        return "\n".join(lines).strip("\n")

    def code_line(self, cell: Block) -> int:
        """Return the line on which a cell's code begins, its blank lines skipped."""
        body = self.lines[cell.body_first - 1 : cell.last - 1]
        blank = next((i for i, line in enumerate(body) if line.strip()), 0)
        return cell.body_first + blank

    @cached_property
    def source(self) -> str:
        """The text without front matter, code, comments and directives' options."""
        return _blank_lines(self.text, self._hidden_lines())

    def _hidden_lines(self) -> set[int]:
        hidden = set(range(1, self.front_length + 1))
        for block in self.all_blocks():
            hidden |= {block.last, *range(block.first + 1, block.body_first)}
            if block.name in VERBATIM or not block.name:
                hidden |= set(range(block.first, block.last + 1))
            if block.name not in TITLED:
                hidden.add(block.first)
        for number, line in enumerate(self.lines, start=1):
            if re.match(r"\s*(%|\+\+\+|\([\w-]+\)=\s*$)", line):
                hidden.add(number)
        return hidden

    @cached_property
    def prose(self) -> str:
        """What is left for reading: no code, formula, role, address, or markup."""
        text = re.sub(r"<!--.*?-->", _blank, self.source, flags=re.DOTALL)
        text = readable(AMSMATH.sub(_blank, DOLLARS.sub(_blank, text)))
        return re.sub(
            r"(?m)^\s*(`{3,}|:{3,})\{[^}]+\}|^\s*\|[\s:|-]+\|\s*$", _blank, text
        )

    @cached_property
    def captions(self) -> list[tuple[int, str]]:
        """Captions and alternative texts that stand in options: line and text."""
        found = []
        for block in self.all_blocks("code-cell", "figure", "image"):
            for key in ("alt", "caption"):
                text = figure_options(block).get(key)
                if text:
                    found.append((block.first, str(text)))
        return found

    @cached_property
    def headings(self) -> list[tuple[int, int, str]]:
        """Headings: line, level and title."""
        matches = (
            (number, HEADING.match(line))
            for number, line in enumerate(self.source.split("\n"), start=1)
        )
        return [(n, len(m["marks"]), m["title"]) for n, m in matches if m]

    def section(self, title: str) -> tuple[int, int] | None:
        """Return the lines of a ``##`` section, its heading not included."""
        tops = [(n, name) for n, level, name in self.headings if level == 2]
        for (start, name), end in zip(
            tops, [n for n, _ in tops[1:]] + [len(self.lines) + 1], strict=True
        ):
            if name == title:
                return start + 1, end
        return None

    def roles(self, *names: str) -> list[tuple[int, str, str]]:
        """Return uses of these roles: line, role and content in one line."""
        return [
            (self.line_at(m.start()), m["role"], " ".join(m["content"].split()))
            for m in ROLE.finditer(self.source)
            if m["role"] in names
        ]

    @cached_property
    def equations(self) -> list[tuple[int, str]]:
        """Labelled equations: line and label."""
        found = [
            (self.line_at(m.start()), m["label"])
            for m in DOLLARS.finditer(self.source)
            if m["label"]
        ]
        for block in self.all_blocks("math"):
            label = block.options.get("label") or block.options.get("name")
            found += [(block.first, str(label))] if label else []
        return sorted(found)

    @cached_property
    def labels(self) -> list[tuple[int, str]]:
        """Every label this file defines, equations included: line and label."""
        found = list(self.equations)
        for number, line in enumerate(self.lines, start=1):
            match = re.match(r"\s*\(([^)\s]+)\)=\s*$", line)
            found += [(number, match[1])] if match else []
        for block in self.all_blocks():
            if block.name == "math":
                continue
            names = [block.options.get("label"), figure_options(block).get("name")]
            found += [(block.first, str(name)) for name in names if name]
        return sorted(found)

    @cached_property
    def glued(self) -> list[str]:
        """Patterns of the keys that this chapter's cells glue."""
        patterns = []
        for cell in self.all_blocks("code-cell"):
            try:
                tree = ast.parse(self.code(cell))
            except SyntaxError:
                continue
            patterns += [_key_pattern(call) for call in _calls(tree, "glue")]
        return patterns

    def paragraphs(self) -> list[tuple[int, str]]:
        """Return runs of lines that are not blank in the prose: first line, text."""
        found: list[tuple[int, list[str]]] = []
        open_run = False
        for number, line in enumerate(self.prose.split("\n"), start=1):
            if line.strip() and open_run:
                found[-1][1].append(line)
            elif line.strip():
                found.append((number, [line]))
            open_run = bool(line.strip())
        return [(number, "\n".join(lines)) for number, lines in found]


def readable(text: str) -> str:
    """Overwrite roles, code, formulas in a line, and addresses."""
    for pattern in (ROLE, INLINE_CODE, INLINE_MATH, re.compile(r"<https?://[^>]+>")):
        text = pattern.sub(_one_word, text)
    return LINK.sub(_blank, text)


def figure_options(block: Block) -> dict:
    """Return alt, name and caption of a figure, drawn or made by a cell."""
    if block.name == "code-cell":
        render = block.options.get("mystnb") or {}
        figure, image = render.get("figure") or {}, render.get("image") or {}
        return {"alt": image.get("alt"), **figure}
    return {key: block.options.get(key) for key in ("alt", "name")}


def tags(cell: Block) -> list[str]:
    """Return the tags of a cell."""
    return list(cell.options.get("tags") or [])


def _blocks(lines: list[str], start: int, end: int) -> list[Block]:
    """Return the fenced blocks between two lines (counted from 0)."""
    found = []
    at = start
    while at < end:
        opening = FENCE.match(lines[at])
        # Three backticks and their end on one line are inline code.
        if not opening or "`" in opening["info"].replace("{", "", 1):
            at += 1
            continue
        last = _closing(lines, at, end, opening["fence"])
        found.append(_block(lines, at, last, opening["info"]))
        at = last + 1
    return found


def _closing(lines: list[str], at: int, end: int, fence: str) -> int:
    """Return the line that closes the fence opened on line ``at``."""
    closing = re.compile(rf"^\s*{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    for number in range(at + 1, end):
        if closing.match(lines[number]):
            return number
    return end - 1


def _block(lines: list[str], at: int, last: int, info: str) -> Block:
    """Return the block between two fences."""
    directive = DIRECTIVE.match(info)
    if not directive:
        return Block("", info, at + 1, last + 1, body_first=at + 2)
    options, body = _options(lines, at + 1, last)
    block = Block(
        directive["name"], directive["argument"], at + 1, last + 1, options, body + 1
    )
    if block.name not in VERBATIM:
        block.children = _blocks(lines, body, last)
    return block


def _options(lines: list[str], start: int, end: int) -> tuple[dict, int]:
    """Return a directive's options and the line where its body begins."""
    if start < end and lines[start].strip() == "---":
        stripped = [line.strip() for line in lines]
        close = stripped.index("---", start + 1)
        return yaml.safe_load("\n".join(lines[start + 1 : close])) or {}, close + 1
    options = {}
    at = start
    while at < end and (match := OPTION.match(lines[at])):
        key, value = match["key"], match["value"]
        options[key] = yaml.safe_load(value) if value.startswith("[") else value
        at += 1
    return options, at


def _blank(match: re.Match) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _one_word(match: re.Match) -> str:
    return re.sub(r"[^\n]", "x", match[0])


def _blank_lines(text: str, hidden: set[int]) -> str:
    lines = text.split("\n")
    return "\n".join(
        " " * len(line) if number in hidden else line
        for number, line in enumerate(lines, start=1)
    )


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """Yield the calls of a function, by its bare name or as an attribute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "id", getattr(node.func, "attr", None))
            if called == name:
                yield node


def _key_pattern(call: ast.Call) -> str:
    """Return a pattern for the first argument; what a run fills in matches all."""
    key = call.args[0]
    parts = key.values if isinstance(key, ast.JoinedStr) else [key]
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+"
        for part in parts
    )
