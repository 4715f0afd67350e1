"""A book of five short pages, built by the machinery of the whole one in seconds."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

from the_book import ROOT, settings

HEAD = """---
jupytext: {{text_representation: {{extension: .md, format_name: myst}}}}
kernelspec: {{display_name: Python 3, language: python, name: python3}}
myst: {{html_meta: {{description: {description}}}}}
---

"""
FIRST = (
    HEAD.format(
        description="The first page has a layer in it and a figure that a cell draws."
    )
    + """# First

The layer of {eq}`eq-layer` has {glue:text}`sum` as the sum of its weights, and
{cite:t}`rumelhart1986` is older than it.

```{figure} ../figures/drawing.svg
:name: fig-drawing
:alt: A square.
A square.
```

$$
Z = X W + b
$$ (eq-layer)

```{code-cell} ipython3
from backprop import Dense
from backprop.book import glue
print("a layer", Dense(3, 2))
glue("sum", 3 * 2)
```

```{code-cell} ipython3
---
mystnb:
  image: {alt: A line that rises.}
  figure: {name: fig-line, caption: A line.}
---
import matplotlib.pyplot as plt
from backprop.plots import use_book_style
use_book_style()
_ = plt.plot([0, 1])
```
"""
)
SECOND = (
    HEAD.format(
        description="The second page has the tape in it and reads a file of numbers."
    )
    + """# Second

See {eq}`eq-layer` and {numref}`fig-line`, and what a {term}`tape` is.

```{code-cell} ipython3
from pathlib import Path
from backprop.oracles.tape import Value
from backprop.book import glue
x = Value(3.0)
(x * x).backward()
glue("slope", x.gradient)
print("slope", x.gradient, Path("../code/benchmarks/results/numbers.txt").read_text())
```

The slope is {glue:text}`slope`.

```{literalinclude} ../code/backprop/oracles/tape.py
:pyobject: topological_order
```
"""
)
INDEX = """---
myst: {html_meta: {description: The first page of a book that is cut down for tests.}}
---

# Cut down

Two pages and a glossary.
"""
GLOSSARY = """---
myst: {html_meta: {description: The words of the book that is cut down for tests.}}
---

# Glossary

:::{glossary}
tape
  What was computed, in order. See {doc}`02-second`.
:::
"""
DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"
viewBox="0 0 9 9"><rect width="9" height="9"/></svg>
"""
BIBLIOGRAPHY = """---
myst: {html_meta: {description: What the book that is cut down for tests has cited.}}
---

# Bibliography

```{bibliography}
```
"""
TOC = """format: jb-book
root: chapters/index
parts:
- caption: Pages
  chapters:
  - file: chapters/01-first
  - file: chapters/02-second
- caption: Appendices
  chapters:
  - file: chapters/appendix-bibliography
  - file: chapters/appendix-glossary
"""
PAGES = {
    "index.md": INDEX,
    "01-first.md": FIRST,
    "02-second.md": SECOND,
    "appendix-bibliography.md": BIBLIOGRAPHY,
    "appendix-glossary.md": GLOSSARY,
}
# What differs between two builds and may: nothing of it is on a page.
MAY_DIFFER = ("stamp.json",)


