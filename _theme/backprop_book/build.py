"""Build site, guide or one chapter, whole or not at all: `-m backprop_book.build html`.

Sphinx works in a folder of its own. Only what ended well is stamped and takes the place
of what was there; what bears no stamp, or one of another theme, other settings or other
versions, is thrown away and made afresh, from the outputs that are kept of the cells.
"""

import hashlib
import importlib.metadata as metadata
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from locking import held
from sources import GROUND, digests

from backprop_book.outputs import remove, write_whole
from backprop_book.progress import progress

ROOT = Path.cwd()
BUILD = ROOT / "_build"
GUIDE = "backpropagation-tutorial"
STAMP = "stamp.json"
FAULTY = "faulty.json"  # instead of it, if all that is wrong are pages with warnings
STAGE = re.compile(r"(reading sources|writing output|copying images)\.*\s*\[ *(\d+)%")
WORDS = {
    "reading sources": "reading the chapters",
    "writing output": "writing the pages",
    "copying images": "copying the figures",
}
PLACE = re.compile(r"/(chapters/[^:]+)\.md(?::\d+)?: \w+: ")  # of a fault
FAULT = re.compile(r"\b(WARNING|ERROR|CRITICAL|SEVERE)\b:?")
COLORS = re.compile(r"\x1b\[[0-9;]*m")
# What a chapter that is built alone says of the others, which are not there.
MISSING = re.compile(r"undefined label|unknown document|term not in glossary|not found")


class BuildError(Exception):
    """The book was not built; the message says why, its last line what to mend."""


@dataclass(frozen=True)
class Job:
    """What is to be built.

    Attributes
    ----------
    name : str
        Of the folder below `_build` that it goes to.
    builder : "html" or "latex"
        Which of Jupyter Book's builders does it.
    chapter : str or None
        The only page, where it is not the whole book.
    """

    name: str
    builder: str
    chapter: str | None = None

    @classmethod
    def of(cls, wanted):
        """Return the job that the command line asks for."""
        if wanted in ("html", "latex"):
            return cls(wanted, wanted)
        if (ROOT / f"{wanted}.md").is_file():
            return cls("chapter", "html", wanted)
        sys.exit("usage: python -m backprop_book.build html|latex|chapters/NAME")

    @property
    def work(self):
        """The folder in which Sphinx works."""
        return BUILD / "work" / self.name

    @property
    def target(self):
        """The folder that what ended well goes to."""
        return BUILD / self.name

    @property
    def log(self):
        """The file that takes what Sphinx and Jupyter Book say."""
        return BUILD / f"{self.name}.log"


# --- What was built from what ----------------------------------------------------


def installed():
    """Return the versions that are installed of the packages that build the book."""
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    found = {}
    for name in re.findall(r"^([\w.-]+)(?:\[.*?\])?==", lock, re.MULTILINE):
        with suppress(metadata.PackageNotFoundError):  # of another system or Python
            found[name] = metadata.version(name)
    return found


def digest(*things):
    """Digest anything that JSON can hold."""
    return hashlib.sha256(json.dumps(things, sort_keys=True).encode()).hexdigest()


def commit():
    """Return the commit that the sources stand at, if this is a clone."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40"]
    answer = subprocess.run(command, capture_output=True, text=True)
    return answer.stdout.strip() or None


def facts(job, data):
    """Return what is built, from what: the stamp, before it is written."""
    return {
        "built": job.chapter or job.name,
        "data": {"source": data.source, "digest": data.digest},
        "sources": digests(ROOT),
        "ground": digest(
            *(job.chapter, str(ROOT), sys.version, installed(), digests(ROOT, GROUND))
        ),
        "python": sys.version.split()[0],
        "commit": commit(),
    }


def written(file):
    """Return what stands in a file of JSON, nothing where there is none."""
    try:
        stands = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stands = {}
    return stands if isinstance(stands, dict) else {}


def ready(job, ground):
    """Make the folder in which Sphinx works one that it can go on from.

    Returns
    -------
    list of str
        The pages that were warned of the last time: they are read again, so that what
        is wrong with them is said again.
    """
    stamp, faulty = (written(job.work / name) for name in (STAMP, FAULTY))
    if ground not in (stamp.get("ground"), faulty.get("ground")):
        shutil.rmtree(job.work, ignore_errors=True)
    for name in (STAMP, FAULTY):  # until this build has ended, this is no good state
        (job.work / name).unlink(missing_ok=True)
    return faulty.get("pages", [])


def note_faults(job, ground):
    """Note the pages that were warned of, unless something else was as well."""
    faults = faults_in(job.log)
    pages = [PLACE.search(fault) for fault in faults]
    # Of two that are called the same Sphinx forgets the one that is right, too.
    if pages and all(pages) and not any("duplicate" in fault for fault in faults):
        pages = sorted({page[1] for page in pages})
        record = {"ground": ground, "pages": pages}
        write_whole(job.work / FAULTY, json.dumps(record).encode())


# --- One build ---------------------------------------------------------------------


class Log:
    """Takes what Sphinx and Jupyter Book say: into a file, the stage to the reader."""

    def __init__(self, file):
        self.file = file

    def write(self, text):
        """Write to the file, and tell how far Sphinx is."""
        stage = STAGE.search(text)
        if stage:
            progress.passing(f"{WORDS[stage[1]]}: {stage[2]} %")
        return self.file.write(COLORS.sub("", text))

    def __getattr__(self, name):
        return getattr(self.file, name)


def options_of(job):
    """Return Jupyter Book's options; with a whole book, warnings are errors."""
    if job.chapter is None:
        return ["--builder", job.builder, "-W", "--keep-going", "-n"]
    contents = BUILD / "chapter-toc.yml"
    write_whole(contents, f"format: jb-book\nroot: {job.chapter}\n".encode())
    return ["--builder", job.builder, "--toc", str(contents)]


