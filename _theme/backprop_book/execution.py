"""Decide which data the chapters train on, when their cells run again; note how long.

jupyter-cache re-executes a chapter when its code cells change. It can't see
that the library, the locked versions or the data changed, so those three are
part of the cache's place: another digest, another folder, and Sphinx reads all
chapters again because one of its settings changed.
"""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.util import logging

from backprop_book.ahead import AT_A_TIME

logger = logging.getLogger(__name__)

CACHES_KEPT = 4

# What a cell prints leaves the kernel in one piece, when the cell ends. Pieces cut
# by a clock can part a line from its end, and then pages differ from build to build.
KERNEL_SETTINGS = """
app = get_config().IPKernelApp
app.log_level = 40  # errors only
app.exec_lines = ["import sys; sys.stdout.flush_interval = 3600"]
"""


def fix_time(root):
    """Date figures and the guide by the last commit, so builds are repeatable."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return
    try:
        command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return  # not a clone: today's date will do
    os.environ["SOURCE_DATE_EPOCH"] = answer.stdout.strip()


def choose_data():
    """Find the digits once, for all chapters; return which data it will be."""
    from backprop.data import find_mnist
    from backprop.errors import BackpropError

    wanted = os.environ.get("MNIST_SOURCE", "auto")
    try:
        directory = None if wanted == "embedded" else find_mnist()
    except BackpropError as error:
        sys.exit(f"The book has no data to learn from. {error}")
    if directory:
        os.environ.update(MNIST_SOURCE="mnist", MNIST_DIR=str(directory))
        logger.info("Data of this build: full MNIST, from %s.", directory)
        return "mnist"
    if wanted == "mnist":
        sys.exit(
            "MNIST_SOURCE=mnist, but full MNIST is neither here nor can it be "
            "downloaded. Set MNIST_DIR to a folder that has its four .gz files."
        )
    os.environ["MNIST_SOURCE"] = "embedded"
    logger.info("Data of this build: the 5,000 embedded digits.")
    return "embedded"


def digest_of_inputs(root, data):
    """Digest all that the chapters' results depend on, apart from their cells.

    Python files count as parsed: a changed comment re-executes nothing.
    """
    digest = hashlib.sha256(data.encode())
    digest.update((root / "requirements.txt").read_bytes())
    for path in sorted((root / "code" / "backprop").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        digest.update(f"{path.relative_to(root)}\n{ast.dump(tree)}".encode())
    return digest.hexdigest()[:16]


def prune_caches(caches):
    """Keep the caches used last, so that switching data back costs nothing."""
    folders = [path for path in caches.iterdir() if path.is_dir()]
    folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for old in folders[CACHES_KEPT:]:
        shutil.rmtree(old)


def quiet_kernels(build):
    """Give kernels settings of their own, not those of whoever builds."""
    profile = build / ".ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(KERNEL_SETTINGS)
    os.environ["IPYTHONDIR"] = str(build / ".ipython")
    os.environ["TQDM_DISABLE"] = "1"  # no progress bars on pages
    # The order of additions, so the last digits, depends on the threads; one is
    # also the fastest for matrices of this size on a busy machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def place_cache(app, config):
    """Set the environment of the kernels and the folder of their outputs."""
    root = Path(app.srcdir)
    quiet_kernels(Path(app.outdir).parent)
    digest = digest_of_inputs(root, choose_data())
    cache = Path(app.outdir).parent / ".jupyter_cache" / digest
    cache.mkdir(parents=True, exist_ok=True)
    os.utime(cache)
    prune_caches(cache.parent)
    config.nb_execution_cache_path = str(cache)


def record_times(app, exception):
    """Write down how long each chapter's cells ran, for the tests to bound."""
    if exception:
        return
    noted = NbMetadataCollector.get_doc_data(app.env).items()
    seconds = {
        document: round(data["exec_data"]["runtime"], 1)
        for document, data in sorted(noted)
        if data.get("exec_data") and data["exec_data"]["runtime"] is not None
    }
    record = {
        "data": os.environ["MNIST_SOURCE"],
        "at_a_time": AT_A_TIME,
        "seconds": seconds,
    }
    file = Path(app.outdir).parent / "execution-times.json"
    file.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def setup(app):
    """Connect to Sphinx before anything reads the settings."""
    fix_time(Path(app.srcdir))
    app.connect("config-inited", place_cache, priority=100)
    app.connect("build-finished", record_times)
