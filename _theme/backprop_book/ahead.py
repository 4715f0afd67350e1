"""Run the cells of several chapters at a time, before Sphinx reads them in turn.

myst-nb runs a chapter's cells when Sphinx comes to it, one chapter after another. Here
those that the cache lacks run first, one for each core, and myst-nb finds their outputs
in the cache. A chapter that fails is left to myst-nb, which says what is wrong with it.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import create_nb_reader
from sphinx.util import logging

logger = logging.getLogger(__name__)

ALONE = ("chapters/17-bigger",)  # measures what all cores can do
AT_A_TIME = os.cpu_count() or 1


def lacking(env, cache, names):
    """Return path and notebook of each document whose outputs are not in the cache."""
    found = {}
    for name in names:
        path = env.doc2path(name)
        text = Path(path).read_text(encoding="utf-8")
        reader = create_nb_reader(path, env.myst_config, env.mystnb_config, text)
        if reader is None:
            continue  # a page without cells
        notebook = reader.read(text)
        try:
            cache.match_cache_notebook(notebook)
        except KeyError:
            found[name] = path, notebook
    return found


def executed(timeout, work):
    """Run a notebook's cells where it stands; return it with its outputs."""
    path, notebook = work
    folder = str(Path(path).parent)
    result = single_nb_execution(notebook, folder, timeout, allow_errors=False)
    return path, result


def fill_cache(cache, work, timeout, at_a_time):
    """Run notebooks, so many at a time, and keep what came out without an error."""
    if not work:
        return
    with ProcessPoolExecutor(min(at_a_time, len(work))) as pool:
        for path, result in pool.map(partial(executed, timeout), work):
            if result.err is not None:
                continue
            seconds = {"execution_seconds": result.time}
            bundle = CacheBundleIn(result.nb, path, data=seconds)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            logger.info("ran %s in %.0f s", Path(path).name, result.time)


def run_ahead(app, env, names):
    """Fill the cache with what the documents that Sphinx is about to read print."""
    cache = get_cache(app.config.nb_execution_cache_path)
    found = lacking(env, cache, sorted(names, reverse=True))  # the long ones first
    together = [work for name, work in found.items() if name not in ALONE]
    alone = [work for name, work in found.items() if name in ALONE]
    timeout = app.config.nb_execution_timeout
    fill_cache(cache, together, timeout, AT_A_TIME)
    fill_cache(cache, alone, timeout, 1)


def setup(app):
    """Connect to Sphinx, after it knows what to read and before it reads."""
    app.connect("env-before-read-docs", run_ahead)