def run_jupyter_book(job):
    """Run Jupyter Book; return what stopped it, if something did."""
    from jupyter_book.cli.main import main

    command = ["build", ".", "--path-output", str(job.work), *options_of(job)]
    try:
        main(command, standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, BaseException) else end
    except RuntimeError as error:
        return error.__cause__ or error
    except BaseException as error:  # told to the reader
        return error
    return None


def faults_in(log):
    """Return what Sphinx warned of, each thing once."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return list(dict.fromkeys(line for line in lines if FAULT.search(line)))


def explain(stopped, log):
    """Return why a build ended, the most useful line last."""
    stopped = getattr(stopped, "orig_exc", None) or stopped  # of one of our handlers
    from backprop_book.digits import NoDataError
    from backprop_book.execution import CellsError

    if isinstance(stopped, (CellsError, NoDataError)):
        return f"{stopped.category}:\n{stopped}"
    faults = faults_in(log)
    if not isinstance(stopped, SystemExit) or not faults:
        faults.append(f"{type(stopped).__name__}: {stopped}")
    return "\n".join(faults)


def set_type(folder):
    """Run TeX on the guide."""
    progress.passing("setting the type")
    options = ["-xelatex", "-interaction=nonstopmode", "-halt-on-error", "-silent"]
    command = ["latexmk", *options, f"{GUIDE}.tex"]
    if subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL).returncode:
        raise BuildError(f"TeX stopped; the reason is in {folder / GUIDE}.log")


def publish(made, target):
    """Put what was made in the place of what was there, at one stroke."""
    new, old = (target.with_name(f"{target.name}.{word}") for word in ("new", "old"))
    tidy(target)
    shutil.copytree(made, new)
    if target.exists():
        target.rename(old)
    new.rename(target)
    remove(old)


def tidy(target):
    """Mend what a build left that was killed while it published."""
    new, old = (target.with_name(f"{target.name}.{word}") for word in ("new", "old"))
    if old.exists() and not target.exists():
        old.rename(target)
    for rest in (new, old):
        remove(rest)


def build(job):
    """Build what a job asks for, and put it where it belongs."""
    from backprop_book import digits, freshness

    progress.passing("finding the digits, in the network if need be")
    try:
        data = digits.choose()
    except digits.NoDataError as error:
        raise BuildError(f"{error.category}: {error}") from error
    progress.say(f"Data of this build: {data}")
    will_be = facts(job, data)
    tidy(job.target)
    freshness.AGAIN[:] = ready(job, will_be["ground"])
    stopped = run_jupyter_book(job)
    if isinstance(stopped, KeyboardInterrupt):
        raise stopped
    if isinstance(stopped, SystemExit):  # Sphinx came to its end, and had warned
        note_faults(job, will_be["ground"])
    if stopped is not None:
        raise BuildError(explain(stopped, job.log))
    made = job.work / "_build" / job.builder
    if job.chapter:
        for fault in faults_in(job.log):
            if not MISSING.search(fault):
                progress.say(fault)
    if job.builder == "latex":
        set_type(made)
    if digests(ROOT) != will_be["sources"]:
        both = will_be["sources"].items() ^ digests(ROOT).items()
        names = ", ".join(sorted({name for name, _ in both}))
        raise BuildError(
            "a source was changed while the book was built, so that its pages would "
            f"be of two states ({names}): build again; a cell that writes a file must "
            "do so in a temporary folder"
        )
    text = json.dumps(will_be, indent=1, sort_keys=True).encode() + b"\n"
    write_whole(made / STAMP, text)
    publish(made, job.target)
    write_whole(job.work / STAMP, text)


def end_with_parent():
    """Stop when whoever started this build is gone, however that came about."""
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main():
    """Build what the command line names; say so in a few lines, the rest in a log."""
    job = Job.of(sys.argv[1] if len(sys.argv) == 2 else "")
    end_with_parent()
    progress.stream = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    try:
        with (
            held(BUILD, f"a build of {job.name}", tell_who_builds),
            job.log.open("w", 1, "utf-8") as file,
        ):
            for stream in (1, 2):  # of kernels and other programs too
                os.dup2(file.fileno(), stream)
            sys.stdout = sys.stderr = Log(file)
            code = outcome(job)
    except OSError as error:
        progress.say(f"{BUILD} can't be written to ({error}); remove it and try again")
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__  # the log is closed
    sys.exit(code)


def tell_who_builds(owner):
    """Tell why nothing happens yet."""
    progress.say(f"Waiting for another command to end: {owner}")


def outcome(job):
    """Build; return the exit code, after the last lines to whoever builds."""
    try:
        build(job)
    except BuildError as error:
        progress.say(f"Not built; the whole story is in {job.log.relative_to(ROOT)}:")
        print(error, file=progress.stream, flush=True)
        return 1
    except Exception as error:  # one of ours that nobody foresaw
        traceback.print_exc()
        progress.say(f"Not built; the whole story is in {job.log.relative_to(ROOT)}:")
        print(f"{type(error).__name__}: {error}", file=progress.stream, flush=True)
        return 1
    except KeyboardInterrupt:
        progress.say(
            "Stopped. What is done is kept, and the next build goes on from it"
        )
        return 130
    finally:
        progress.clear()
    return 0


if __name__ == "__main__":
    main()
