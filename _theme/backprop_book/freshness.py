"""Tell Sphinx which pages to read and to write again: by what stands in the files.

Sphinx goes by their dates, and writes a page only if its own source has changed; a page
that names another one's number, title or term would keep the old one. So all pages are
written when anything has changed that more than one page may show.
"""

import hashlib
import pickle
import shutil
from contextlib import suppress
from pathlib import Path

import sources
from docutils import nodes
from myst_nb.ext.glue.crossref import PendingGlueReference
from sphinx.util import logging

from backprop_book.outputs import write_whole

logger = logging.getLogger(__name__)

# What an environment holds besides what pages may show of each other: itself, what
# tells when and from where things were read, and what belongs to one page alone.
OWN = """
app config config_status config_status_extra doctreedir domains events project
ref_context settings srcdir temp_data version versioning_compare versioning_condition
all_docs dependencies included reread_always book_sources book_shown
myst_config mystnb_config nb_metadata nb_new_exec_data sphinx_exercise_gated_registry
_pickled_doctree_cache _versioning_method _write_doc_doctree_cache
""".split()  # noqa: SIM905, a list of words


SEARCH = "_search_index_"  # so begin the names of what the search has learned
AGAIN: list[str] = []  # pages to be read again because the last build warned of them


def read_from(app, env):
    """Return for each page a digest of all that it is read from."""
    found = {}
    known = {}
    for name in env.found_docs:
        files = [env.doc2path(name), *sorted(env.dependencies.get(name, ()))]
        paths = [Path(app.srcdir, file) for file in files]
        for path in paths:
            if path not in known:
                known[path] = sources.digest(path)
        said = [known[path] for path in paths] + [app.book_outputs.get(name, "")]
        found[name] = hashlib.sha256(" ".join(said).encode()).hexdigest()
    return found


def outdated(app, env, added, changed, removed):
    """Name the pages whose sources are not what they were read from."""
    was, now = getattr(env, "book_sources", {}), read_from(app, env)
    return [*AGAIN, *(name for name in now if now[name] != was.get(name))]


def note_read_from(app, env):
    """Remember what pages were read from, and when that was last changed."""
    env.book_sources = read_from(app, env)
    for name in env.all_docs:  # a file with a date in the future is read once
        for file in (env.doc2path(name), *env.dependencies.get(name, ())):
            with suppress(OSError):
                date = Path(app.srcdir, file).stat().st_mtime_ns
                env.all_docs[name] = max(env.all_docs[name], -(date // -1000))


def forget(app, env, names):
    """Forget all that will be read again, before the first of it is.

    Else what moves from one page to another one stands there twice for a while.
    """
    for name in names:
        app.emit("env-purge-doc", env, name)
        env.clear_doc(name)


def refuse_numbers_of_others(app, doctree):
    """Warn of a number that another page has glued: nobody would follow its changes."""
    for number in doctree.findall(PendingGlueReference):
        logger.warning("glue this number in the page that shows it", location=number)


def learned_words(app):
    """Return the file that keeps what the search has learned of the pages.

    Sphinx learns it while it writes, and has kept all that it knows before.
    """
    return Path(app.doctreedir, "search.pickle")


def keep_words(app, exception):
    """Keep what the search has learned, for a build that writes some pages only."""
    if not exception:
        found = vars(app.env).items()
        words = {name: its for name, its in found if name.startswith(SEARCH)}
        write_whole(learned_words(app), pickle.dumps(words))


def load_words(app, env, *_):
    """Take over what the search has learned before."""
    if learned_words(app).exists():
        vars(env).update(pickle.loads(learned_words(app).read_bytes()))
    return []


def drop_lost_words(app):
    """Take the words that stand on no page any more out of the search."""
    indexer = app.builder.indexer  # has read what the last one wrote, if it is there
    for words in (indexer._mapping, indexer._title_mapping):
        for word in [word for word, pages in words.items() if not pages]:
            del words[word]
    return []


def canonical(value):
    """Return a text that is the same for things that are."""
    if isinstance(value, nodes.Node):
        return value.pformat() if isinstance(value, nodes.Element) else value.astext()
    if isinstance(value, dict):
        items = sorted((canonical(k), canonical(v)) for k, v in value.items())
        return f"{{{', '.join(f'{k}: {v}' for k, v in items)}}}"
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(map(canonical, value)))}}}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):  # its parts have names
        return f"{type(value).__name__}{without_line(value._asdict())}"
    if isinstance(value, (list, tuple)):
        items = list(map(canonical, value))
        if any(hasattr(item, "_asdict") for item in value):
            items.sort()  # what pages cite, in the order in which they were read
        return f"[{', '.join(items)}]"
    if value is None or isinstance(value, (str, int, float, bool)):
        return repr(value)
    if hasattr(value, "__dict__"):
        return f"{type(value).__name__}{without_line(vars(value))}"
    return repr(type(value))


def without_line(attributes):
    """Return the text of some attributes; where a thing stands is nobody else's."""
    return canonical({k: v for k, v in attributes.items() if k != "line"})


def without_words(metadata):
    """Return what pages say of themselves, without how many words they have."""
    return {
        page: {name: value for name, value in said.items() if name != "wordcount"}
        for page, said in metadata.items()
    }


def shown(env):
    """Digest what pages may show of each other, for each thing that Sphinx collects."""
    found = vars(env) | {"metadata": without_words(env.metadata)}
    return {
        name: hashlib.sha256(canonical(value).encode()).hexdigest()
        for name, value in sorted(found.items())
        if name not in OWN and not name.startswith(SEARCH)
    }


def write_all(app, env):
    """Have every page written if something has changed that others may show."""
    was, env.book_shown = getattr(env, "book_shown", {}), shown(env)
    if env.book_shown == was or app.builder.name != "html":
        return []  # the guide is one file, written anew in any case
    changed = [name for name in env.book_shown if env.book_shown[name] != was.get(name)]
    logger.info("all pages are written again: %s", ", ".join(changed))
    for entry in Path(app.outdir).iterdir():  # no page of a removed chapter stays
        if "static" not in entry.name:  # Sphinx copies these anew in any case
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return sorted(env.found_docs)


def setup(app):
    """Connect to Sphinx."""
    app.book_outputs = {}
    app.connect("env-get-outdated", outdated, priority=200)  # outputs are known by then
    app.connect("env-before-read-docs", forget)
    app.connect("doctree-read", refuse_numbers_of_others)
    app.connect("env-updated", note_read_from, priority=900)
    app.connect("env-get-updated", write_all, priority=900)  # numbers are known by then
    app.connect("html-collect-pages", drop_lost_words)  # before the index is written
    app.connect("env-get-outdated", load_words)
    app.connect("build-finished", keep_words)
