"""Fetch the files of MNIST from mirrors, each verified and whole or not at all.

Imported only where something is to be fetched: threads and the network are not
everywhere.
"""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from backprop.data import files

if TYPE_CHECKING:
    from tqdm import tqdm

CONNECT_TIMEOUT = 3.0  # seconds in which a mirror must answer, else we are offline
READ_TIMEOUT = 10.0  # seconds without a byte after which a download is given up
DOWNLOAD_TIMEOUT = 300.0  # seconds that one file may take in all


def fetch(names: list[str], directory: Path, tried: list[str]) -> bool:
    """Download files into a directory, each verified and whole or not at all.

    Parameters
    ----------
    names : list of str
        Some of the four names in `CHECKSUMS`.
    directory : Path
        Is made if need be.
    tried : list of str
        What did not work is appended, for an error message.

    Returns
    -------
    bool
        Whether all of them are there now.
    """
    mirrors = answering_mirrors()
    if not mirrors:
        tried.append(
            f"none of {', '.join(files.MIRRORS)} answered within {CONNECT_TIMEOUT} "
            f"seconds"
        )
        return False
    return all(
        any(fetch_from(mirror, name, directory, tried) for mirror in mirrors)
        for name in names
    )


def answering_mirrors() -> list[str]:
    """Return the mirrors that answer within `CONNECT_TIMEOUT` seconds, in their order.

    They are asked in threads, because the look-up of a name can hang for minutes
    and heeds no time-out.
    """
    import requests

    answered = set()

    def ask(mirror: str) -> None:
        try:
            answer = requests.head(
                mirror + files.TEST_LABELS,
                timeout=CONNECT_TIMEOUT,
                allow_redirects=True,
            )
        except (OSError, ValueError):  # every exception of requests is one of them
            return
        if answer.status_code == requests.codes.ok:
            answered.add(mirror)

    deadline = monotonic() + CONNECT_TIMEOUT
    threads = [
        Thread(target=ask, args=(mirror,), daemon=True) for mirror in files.MIRRORS
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    return [mirror for mirror in files.MIRRORS if mirror in answered]


def fetch_from(mirror: str, name: str, directory: Path, tried: list[str]) -> bool:
    """Download one file from one mirror; return whether it is there and verified."""
    import pooch
    from tqdm import tqdm
    from urllib3.exceptions import HTTPError

    pooch.get_logger().setLevel("WARNING")  # the progress bar says it already
    try:
        with tqdm(desc=name, unit="B", unit_scale=True, disable=None) as bar:
            pooch.retrieve(
                mirror + name,
                known_hash=f"sha256:{files.CHECKSUMS[name]}",
                fname=name,
                path=directory,
                downloader=lambda url, file, _: download(url, Path(file), bar),
            )
    except (OSError, ValueError, HTTPError) as why:
        tried.append(f"downloading {mirror}{name} failed ({why})")
        return False
    return True


def download(url: str, target: Path, bar: tqdm[object]) -> None:
    """Write what an address answers to a file, if it is not too much nor too slow.

    Parameters
    ----------
    url, target
        From where, and to where.
    bar : tqdm
        Shows how many bytes have come.

    Raises
    ------
    OSError
        If the answer is no success, is longer than any file of MNIST, or is not there
        in `DOWNLOAD_TIMEOUT` seconds. If it breaks off, urllib3's HTTPError.
    """
    import requests

    deadline = monotonic() + DOWNLOAD_TIMEOUT
    timeout = CONNECT_TIMEOUT, READ_TIMEOUT
    with (
        requests.get(url, stream=True, timeout=timeout) as answer,
        target.open("wb") as file,
    ):
        answer.raise_for_status()
        # What has arrived, as it was sent: a mirror could pack gigabytes into it.
        while some := answer.raw.read1(2**16, decode_content=False):
            bar.update(len(some))
            if file.tell() + len(some) > files.LARGEST_PACKED:
                raise OSError(f"more than {files.LARGEST_PACKED:,} bytes came")
            if monotonic() > deadline:
                raise OSError(f"it took more than {DOWNLOAD_TIMEOUT} seconds")
            file.write(some)
