"""The virtual environments that make.py works in: made from locks, by pip alone.

Each is a folder beside `_theme`; a stamp in it says what it was made from, so that it
is made anew when a lock, the Python or the place has changed, and only then.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
BENCHMARK_VENV = ROOT / ".venv-benchmark"
MUTANTS_VENV = ROOT / ".venv-mutants"

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
