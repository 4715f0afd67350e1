"""Keep what cells printed, in files that are whole or not there.

Each file is written under another name and then renamed, and begins with a digest of
the rest: a file that was damaged counts as missing, and its chapter runs again.
"""

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

KEPT = 4  # of each chapter: going back to another data source costs nothing


def write_whole(path, data):
    """Write a file so that a reader sees all of it or what was there before.

    Parameters
    ----------
    path : Path
        Its folder is made if need be.
    data : bytes
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~UMASK)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def remove(path):
    """Remove whatever stands at a place, a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def current_umask():
    """Return what is taken from the rights of new files."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


UMASK = current_umask()


class Store:
    """The outputs of chapters, by a key that says what they were made from.

    Parameters
    ----------
    folder : Path
        Where the files are.

    Attributes
    ----------
    damaged : list of str
        The names of the files that were found damaged, and removed.
    """

    def __init__(self, folder):
        self.folder = folder
        self.damaged = []
        for part in folder.glob(".*.part"):  # what a killed build left
            part.unlink(missing_ok=True)

    def file(self, name, key):
        """Return the file for a chapter's outputs."""
        return self.folder / f"{Path(name).name}-{key[:16]}.json"

    def load(self, name, key):
        """Return what was kept, or None if nothing was, or if it is damaged."""
        path = self.file(name, key)
        try:
            digest, _, data = path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError:
            digest = data = b""
        if hashlib.sha256(data).hexdigest().encode() != digest:
            self.damaged.append(path.name)
            with suppress(OSError):
                remove(path)
            return None
        with suppress(OSError):
            os.utime(path)  # the files used last are kept
        return json.loads(data)

    def save(self, name, key, record):
        """Keep what came out of a chapter, and no more than `KEPT` of each."""
        data = json.dumps(record, sort_keys=True).encode()
        path = self.file(name, key)
        write_whole(path, hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
        others = self.folder.glob(f"{Path(name).name}-{'[0-9a-f]' * 16}.json")
        newest_first = sorted(others, key=lambda p: p.stat().st_mtime, reverse=True)
        for old in newest_first[KEPT:]:
            old.unlink(missing_ok=True)
