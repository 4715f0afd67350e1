"""The virtual environments that make.py works in: made from locks, by pip alone.

Each is a folder beside `_theme`; a stamp in it says which locks it was made from, so
that what has changed since is installed, or all of it in another place or Python.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
BENCHMARK_VENV = ROOT / ".venv-benchmark"
LAB_VENV = ROOT / ".venv-lab"

BOOK_LOCK = "requirements.txt"
TESTS_LOCK = "tests/requirements.txt"
BENCHMARK_LOCK = "code/benchmarks/requirements.txt"
LAB_LOCK = "binder/requirements.txt"
UV_LOCK = "_theme/uv.txt"
LOCKS = {  # what each holds; it takes the versions of those before it
    BOOK_LOCK: "pyproject.toml --extra book",
    TESTS_LOCK: "--group test",
    LAB_LOCK: "pyproject.toml --extra binder",
    BENCHMARK_LOCK: "pyproject.toml --group benchmark",
    UV_LOCK: "--group lock",
}
COMPILE = [
    *("pip", "compile", "--quiet", "--upgrade", "--universal"),
    *("--python-version", "3.11", "--generate-hashes"),
    # A pip before 23.3 that meets "name[extra]" behind a bare "name==1" asks for the
    # newest, whose hash is not here, as soon as there is a newer one.
    *("--no-strip-extras", "--no-emit-index-url", "--no-header"),
]
# By version only: which file it is, and which drivers it needs, depends on the machine.
TORCH = "torch==2.13.0"

# Python compiles what is used when it is used, and keeps that (see `environment_of`);
# all of it takes long and a fourth more.
PIP = ["--no-compile", "--disable-pip-version-check", "--no-input", "--retries", "2"]
# Nothing is built from source: what building needs would come without a hash.
LOCKED = ["--require-hashes", "--only-binary", ":all:", "--requirement"]
# The library itself, from this folder and without asking the network.
OURS = ["--no-index", "--no-deps", "--no-build-isolation", "--editable", "."]

REMEDIES = {  # what to do about what pip says; the last is for all else
    "No space left": "the disk is full, and the book needs about 2 GB; make room and "
    "try again",
    "DO NOT MATCH THE HASHES": "a package is not the one that the book was tested "
    "with, which must not be; try again on another network, and report it if it stays",
    "": "the first run needs the network, so connect and try again",
}
FETCHED = re.compile(  # a package, and its size unless it lies on this disk
    r"^\s*(?:Downloading|Using cached|Processing) \S+\.whl(?: \(([\d.]+) ([kM])B\))?",
    re.MULTILINE,
)


class MakeError(Exception):
    """One plain sentence for the reader, with the remedy."""


def say(text):
    """Print a line at once, so that it stands before the output it announces."""
    print(f"==> {text}", flush=True)


def environment_of(variables):
    """Return the variables for a command: this process's, ours, and some more."""
    ours = {"PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": ""}
    return {"LATEXOPTS": "", **os.environ, **ours, **variables}


def run(*command, cwd=ROOT, **variables):
    """Run a command in the book's folder; return its exit code."""
    command = [str(word) for word in command]
    return subprocess.run(command, cwd=cwd, env=environment_of(variables)).returncode


def check_writable():
    """Fail early in a folder that can't be written to."""
    try:
        with tempfile.TemporaryFile(dir=ROOT):
            pass
    except OSError as error:
        raise MakeError(
            f"the folder {ROOT} can't be written to; copy the book to one that can"
        ) from error


def remedy(said):
    """Return what to do about the words of a failed program."""
    return next(text for words, text in REMEDIES.items() if words in said)


