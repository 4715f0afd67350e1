"""What the Makefile's targets do, on a bare Python: `python3 _theme/make.py html`.

All but clean and lock make sure of `.venv` and work there; benchmark has an
environment of its own. Every failure that a reader can mend ends in one sentence that
says how.
"""

import errno
import http.server
import os
import shutil
import sys
import threading
import time
from contextlib import suppress
from functools import partial

import sources
from environments import (
    BENCHMARK_VENV,
    BIN,
    LAB_VENV,
    ROOT,
    MakeError,
    check_writable,
    lock,
    prepare,
    prepare_benchmark,
    prepare_lab,
    prepare_tests,
    run,
    say,
)
from locking import held

BUILD = ROOT / "_build"
GUIDE = "backpropagation-tutorial"
INTERRUPTED = 130  # what a shell calls a command that Ctrl-C ended
TEX_PACKAGES = (
    "latexmk texlive-xetex texlive-latex-recommended texlive-latex-extra "
    "texlive-fonts-recommended fonts-texgyre fonts-texgyre-math"
)
# Times and last digits depend on the threads of the matrix products.
ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
MEASURING = {**ONE_THREAD, "PYTHONPATH": str(ROOT / "code")}  # to find `benchmarks`


def build(builder, hint=""):
    """Build what is named, in a process that this one waits for."""
    command = [BIN / "python", "-m", "backprop_book.build", builder]
    code = run(*command, PYTHONPATH=str(ROOT / "_theme"))
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        raise MakeError(f"the book was not built{last_one(builder)}{hint}")


def last_one(builder):
    """Say what is there all the same: the last build that ended well."""
    if (BUILD / builder / "stamp.json").exists():
        return f"; _build/{builder} is still the last one that was"
    return ""


def html():
    """Build the site."""
    prepare()
    build("html")
    say(f"Open {(BUILD / 'html' / 'index.html').as_uri()}")


def pdf():
    """Build the guide."""
    missing = [name for name in ("xelatex", "latexmk") if not shutil.which(name)]
    if missing:
        raise MakeError(
            f"TeX is needed and {' and '.join(missing)} not found; install it "
            f"(Debian, Ubuntu: apt install {TEX_PACKAGES})"
        )
    prepare()
    build("latex", f". If TeX lacks a file or a font: apt install {TEX_PACKAGES}")
    say(f"Open {(BUILD / 'latex' / GUIDE).with_suffix('.pdf').as_uri()}")


def chapter():
    """Run the cells of one chapter and build its page alone."""
    number = os.environ.get("N", "")
    chapters = sorted((ROOT / "chapters").glob("[0-9a]*.md"))
    found = [path for path in chapters if path.stem == number] or [
        path for path in chapters if number and path.stem.startswith(f"{number}-")
    ]
    if len(found) != 1:
        names = [path.stem for path in chapters]
        raise MakeError(
            f"N={number} is the beginning of {len(found)} chapters; say `make chapter "
            f"N=13`, or N=16-finance. There are {', '.join(names)}"
        )
    prepare()
    build(f"chapters/{found[0].stem}")
    page = BUILD / "chapter" / "chapters" / f"{found[0].stem}.html"
    say(f"Open {page.as_uri()} (links to other chapters lead nowhere in it)")


def check():
    """Run, in half a minute, what judges the files that were changed."""
    prepare_tests()
    if run(BIN / "python", ROOT / "tests" / "changed.py", **ONE_THREAD):
        raise MakeError("something is not as it should be; see above")
    say("All is well with what was changed; `make test` looks at everything")


def lab():
    """Open the chapters as notebooks in JupyterLab, in an environment of its own."""
    prepare_lab()
    settings = LAB_VENV / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "binder" / "overrides.json", settings)  # a click opens notebooks
    say("Opening JupyterLab; a double click opens a chapter (Ctrl-C ends)")
    if run(LAB_VENV / "bin" / "jupyter", "lab", "chapters/index.md", **ONE_THREAD):
        raise MakeError("JupyterLab ended with an error; its reasons are above")


