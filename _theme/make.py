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
from functools import partial

from environments import (
    BENCHMARK_VENV,
    BIN,
    ROOT,
    MakeError,
    check_writable,
    lock,
    prepare,
    prepare_benchmark,
    prepare_tests,
    run,
    say,
)

BUILD = ROOT / "_build"
GUIDE = "backpropagation-tutorial"
WATCHED = ["_config.yml", "_toc.yml", "_theme", "chapters", "code", "figures"]
TEX_PACKAGES = (
    "latexmk texlive-xetex texlive-latex-recommended texlive-latex-extra "
    "texlive-fonts-recommended fonts-texgyre fonts-texgyre-math"
)
# Times and last digits depend on the threads of the matrix products.
ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
MEASURING = {**ONE_THREAD, "PYTHONPATH": str(ROOT / "code")}  # to find `benchmarks`


def build_book(*options):
    """Run Jupyter Book, with warnings as errors."""
    command = [BIN / "jupyter-book", "build", ".", "-W", "--keep-going", "-n"]
    if run(*command, *options):
        raise MakeError("the book was not built; the reasons are above")


def html():
    """Build the site."""
    prepare()
    say("Building the site; the first build trains the networks (some minutes)")
    build_book()
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
    say("Building the guide; the first build trains the networks (some minutes)")
    build_book("--builder", "latex")
    say("Setting the type")
    folder = BUILD / "latex"
    options = ["-xelatex", "-interaction=nonstopmode", "-halt-on-error", "-silent"]
    if run("latexmk", *options, f"{GUIDE}.tex", cwd=folder):
        raise MakeError(
            f"TeX stopped; the reason is in {folder / GUIDE}.log. If a file or font "
            f"is not found there: apt install {TEX_PACKAGES}"
        )
    say(f"Open {(folder / GUIDE).with_suffix('.pdf').as_uri()}")


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


def latest_change():
    """Return when a source of the book last changed."""
    times = [(ROOT / name).stat().st_mtime for name in WATCHED]
    for name in WATCHED:
        for path in (ROOT / name).rglob("*.*"):
            if path.suffix != ".pyc":
                times.append(path.stat().st_mtime)
    return max(times)


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
    built = 0
    while True:
        if latest_change() > built:
            built = time.time()
            say("Building the site")
            try:
                build_book()
            except MakeError as failure:
                say(f"{failure}; waiting for the next change")
            say(f"Open http://localhost:{port}/ (Ctrl-C ends; changes are built)")
        time.sleep(1)


def clean():
    """Remove what builds and tests made."""
    check_writable()
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
    say(f"Removed _build and the caches from {ROOT}; environments stay")


def main():
    """Run the target named on the command line."""
    functions = (
        *(html, pdf, notebooks, test, benchmark, recipes, mutants, serve, lock),
        clean,
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
        sys.exit(130)


if __name__ == "__main__":
    main()