def make_venv(folder, clear=False):
    """Make a virtual environment with pip."""
    try:
        import venv  # some systems pack it apart from Python

        venv.create(folder, with_pip=True, clear=clear, symlinks=True)
    except (ImportError, OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        said = f"{error} {getattr(error, 'output', '')}"
        if "No space left" in said:
            raise MakeError(remedy(said)) from error
        raise MakeError(
            f"{sys.executable} can't make virtual environments; install its venv "
            "module (Debian, Ubuntu: apt install python3-venv)"
        ) from error


class Progress:
    """How far pip is, as one line that is written again, or as one each quarter."""

    def __init__(self, what, folder, lock):
        """Count what is to be installed."""
        self.what, self.total = what, len(pinned(lock))
        self.packages = next(folder.glob("lib/python*/site-packages"))
        self.there, self.quarter = self.unpacked(), 0

    def unpacked(self):
        """Count the packages that are in the environment."""
        return sum(1 for _ in self.packages.glob("*.dist-info"))

    def show(self, said):
        """Read what pip has said so far, and count what it has unpacked in silence."""
        found = FETCHED.findall(said)
        size = sum(float(n or 0) / (1000 if unit == "k" else 1) for n, unit in found)
        total = max(1, self.total - said.count("Ignoring "))
        ready = said.count("already satisfied")
        fetched = min(total, len(found) + ready)
        unpacked = min(total, max(0, self.unpacked() - self.there) + ready)
        text = (
            f"{self.what}: {fetched} of {total} packages fetched "
            f"({size:.0f} MB), {unpacked} unpacked"
        )
        quarter = 2 * (fetched + unpacked) // total
        if sys.stdout.isatty():
            print(f"\r==> {text}", end="", flush=True)
        elif quarter > self.quarter:
            say(text)
        self.quarter = max(quarter, self.quarter)

    def close(self):
        """End the line that was written again."""
        if sys.stdout.isatty():
            print(flush=True)


def pinned(lock):
    """Return the packages in a lock: name and version."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", text, re.MULTILINE)


def pip(folder, *arguments, progress=None):
    """Run an environment's pip; its words go to a log, the last of a failure on here.

    It gives up soon where there is no network.
    """
    log = folder / "install.log"
    command = [folder / "bin" / "python", "-m", "pip", "install", *PIP, *arguments]
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment_of({}), stdout=file, stderr=file
        )
    try:
        while process.poll() is None:
            time.sleep(0.3)
            if progress:
                progress.show(log.read_text(errors="replace"))
    finally:
        process.terminate()  # pip too ends when this ends
        process.wait()
        if progress:
            progress.close()
    if process.returncode:
        said = log.read_text(errors="replace")
        print(*said.splitlines()[-8:], sep="\n", file=sys.stderr)
        raise MakeError(
            f"pip stopped (its last words are above, all of them in {log}); "
            f"{remedy(said)}"
        )


def renew(folder, what, locks, finish):
    """Make an environment what some locks ask for, and no more than is needed."""
    check_writable()
    stamp = folder / "made-from"
    old = stamp.read_text().splitlines() if stamp.exists() else []
    place = [str(folder), sys.version.replace("\n", " ")]
    wanted = {
        f"{hashlib.sha256((ROOT / name).read_bytes()).hexdigest()}  {name}": name
        for name in (*locks, "pyproject.toml")
    }
    if {*place, *wanted} <= set(old):
        return
    say(f"Installing {what} into {folder.name} (a minute or more, once)")
    moved = bool(old) and not set(place) <= set(old)  # its scripts name another place
    make_venv(folder, clear=moved)
    stamp.write_text("unfinished\n")  # and so is made anew if this is interrupted
    try:
        for line, name in wanted.items():
            if name in locks and (moved or line not in old):
                pip(folder, *LOCKED, name, progress=Progress(name, folder, name))
        pip(folder, *finish)
    except MakeError:
        stamp.write_text("\n".join(old))  # pip leaves what was there when it fails
        raise
    stamp.write_text("\n".join([*place, *wanted, ""]))


def prepare():
    """Make sure of `.venv` with what the book needs."""
    renew(VENV, "what the book needs", [BOOK_LOCK], OURS)


def prepare_tests():
    """Make sure of `.venv` with what the tests need besides."""
    renew(VENV, "what book and tests need", [BOOK_LOCK, TESTS_LOCK], OURS)


def prepare_benchmark():
    """Make sure of `.venv-benchmark` with the library's peers."""
    renew(BENCHMARK_VENV, "the peers of the library", [BENCHMARK_LOCK], [TORCH])


def prepare_lab():
    """Make sure of `.venv-lab` with what a Binder image has."""
    renew(LAB_VENV, "JupyterLab", [LAB_LOCK], OURS)


def lock():
    """Renew the locked versions with uv, from a throw-away environment."""
    check_writable()
    say("Resolving versions with uv (needs the network)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_venv(folder)
        pip(folder, *LOCKED, UV_LOCK)
        before = []
        for lock_file, options in LOCKS.items():
            command = [folder / "bin" / "uv", *COMPILE, *options.split(), *before]
            if run(*command, "--output-file", lock_file):
                raise MakeError("uv found no versions that fit together; see above")
            before += ["--constraint", lock_file]
            say(f"Renewed {ROOT / lock_file}")