def test():
    """Run the tests; pytest has the last word, also on what it skipped."""
    prepare_tests()
    say("Running the tests, a file on each core")
    spread = ["--numprocesses", "auto", "--dist", "loadfile", "--no-loadscope-reorder"]
    sys.exit(run(BIN / "python", "-m", "pytest", *spread))


def notebooks():
    """Build the site, and say where its notebooks are."""
    html()
    say(f"Its notebooks are in {BUILD / 'html' / 'notebooks'}")


def benchmark():
    """Measure speed beside peers."""
    prepare_benchmark()
    say("Measuring on one thread; let the machine do nothing else meanwhile")
    if run(BENCHMARK_VENV / "bin" / "python", "-m", "benchmarks", **MEASURING):
        raise MakeError("the benchmark did not finish; the reasons are above")


def recipes():
    """Run the long trainings."""
    prepare()
    say("Training the recipes on one thread (an hour or more)")
    if run(BIN / "python", "-m", "benchmarks.recipes", **MEASURING):
        raise MakeError("the recipes did not finish; the reasons are above")


def mutants():
    """Break the library on purpose, at each place, and see a test turn red."""
    prepare_tests()
    say("Breaking the library, one change at a time (an hour or more)")
    script = ROOT / "tests" / "library" / "mutants.py"
    if run(BIN / "python", script, **ONE_THREAD):
        raise MakeError("a mutant lives that should not; see above")


def state_of_sources():
    """Return what tells that a source of the book has changed."""
    found = {}
    for path in sources.files(ROOT):
        with suppress(OSError):  # gone in the meantime
            state = path.stat()
            found[path] = state.st_mtime_ns, state.st_size
    return found


class QuietPages(http.server.SimpleHTTPRequestHandler):
    """Serve files without a line for each."""

    def log_message(self, *_):
        """Say nothing."""


def chosen_port(text):
    """Return the port that a text names."""
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise MakeError(f"PORT={text} is no port; choose one: make serve PORT=8000")


def serve():
    """Build the site, serve it on this machine only, and rebuild on change."""
    port = chosen_port(os.environ.get("PORT", "8000"))
    pages = partial(QuietPages, directory=BUILD / "html")
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), pages)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise MakeError(
            f"port {port} is taken or reserved; choose another: make serve PORT=8123"
        ) from error
    prepare()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    built = None
    while True:
        now = state_of_sources()
        if now != built:
            built = now
            try:
                build("html")
            except MakeError as failure:
                say(f"{failure}; waiting for the next change")
            say(f"Open http://localhost:{port}/ (Ctrl-C ends; changes are built)")
        time.sleep(1)


def clean():
    """Remove what builds and tests made."""
    check_writable()
    with held(BUILD, "make clean", say_who_builds):
        remove_what_was_made()
    say(f"Removed _build and the caches from {ROOT}; environments stay")


def say_who_builds(owner):
    """Tell why nothing happens yet."""
    say(f"Waiting for another command to end: {owner}")


def remove_what_was_made():
    """Remove the folders that builds and tests write to."""
    for name in (
        "_build",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
    ):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for made_by_pip in (ROOT / "code").glob("*.egg-info"):
        shutil.rmtree(made_by_pip)
    for folder in ("_theme", "code", "tests"):
        for cache in (ROOT / folder).rglob("__pycache__"):
            shutil.rmtree(cache)


def main():
    """Run the target named on the command line."""
    functions = (
        *(html, pdf, notebooks, chapter, check, test, lab, serve),
        *(benchmark, recipes, mutants, lock, clean),
    )
    targets = {function.__name__: function for function in functions}
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in targets:
        sys.exit(f"usage: make.py {'|'.join(targets)}")
    try:
        targets[name]()
    except MakeError as failure:
        sys.exit(f"make {name}: {failure}.")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
