"""Give each chapter the outputs of its cells: kept ones, or those of a new run.

What was kept counts only as long as everything it was made from is the same: the cells,
the part of the library that they can reach, the digits, Python, and whatever the kernel
was seen to read and to load. MyST-NB is handed the outputs and runs nothing itself.
"""

import ast
import asyncio
import hashlib
import importlib.metadata as metadata
import json
import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import source_from_cache
from pathlib import Path

import sources
from IPython.core.inputtransformer2 import TransformerManager
from myst_nb.core.read import (
    MystMetadataParsingError,
    is_myst_markdown_notebook,
    read_myst_markdown_notebook,
)
from nbformat import from_dict
from sphinx.errors import SphinxError
from sphinx.util import logging

from backprop_book import cells, digits, reach
from backprop_book.outputs import Store, write_whole
from backprop_book.progress import progress

logger = logging.getLogger(__name__)

# Kernels have these settings, and not those of whoever builds.
KERNEL_SETTINGS = """
get_config().IPKernelApp.log_level = 40  # errors only
"""
# The order of additions, so the last digits, depends on the threads; one is also the
# fastest for matrices of this size on a busy machine.
ENVIRONMENT = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # figures go to the page
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "0",  # figures of two builds have the same date in them
    "TQDM_DISABLE": "1",  # no progress bars on pages
}
# Cells that show what stands in the library's files and not only what it does.
SHOWS_CODE = re.compile(r"\bhelp\(|__doc__|\binspect\b|\?\s*$", re.MULTILINE)

# By the digest of the cells, for MyST-NB to be handed; and how it reads Markdown.
_outputs: dict[str, list] = {}
_settings: dict[str, object] = {}


class CellsError(SphinxError):
    """Some cells did not run; the message has a line for each."""

    category = "Cells that do not run"


@dataclass
class Chapter:
    """A chapter's cells, and what their outputs depend on as far as it is known.

    Attributes
    ----------
    name : str
        Of the document, without its suffix.
    notebook : NotebookNode
        The cells.
    key : str
        A digest of what can be known before the cells run.
    """

    name: str
    notebook: object
    key: str

    @property
    def alone(self):
        """Whether the front matter asks that nothing else run meanwhile."""
        return self.notebook.metadata.get("runs") == "alone"


def code_cells(notebook):
    """Return the code cells of a notebook."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_of(name, notebook):
    """Return the cells' Python, as IPython reads it; name the cell that is none."""
    codes = []
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            code = TransformerManager().transform_cell(cell.source)
            try:
                ast.parse(code)
            except SyntaxError as error:
                if "raises-exception" in cell.metadata.get("tags", []):
                    continue
                line = cells.line_of(notebook, place)
                raise CellsError(f"{name}.md:{line}: SyntaxError: {error}") from error
            codes.append(code)
    return "\n".join(codes)