def make(root: Path) -> Path:
    """Lay the book out in a folder."""
    for name in ("_theme", "code/backprop"):
        shutil.copytree(
            ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("_config.yml", "requirements.txt", "chapters/references.bib"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    (root / "_toc.yml").write_text(TOC, "utf-8")
    for name, text in PAGES.items():
        (root / "chapters" / name).write_text(text, "utf-8")
    (root / "figures").mkdir()
    (root / "figures" / "drawing.svg").write_text(DRAWING, "utf-8")
    numbers = root / "code" / "benchmarks" / "results" / "numbers.txt"
    numbers.parent.mkdir(parents=True)
    numbers.write_text("42", "utf-8")
    return root


def environment(root: Path, **more: str) -> dict[str, str]:
    """Return what a build of the book in a folder knows of the outside."""
    path = os.pathsep.join(str(root / part) for part in ("_theme", "code"))
    own = {"PYTHONPATH": path, "MNIST_SOURCE": "embedded", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **own, **more}


def hear_ctrl_c() -> None:
    """Take Ctrl-C as usual, also where the tests run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(root: Path, what: str = "html", **more: str) -> subprocess.Popen:
    """Start a build; its output is one text."""
    return subprocess.Popen(
        [sys.executable, "-m", "backprop_book.build", what],
        cwd=root,
        env=environment(root, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )


@cache
def forge() -> subprocess.Popen:
    """Start what forks builds, for all the tests of this process."""
    extensions = set(settings()["sphinx"]["config"]["extensions"]) - {"backprop_book"}
    return subprocess.Popen(
        [sys.executable, "-P", Path(__file__).with_name("forge.py"), *extensions],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def close_forge() -> None:
    """End what forks builds, if it was started."""
    if forge.cache_info().currsize:
        forge().communicate()
        forge.cache_clear()


class Forked:
    """A build that begins with what it does, as Sphinx is imported; one at a time."""

    def __init__(self, root: Path, what: str = "html", **more: str) -> None:
        """Begin it."""
        self.said = root.with_name("said.txt")
        self.said.unlink(missing_ok=True)
        request = [str(root), environment(root, **more), [what], str(self.said)]
        print(json.dumps(request), file=forge().stdin, flush=True)
        self.pid = int(forge().stdout.readline())

    def end(self) -> tuple[int, str]:
        """Wait for its end; return the exit code and what was said."""
        print(file=forge().stdin, flush=True)
        code = int(forge().stdout.readline())
        return code, self.said.read_text("utf-8")


def build(root: Path, what: str = "html", **more: str) -> tuple[int, str]:
    """Build the book; return the exit code and what was said."""
    return Forked(root, what, **more).end()


def build_from_scratch(root: Path, **more: str) -> None:
    """Build a book that has no fault, in a process that has to import everything."""
    process = start(root, **more)
    said, _ = process.communicate()
    assert process.returncode == 0, said


def tree(root: Path) -> dict[str, bytes]:
    """Return every file of the site with what is in it."""
    site = root / "_build" / "html"
    return {
        path.relative_to(site).as_posix(): path.read_bytes()
        for path in sorted(site.rglob("*"))
        if path.is_file() and path.name not in MAY_DIFFER
    }


def differences(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Return the names of the files that two sites do not share."""
    return sorted(
        name for name in one.keys() | other.keys() if one.get(name) != other.get(name)
    )


def ran(root: Path) -> list[str]:
    """Return the chapters whose cells the last build ran."""
    return sorted(re.findall(r"ran chapters/(\S+) in", log_of(root)))


def log_of(root: Path) -> str:
    """Return what Sphinx and Jupyter Book said in the last build."""
    return (root / "_build" / "html.log").read_text("utf-8")


def read_again(root: Path) -> list[str]:
    """Return the pages that Sphinx read in the last build."""
    return sorted(set(re.findall(r"reading sources.*?chapters/([\w-]+)", log_of(root))))


def written(root: Path) -> list[str]:
    """Return the pages that Sphinx wrote in the last build."""
    return sorted(set(re.findall(r"writing output.*?chapters/([\w-]+)", log_of(root))))


def sources(root: Path) -> list[Path]:
    """Return the files of a book that are not made, dangling links among them."""
    places = [root / name for name in ("chapters", "code", "figures", "_theme")]
    found = [path for place in places for path in place.rglob("*")]
    found += root.glob("*.*")
    return [
        path
        for path in found
        if (path.is_file() or path.is_symlink()) and "__pycache__" not in path.parts
    ]


def change(path: Path, old: str, new: str) -> None:
    """Put something in the place of something in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def built(root: Path, **more: str) -> str:
    """Build a book that has no fault; return what was said."""
    code, said = build(root, **more)
    assert code == 0, said
    return said


def clean_tree(root: Path) -> dict[str, bytes]:
    """Return what a build makes of the sources that has nothing to go on from.

    It is no fork, which would go through sets in the order of all the others.
    """
    shutil.rmtree(root / "_build")
    build_from_scratch(root)
    return tree(root)
