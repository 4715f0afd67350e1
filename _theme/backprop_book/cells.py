"""Run the cells of a chapter in a kernel, and see what they read.

Each chapter gets a kernel of its own, which is watched: the files that it opens and
the packages that it loads are part of what its outputs depend on. What goes wrong is
told by chapter, line and exception; what prints without end is cut.
"""

import ast
import json
import re
import time
from dataclasses import dataclass, field

import nbformat.v4 as nb
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import (
    CellExecutionError,
    CellTimeoutError,
    DeadKernelError,
)

MOST_TEXT = 100_000  # letters that a cell may print
MOST_DATA = 8_000_000  # letters of one figure or table
COLORS = re.compile(r"\x1b\[[0-9;]*m")

# Runs in the kernel before the first cell. Files are noted as they are opened.
WATCHER = """
import os, sys
sys.opened = set()
def watch(event, arguments, opened=sys.opened, fspath=os.path.abspath):
    if event == "open" and isinstance(arguments[0], str):
        mode, flags = arguments[1] or "", arguments[2] or 0
        if not set("wax+") & set(mode) and not flags & 3:  # 3: to be written to
            opened.add(fspath(arguments[0]))
sys.addaudithook(watch)
"""
WATCH = f"exec({WATCHER!r}, {{}})"  # leaves no name behind that a cell could use
# Runs after the last one; what it returns is asked for by name.
REPORT = """
def report():
    import importlib.metadata as metadata, json, sys
    opened = sorted(sys.opened)
    owners = metadata.packages_distributions()
    loaded = {module.partition(".")[0] for module in list(sys.modules)}
    packages = {owner for module in loaded for owner in owners.get(module, [])}
    versions = {name: metadata.version(name) for name in sorted(packages)}
    return json.dumps({"opened": opened, "versions": versions})
"""


@dataclass
class Run:
    """What came out when a chapter's cells ran.

    Attributes
    ----------
    outputs : list
        For each code cell its outputs and its number.
    opened : list of str
        The files that the cells read.
    versions : dict of str to str
        The packages they loaded.
    seconds : float
        How long it took.
    cut : list of str
        For each cell whose output was too long, where it stands and what was left out.
    """

    outputs: list = field(default_factory=list)
    opened: list = field(default_factory=list)
    versions: dict = field(default_factory=dict)
    seconds: float = 0.0
    cut: list = field(default_factory=list)


class CellError(Exception):
    """A cell that did not run: its chapter, its place, what it raised."""


class Client(NotebookClient):
    """Runs cells one after the other and keeps no more than a page can bear."""

    def __init__(self, notebook, **settings):
        super().__init__(notebook, **settings)
        self.place = 0  # of the cell that runs
        self.printed = 0
        self.left_out = {}

    async def run_all(self):
        """Run every code cell; remember which."""
        for place, cell in enumerate(self.nb.cells):
            self.place, self.printed = place, 0
            if cell.cell_type == "code":
                cell.outputs = []
                await self.async_execute_cell(
                    cell, self.place, execution_count=self.code_cells_executed + 1
                )

    def output(self, outs, msg, display_id, cell_index):
        """Take what a cell shows, as far as there is room for it."""
        content = msg["content"]
        if msg["msg_type"] == "stream":
            room = max(0, MOST_TEXT - self.printed)
            self.printed += len(content["text"])
            self._leave_out(len(content["text"]) - room)
            content["text"] = content["text"][:room]
            if not room:
                return None
        elif "data" in content:
            for kind, data in content["data"].items():
                if isinstance(data, str) and len(data) > MOST_DATA:
                    self._leave_out(len(data))
                    content["data"] = {"text/plain": f"({kind} of {len(data):,} bytes)"}
                    break
        return super().output(outs, msg, display_id, cell_index)

    def _leave_out(self, letters):
        if letters > 0:
            self.left_out[self.place] = self.left_out.get(self.place, 0) + letters

    async def ask(self, code, name=None):
        """Run code of ours, silently; return what a name in it then returns."""
        asked = {"answer": f"{name}()"} if name else {}
        reply = await self.kc.execute_interactive(
            code,
            silent=not name,
            store_history=False,
            user_expressions=asked,
            output_hook=lambda _: None,
            timeout=60,
        )
        if not name:
            return None
        text = reply["content"]["user_expressions"]["answer"]["data"]["text/plain"]
        return json.loads(ast.literal_eval(text))


def line_of(notebook, place):
    """Return the line of a chapter's file at which a cell's code begins."""
    lines = notebook.metadata.get("source_map", [])
    return lines[place] + 1 if place < len(lines) else place + 1


def explanation(error):
    """Return what one has to know of an error, in one line and the lines around it."""
    if isinstance(error, CellExecutionError):
        lines = COLORS.sub("", error.traceback).rstrip().splitlines()
        arrow = [line.strip() for line in lines if line.startswith("---->")]
        where = f" ({arrow[-1].lstrip('-> 0123456789')})" if arrow else ""
        return f"{error.ename}: {error.evalue}{where}"
    if isinstance(error, CellTimeoutError):
        return "it ran longer than it may and was stopped"
    return "its kernel died (out of memory, perhaps, or killed)"


def traceback_of(error):
    """Return the whole story of what went wrong, for the log."""
    return COLORS.sub("", str(error.__cause__))


async def run(name, notebook, folder, environment, seconds):
    """Run a chapter's cells in a kernel of their own.

    Parameters
    ----------
    name : str
        The chapter's, for messages.
    notebook : NotebookNode
        Its cells; they get their outputs.
    folder : Path
        Where the kernel stands.
    environment : dict of str to str
        What it knows of the outside.
    seconds : int
        How long one cell may run.

    Returns
    -------
    Run

    Raises
    ------
    CellError
        If a cell raises, does not end, or takes the kernel with it.
    """
    resources = {"metadata": {"path": str(folder)}}
    client = Client(
        notebook, timeout=seconds, resources=resources, coalesce_streams=True
    )
    client.reset_execution_trackers()
    started = time.monotonic()
    try:
        async with client.async_setup_kernel(env=environment):
            await client.ask(WATCH)
            await client.run_all()
            seen = await client.ask(REPORT, "report")
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        place = f"{name}.md:{line_of(notebook, client.place)}"
        raise CellError(f"{place}: {explanation(error)}") from error
    except (NoSuchKernel, RuntimeError, TimeoutError) as error:
        raise CellError(f"{name}.md: no kernel could be started: {error}") from error
    cut = []
    for place, letters in client.left_out.items():
        kept = f"more than {MOST_TEXT:,} letters printed, or one thing too large"
        cut.append(
            f"{name}.md:{line_of(notebook, place)}: {kept}; {letters:,} letters are "
            "left out of the page"
        )
        note = f"\n[... {letters:,} more letters, left out of this page]\n"
        notebook.cells[place].outputs.append(
            nb.new_output("stream", name="stdout", text=note)
        )
    outputs = [
        {"outputs": cell.outputs, "execution_count": cell.execution_count}
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    took = round(time.monotonic() - started, 1)
    return Run(outputs, seen["opened"], seen["versions"], took, cut)
