"""One command at a time in a folder: the lock says who has it, and dies with them."""

import fcntl
import os
import time
from contextlib import contextmanager, suppress


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
    with taken(folder, wait) as file:
        file.truncate(0)
        file.write(f"{what}, process {os.getpid()}, since {time.strftime('%H:%M')}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def taken(folder, wait):
    """Return the file of the lock, locked; of the folder that is there by then."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / "lock", "a+", encoding="utf-8")  # noqa: SIM115, returned
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            wait(owner(file))
            fcntl.flock(file, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):  # who had it may have removed the folder
            if os.path.samestat(os.fstat(file.fileno()), os.stat(folder / "lock")):
                return file
        file.close()


def owner(file):
    """Return what the owner of a lock wrote about itself."""
    file.seek(0)
    return file.read().strip() or "another command"
