"""What a result has to say about the machine it comes from, and nothing private."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.threads import thread_pools

PACKAGES = ("numpy", "torch", "scikit-learn", "autograd", "threadpoolctl")


def describe() -> dict[str, Any]:
    """Return processor, memory, system, versions, threads, date and commit.

    Returns
    -------
    dict
        Of plain values, ready for JSON; neither a host's name nor a path is in it.
    """
    return {
        "processor": processor(),
        "cores": len(usable_cores()),
        "memory_GB": memory(),
        "system": system(),
        "python": platform.python_version(),
        "versions": {name: installed_version(name) for name in PACKAGES},
        "thread_pools": thread_pools(),
        "date": date.today().isoformat(),
        "commit": commit(),
    }


def processor() -> str:
    """Return the model of the processor, with its vector instructions if known."""
    model, flags = platform.processor() or platform.machine(), ""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return model
    told = {
        name.strip(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    vectors = set(told.get("flags", "").split()) & {"avx", "avx2", "avx512f", "fma"}
    if vectors:
        flags = f" ({', '.join(sorted(vectors))})"
    return told.get("model name", model) + flags


def usable_cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def memory() -> float | None:
    """Return the size of the memory in GB, None where the system does not say."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    return round(size / 1e9, 1)


def system() -> str:
    """Return the name of the operating system."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


def installed_version(package: str) -> str | None:
    """Return the version of a package, None if it is not installed.

    Examples
    --------
    >>> installed_version("no-such-package") is None
    True
    """
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def commit() -> str | None:
    """Return the commit that was measured, None where there is no git."""
    here = Path(__file__).parent
    answers = []
    for question in (["rev-parse", "HEAD"], ["status", "--porcelain", ".."]):
        try:
            done = subprocess.run(
                ["git", *question], cwd=here, capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        answers.append(done.stdout.strip())
    return answers[0] + (" with changes" if answers[1] else "")
