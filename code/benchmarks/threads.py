"""One thread for everybody, so that a race is decided by work and not by cores."""

from __future__ import annotations

import os
from typing import Any

VARIABLES = (
    "BLIS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def pin_environment() -> None:
    """Ask BLAS and OpenMP for one thread; they listen only before NumPy is imported.

    Examples
    --------
    >>> pin_environment()
    >>> os.environ["OPENBLAS_NUM_THREADS"]
    '1'
    """
    os.environ.update(dict.fromkeys(VARIABLES, "1"))


def pin_libraries() -> None:
    """Hold the libraries that are loaded by now to one thread, PyTorch included."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)


def thread_pools() -> list[dict[str, Any]]:
    """Return the thread pools of the loaded libraries, without the paths of files.

    Returns
    -------
    list of dict
        For each pool its ``internal_api``, ``version``, ``architecture`` (of BLAS)
        and ``num_threads``.
    """
    from threadpoolctl import threadpool_info

    told = ("internal_api", "version", "architecture", "num_threads")
    return [
        {name: pool[name] for name in told if pool.get(name) is not None}
        for pool in threadpool_info()
    ]
