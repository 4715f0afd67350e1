"""Name the files that a book is made of, and digest them.

Traces of editors and of runs are no sources: lock files, which may be links that lead
nowhere, backups, bytecode.
"""

from hashlib import sha256

# What every page depends on in ways that nobody follows: then all is made afresh.
GROUND = ("_config.yml", "_toc.yml", "_theme")
SOURCES = (
    *GROUND,
    *("requirements.txt", "chapters", "figures"),
    *("code/backprop", "code/benchmarks/results"),
)


def files(root, names=SOURCES):
    """Return the files below some places of a book, in order."""
    found = []
    for place in (root / name for name in names):
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            names = path.relative_to(root).parts
            trace = any(name.startswith((".", "~", "#")) for name in names)
            trace = trace or path.name.endswith(("~", ".pyc"))
            if path.is_file() and not trace:
                found.append(path)
    return found


def digest(path):
    """Digest a file; one that is not there has a digest too."""
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "not there"


def digests(root, names=SOURCES):
    """Return a digest of each file below some places, by its path in the book."""
    found = files(root, names)
    return {path.relative_to(root).as_posix(): digest(path) for path in found}
