"""What the library costs besides time: memory in training, and its import.

Each is measured in a fresh Python, so that nothing that other races left behind
counts. ``python -m benchmarks.footprint allocated`` is such a Python.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

from backprop import SGD, Digits, Network, load_mnist, train
from backprop.book.recipes import mlp

HOME = Path(__file__).parents[1]
IMPORT = """
import time, numpy
start = time.perf_counter()
import backprop
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Footprint:
    """Memory and import.

    Attributes
    ----------
    allocated_MB : float
        Peak of what Python and NumPy set aside while 784-100-10 learns with batch 128,
        above what network and data had before.
    resident_MB : float or None
        The same as the operating system sees it, with the libraries' own buffers; None
        where the system does not tell.
    import_seconds : list of float
        For ``import backprop`` after ``import numpy``, each in a fresh Python.
    """

    allocated_MB: float
    resident_MB: float | None
    import_seconds: list[float]


def measure_footprint(quick: bool) -> Footprint:
    """Measure memory and import in Pythons of their own."""
    resident = child("-m", "benchmarks.footprint", "resident")
    times = [float(child("-c", IMPORT)) for _ in range(4 if quick else 10)]
    return Footprint(
        allocated_MB=float(child("-m", "benchmarks.footprint", "allocated")),
        resident_MB=None if resident == "None" else float(resident),
        import_seconds=times[1:],  # the first may have had to compile
    )


def child(*arguments: str) -> str:
    """Run a fresh Python that finds the library; return the last line it prints."""
    path = os.pathsep.join(filter(None, [str(HOME), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.split("\n")[-2]


def learn(network: Network, digits: Digits) -> None:
    """Train for an epoch as the other measurements do."""
    train(
        network,
        digits.train,
        optimizer=SGD(0.01, momentum=0.9),
        epochs=1,
        batch_size=128,
        progress=False,
    )


def allocated() -> float:
    """Return the peak of allocated memory in training, in MB above the start."""
    network, digits = mlp(784, 100, 10, seed=0), load_mnist()
    tracemalloc.start()
    learn(network, digits)
    return tracemalloc.get_traced_memory()[1] / 1e6


def resident() -> float | None:
    """Return the peak of resident memory in training, in MB above the start."""
    network, digits = mlp(784, 100, 10, seed=0), load_mnist()
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is
        before = status("VmHWM")
        learn(network, digits)
        return (status("VmHWM") - before) / 1e6
    except OSError:  # not Linux
        return None


def status(name: str) -> int:
    """Return an entry of this process's status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    raise OSError(f"the system does not tell {name}")


if __name__ == "__main__":
    print({"allocated": allocated, "resident": resident}[sys.argv[1]]())
