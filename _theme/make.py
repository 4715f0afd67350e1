"""What the Makefile's targets do, on a bare Python: `python3 _theme/make.py html`.

html, pdf, notebooks, test, serve and recipes make sure of `.venv` and work there;
benchmark and mutants have an environment of their own. Every failure that a reader can
mend ends in one sentence that says how.
"""

import errno
import hashlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
BENCHMARK_VENV = ROOT / ".venv-benchmark"
MUTANTS_VENV = ROOT / ".venv-mutants"
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

LOCKS = {  # Binder gets the versions that the book was built with
    "requirements.txt": "--extra book --extra test",
    "binder/requirements.txt": "--extra binder --constraint requirements.txt",
}
COMPILE = [
    *("pip", "compile", "pyproject.toml", "--quiet", "--upgrade", "--universal"),
    *("--python-version", "3.11", "--generate-hashes"),
    # A pip before 23.3 that meets "name[extra]" behind a bare "name==1" asks for the
    # newest, whose hash is not here, as soon as there is a newer one.
    *("--no-strip-extras", "--no-emit-index-url", "--no-header"),
]


class MakeError(Exception):
    """One plain sentence for the reader, with the remedy."""


def say(text):
    """Print a line at once, so that it stands before the output it announces."""
    print(f"==> {text}", flush=True)


def run(*command, cwd=ROOT, **variables):
    """Run a command in the book's folder; return its exit code."""
    environment = {"LATEXOPTS": "", **os.environ, "PYTHONNOUSERSITE": "1", **variables}
    command = [str(word) for word in command]
    return subprocess.run(command, cwd=cwd, env=environment).returncode


# --- The virtual environments --------------------------------------------------


def wanted_state(folder):
    """Say where an environment is, its Python, and a digest of what is in it."""
    digest = hashlib.sha256()
    for name in ("requirements.txt", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return f"{folder}\n{sys.version}\n{digest.hexdigest()}\n"


def check_writable():
    """Fail early in a folder that can't be written to."""
    try:
        with tempfile.TemporaryFile(dir=ROOT):
            pass
    except OSError as error:
        raise MakeError(
            f"the folder {ROOT} can't be written to; copy the book to one that can"
        ) from error


def make_venv(folder, clear=False):
    """Make a virtual environment with pip."""
    try:
        import venv  # some systems pack it apart from Python

        venv.create(folder, with_pip=True, clear=clear, symlinks=True)
    except (ImportError, subprocess.CalledProcessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise MakeError(
            f"{sys.executable} can't make virtual environments; install its venv "
            "module (Debian, Ubuntu: apt install python3-venv)"
        ) from error


def pip(folder, *arguments):
    """Run an environment's pip; give up soon where there is no network."""
    options = ["--quiet", "--disable-pip-version-check", "--retries", "2"]
    return run(folder / "bin" / "python", "-m", "pip", "install", *options, *arguments)


def renew(folder, what, install):
    """Make an environment what requirements.txt and pyproject.toml ask for."""
    check_writable()
    stamp = folder / "made-from"
    old = stamp.read_text().splitlines() if stamp.exists() else []
    new = wanted_state(folder)
    if old == new.splitlines():
        return
    say(f"Installing {what} into {folder.name} (a minute or two, once)")
    moved = old[:-1] != new.splitlines()[:-1]  # its scripts name another place
    make_venv(folder, clear=bool(old) and moved)
    install(folder)
    stamp.write_text(new)


def install_book(folder):
    """Install the locked versions, then the library from this folder."""
    if pip(folder, "--require-hashes", "-r", "requirements.txt"):
        raise MakeError(
            "pip could not install the packages (its reasons are above); the first "
            "run needs the network, so connect and try again"
        )
    # The library itself, from this folder and without asking the network.
    local = ["--no-index", "--no-deps", "--no-build-isolation"]
    if pip(folder, *local, "--editable", "."):
        raise MakeError("pip could not install the library; its reasons are above")


def install_extra(folder, extras):
    """Install the library with what one command needs, in the book's versions."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    locked = [
        re.sub(r"\[.*?\]| \\$", "", line) for line in lines if line[:1].isalnum()
    ]  # a constraint names no extras
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(locked) + "\n", encoding="utf-8")
    if pip(folder, "--constraint", constraints, "--editable", f".[{extras}]"):
        raise MakeError(
            "pip could not install it (its reasons are above); the first run needs "
            "the network and about 1 GB of disk"
        )


def prepare():
    """Make sure of `.venv`."""
    renew(VENV, "what the book needs", install_book)


# --- The targets -----------------------------------------------------------------


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
    prepare()
    say("Running the tests, a file on each core")
    spread = ["--numprocesses", "auto", "--dist", "loadfile", "--no-loadscope-reorder"]
    sys.exit(run(BIN / "python", "-m", "pytest", *spread))


def notebooks():
    """Build the site, and say where its notebooks are."""
    html()
    say(f"Its notebooks are in {BUILD / 'html' / 'notebooks'}")


def benchmark():
    """Measure speed beside peers."""
    install = partial(install_extra, extras="benchmark")
    renew(BENCHMARK_VENV, "the library and its peers", install)
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
    install = partial(install_extra, extras="test,mutants")
    renew(MUTANTS_VENV, "the tests and mutmut", install)
    say("Breaking the library, one change at a time (some minutes)")
    script = ROOT / "tests" / "library" / "mutants.py"
    if run(MUTANTS_VENV / "bin" / "python", script, **ONE_THREAD):
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


def lock():
    """Renew the locked versions with uv, from a throw-away environment."""
    check_writable()
    say("Resolving versions with uv (needs the network)")
    with tempfile.TemporaryDirectory() as folder:
        make_venv(folder)
        python = Path(folder, "bin", "python")
        if run(python, "-m", "pip", "install", "--quiet", "uv"):
            raise MakeError(
                "pip could not install uv; connect to the network, try again"
            )
        uv = Path(folder, "bin", "uv")
        for lock_file, options in LOCKS.items():
            if run(uv, *COMPILE, *options.split(), "-o", lock_file):
                raise MakeError("uv found no versions that fit together; see above")
            say(f"Renewed {ROOT / lock_file}")


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