def digest_of_cells(notebook):
    """Digest what a kernel is asked to run."""
    said = [(cell.source, cell.metadata.get("tags")) for cell in code_cells(notebook)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def read(name, path, settings):
    """Return a chapter's notebook, or None for a page without cells."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        notebook = read_myst_markdown_notebook(
            text, config=settings, add_source_map=True, path=path
        )
    except (UnicodeDecodeError, MystMetadataParsingError) as error:
        why = " ".join(str(error).split())
        raise CellsError(f"{name}.md can't be read: {why}") from error
    runs = is_myst_markdown_notebook(text) and code_cells(notebook)
    return notebook if runs else None


def with_outputs(text):
    """Read a page as MyST-NB does and put the outputs of its cells there.

    `nb_custom_formats` in _config.yml names this function.
    """
    notebook = read_myst_markdown_notebook(text, add_source_map=True, **_settings)
    ready = _outputs.get(digest_of_cells(notebook), [])
    if code_cells(notebook) and not ready:
        title = text.partition("\n# ")[2].partition("\n")[0]
        raise CellsError(
            f"the page {title!r} has cells, but its front matter does not say that it "
            "is a notebook: copy that of another chapter"
        )
    notebook.metadata["language_info"] = {"pygments_lexer": "ipython3"}
    for cell, came in zip(code_cells(notebook), ready, strict=True):
        cell.outputs = [from_dict(output) for output in came["outputs"]]
        cell.execution_count = came["execution_count"]
    return notebook


# --- What outputs depend on ------------------------------------------------------


def key_of(name, notebook, library, data):
    """Digest all that outputs depend on and that is known before the cells run."""
    try:
        reached = library.reached(code_of(name, notebook))
    except SyntaxError as error:
        raise CellsError(f"{error.filename}:{error.lineno}: {error.msg}") from error
    known = {
        "format": 1,  # of what is kept
        "kernel": notebook.metadata.get("kernelspec", {}).get("name"),
        "cells": digest_of_cells(notebook),
        "library": reached,
        "data": [data.source, data.digest],
        "python": [platform.python_version(), platform.machine(), platform.system()],
        "settings": [KERNEL_SETTINGS, ENVIRONMENT, cells.WATCH, cells.MOST_TEXT],
    }
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def inside(root, opened, code=False):
    """Return those of the files that cells read which belong to the book.

    Code of the library is known by `reach`, unless its text was shown; what a build
    makes is no source.
    """
    made = {"_build", ".git", "__pycache__"}
    found = set()
    for name in opened:
        if name.endswith(".pyc"):
            name = source_from_cache(name) if "__pycache__" in name else name
        path = Path(name)
        if not path.is_relative_to(root):
            continue
        relative = path.relative_to(root)
        ours = path.is_relative_to(root / "code" / reach.PACKAGE)
        first = relative.parts[0]
        if made & set(relative.parts) or first.startswith(".venv"):
            continue
        if code or not (ours and path.suffix == ".py"):
            found.add(relative.as_posix())
    return sorted(found)


@cache
def version(package):
    """Return the version of an installed package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def still_true(root, record):
    """Tell whether what cells were seen to read and load is as it was."""
    return all(
        sources.digest(root / name) == digest for name, digest in record["read"].items()
    ) and all(version(name) == was for name, was in record["versions"].items())


# --- Bringing them -------------------------------------------------------------------


def quiet_kernels(build):
    """Write the kernels' settings; return what kernels know of the outside."""
    profile = build / ".ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(KERNEL_SETTINGS)
    own = {"IPYTHONDIR": build / ".ipython", "MPLCONFIGDIR": build / ".matplotlib"}
    return ENVIRONMENT | {name: str(folder) for name, folder in own.items()}


def cores():
    """Return how many chapters may run at a time."""
    if hasattr(os, "sched_getaffinity"):  # what this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


async def run_all(chapters, at_a_time, run, keep):
    """Run chapters, so many at a time; return what is wrong, a line each."""
    room = asyncio.Semaphore(at_a_time)
    failures = []

    async def one(chapter):
        async with room:
            progress.begin(chapter.name)
            try:
                keep(chapter, await run(chapter))
            except cells.CellError as error:
                failures.append(str(error))
                logger.info("%s", cells.traceback_of(error))
            progress.end(chapter.name)

    async with asyncio.TaskGroup() as group:
        for chapter in chapters:
            group.create_task(one(chapter))
    return failures


def kept_and_lacking(app, env, store):
    """Return what is kept of the chapters, and the chapters whose cells have to run."""
    root = Path(app.srcdir)
    library = reach.library(root)
    kept, lacking = {}, []
    for name in sorted(env.found_docs):
        notebook = read(name, env.doc2path(name), env.myst_config)
        if notebook is None:
            continue
        key = key_of(name, notebook, library, app.book_data)
        chapter = Chapter(name, notebook, key)
        record = store.load(name, chapter.key)
        if record and still_true(root, record):
            kept[name] = record
        else:
            lacking.append(chapter)
    return kept, lacking


def shows_code(notebook):
    """Tell whether outputs may hold lines of the library, in a traceback or as help."""
    return any(
        SHOWS_CODE.search(cell.source)
        or any(output.output_type == "error" for output in cell.outputs)
        for cell in code_cells(notebook)
    )


def record_of(app, chapter, result, before):
    """Return what is to be kept of a run, with what it depends on.

    A file that was changed meanwhile has the digest that it had `before`: who knows
    which of the two the cells have read.
    """
    root = Path(app.srcdir)
    read_there = inside(root, result.opened, shows_code(chapter.notebook))
    record = asdict(result) | {
        "cells": digest_of_cells(chapter.notebook),
        "read": {
            name: before.get(name) or sources.digest(root / name) for name in read_there
        },
    }
    del record["opened"]
    return json.loads(json.dumps(record))  # as it will be loaded


def bring(app, env):
    """Find the outputs of all chapters; run the cells of those that have none.

    Returns
    -------
    dict of str to dict
        What is kept of each chapter that has cells.
    """
    root, build = Path(app.srcdir), app.book_build
    before = sources.digests(root)
    store = Store(build / "outputs")
    found, lacking = kept_and_lacking(app, env, store)
    for name in store.damaged:
        progress.say(f"The outputs kept in {name} are damaged; its cells run again")
    environment = {**os.environ, **quiet_kernels(build), **app.book_data.environment}
    settings = (environment, app.config.nb_execution_timeout)

    def run(chapter):
        folder = Path(env.doc2path(chapter.name)).parent
        return cells.run(chapter.name, chapter.notebook, folder, *settings)

    def keep(chapter, result):
        record = found[chapter.name] = record_of(app, chapter, result, before)
        now = reach.library(root)
        key = key_of(chapter.name, chapter.notebook, now, app.book_data)
        if key == chapter.key:  # no code was changed meanwhile
            store.save(chapter.name, key, record)
        logger.info("ran %s in %.0f s", chapter.name, result.seconds)

    failures = []
    seconds = times_of_last_build(build)
    progress.expect({c.name: seconds.get(c.name) for c in lacking}, cores())
    # The long ones first; where nobody knows, the later ones.
    lacking.sort(key=lambda c: (seconds.get(c.name, 0), c.name), reverse=True)
    for alone, at_a_time in ((False, cores()), (True, 1)):
        group = [chapter for chapter in lacking if chapter.alone == alone]
        failures += asyncio.run(run_all(group, at_a_time, run, keep))
    if failures:
        raise CellsError("\n".join(sorted(failures)))
    for record in found.values():
        for sentence in record["cut"]:
            progress.say(sentence)
    return found


def times_of_last_build(build):
    """Return how many seconds each chapter ran, as far as that is known."""
    try:
        noted = json.loads((build / "execution-times.json").read_text())["seconds"]
        return {str(name): float(seconds) for name, seconds in noted.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def record_times(app, env, found):
    """Write down how long each chapter's cells ran, for the tests to bound."""
    seconds = {name: record["seconds"] for name, record in found.items()}
    others = {
        name: took
        for name, took in times_of_last_build(app.book_build).items()
        if Path(env.doc2path(name)).is_file()  # this may be a build of one chapter
    }
    record = {
        "data": app.book_data.source,
        "at_a_time": cores(),
        "seconds": dict(sorted({**others, **seconds}.items())),
    }
    data = json.dumps(record, indent=2).encode() + b"\n"
    write_whole(app.book_build / "execution-times.json", data)


def bring_outputs(app, env, added, changed, removed):
    """Have all outputs at hand before Sphinx reads; what is not to be had stops it."""
    found = bring(app, env)
    record_times(app, env, found)
    _settings["config"] = env.myst_config
    app.book_outputs = {}
    for name, record in found.items():
        _outputs[record["cells"]] = record["outputs"]
        text = json.dumps(record["outputs"], sort_keys=True)
        app.book_outputs[name] = hashlib.sha256(text.encode()).hexdigest()
    return []


def fix_time(root):
    """Date the guide by the last commit, so that two builds of it are the same."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return
    try:
        command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return  # not a clone: today's date will do
    os.environ["SOURCE_DATE_EPOCH"] = answer.stdout.strip()


def choose_data(app, config):
    """Decide which digits this build trains on."""
    app.book_data = digits.choose()
    logger.info("Data of this build: %s", app.book_data)


def setup(app):
    """Connect to Sphinx before anything reads the settings."""
    fix_time(Path(app.srcdir))
    app.book_build = Path(app.srcdir, "_build")
    app.connect("config-inited", choose_data, priority=100)
    app.connect("env-get-outdated", bring_outputs, priority=100)
