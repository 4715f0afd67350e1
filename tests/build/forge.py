"""Forks builds from a process that has imported Sphinx and its like already.

Usage: ``python -P forge.py MODULE...``, with a build a line: folder, variables, words
of the command line, file for what is said. The answer is the number of its process and,
to an empty line, its exit code. Nothing of the book is imported here: each build takes
its own from its folder.
"""

import json
import os
import runpy
import signal
import sys
from importlib import import_module

# What the book's machinery imports of others, beside Sphinx's extensions.
PRELOADED = (
    *("jupyter_book.cli.main", "jupyter_book.sphinx", "sphinx_multitoc_numbering"),
    *("sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_jupyterbook_latex"),
    *("myst_nb.sphinx_ext", "myst_nb.ext.glue.crossref", "myst_nb.core.lexers"),
    *("bs4", "fontTools.subset", "fontTools.varLib", "tinycss2", "jupytext", "ziamath"),
    *("IPython.lib.lexers", "matplotlib", "nbclient", "numpy.typing", "numpy.random"),
    *("pooch", "pybtex.plugin", "pypandoc", "requests", "typst"),
)


def build(folder: str, variables: dict[str, str], words: list[str], said: str) -> None:
    """Become a build, as ``python -m`` would begin it; say which process that is."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print(os.getpid(), flush=True)
    for stream in (1, 2):
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:0] = [folder, *variables["PYTHONPATH"].split(os.pathsep)]
    sys.argv[1:] = words
    runpy.run_module("backprop_book.build", run_name="__main__", alter_sys=True)


def serve() -> None:
    """Make one build after the other, until nobody asks any more."""
    from sphinx.application import builtin_extensions

    for name in (*PRELOADED, *builtin_extensions, *sys.argv[1:]):
        import_module(name)
    for line in iter(sys.stdin.readline, ""):
        process = os.fork()
        if not process:
            return build(*json.loads(line))
        if not sys.stdin.readline():  # until then the number is nobody else's
            return None
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
    return None


if __name__ == "__main__":
    serve()
