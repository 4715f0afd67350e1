"""One command at a time in a folder: the lock says who has it, and dies with them."""

import fcntl
import os
import time
from contextlib import contextmanager


@contextmanager
def held(folder, what, wait=lambda owner: None):
    """Hold the lock of a folder while the block runs.

    The operating system gives a lock up when its owner ends, however that may be.

    Parameters
    ----------
    folder : Path
        Is made if need be.
    what : str
        What the owner does, for those who wait.
    wait : function, optional
        Is called once with the words about the owner, if there is another one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            wait(owner(file))
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"{what}, process {os.getpid()}, since {time.strftime('%H:%M')}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def owner(file):
    """Return what the owner of a lock wrote about itself."""
    file.seek(0)
    return file.read().strip() or "another command"
