"""What is fuzzed: each kind of file that the library reads, and what must hold for it.

Whatever the bytes, a file loads, or the library's own error says which file it is, in
memory that goes with its size. `run.py` looks for bytes for which that is not so.
"""

import contextlib
import gzip
import io
import json
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from backprop import SGD, BackpropError, Dense, Network, SoftmaxCrossEntropy, data
from backprop.checkpoints import Progress, load_checkpoint, save_checkpoint
from backprop.network import Evaluation
from backprop.sweeps import results_file

SETTINGS = {"epochs": 3, "batch_size": 2}
LINE = {"code": "0", "run": "m.f", "seed": 0, "setting": {"rate": 0.1}}
LINE |= {"numbers": {"accuracy": 0.9}, "error": ""}


def network() -> Network:
    """Return a small network, always the same."""
    return Network([Dense(3, 2)], loss=SoftmaxCrossEntropy(), seed=0)


def training() -> tuple[Progress, Network, SGD]:
    """Return a training after its first epoch."""
    made, optimizer = network(), SGD(0.1, momentum=0.9)
    optimizer.start(made)
    rng = np.random.default_rng(0)
    progress = Progress(rng, rng.bit_generator.state, [0.7, 0.6], [Evaluation(0.5, 1)])
    progress.best_epoch = 1
    progress.best_parameters = dict(made.parameters)
    return progress, made, optimizer


def load_network(path: Path) -> None:
    """Load the weights; they are finite numbers, whatever the file says."""
    made = network()
    made.load(path)
    assert all(np.isfinite(W).all() for W in made.parameters.values())


def resume(path: Path) -> None:
    """Go on with a training; where it stands makes sense, whatever the file says."""
    progress, made, optimizer = training()
    load_checkpoint(path, progress, made, optimizer, SETTINGS)
    assert 0 <= progress.best_epoch <= len(progress.evaluations)
    assert all(isinstance(loss, float) for loss in progress.batch_loss)
    assert all(np.isfinite(W).all() for W in made.parameters.values())


def sweep_on(path: Path) -> None:
    """Read the results of a sweep; each has numbers, whatever the file says."""
    with results_file(path) as (_, trials):
        for trial in trials.values():
            assert not trial.error
            assert all(isinstance(number, (int, float)) for number in
                       trial.numbers.values())  # fmt: skip


READERS: dict[str, Callable[[Path], object]] = {
    "images": lambda path: data.read_images(path, 2),
    "labels": lambda path: data.read_labels(path, 10),
    "network": load_network,
    "checkpoint": resume,
    "sweep": sweep_on,
}


def check(name: str, content: bytes, folder: Path) -> bool:
    """Read some bytes as a file of a kind; return whether it was taken."""
    path = folder / "fuzzed"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        READERS[name](path)
        said = ""
    except BackpropError as why:
        said = str(why)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert not said or str(path) in said, f"the file is not named: {said}"
    # Some copies of what there is, and some room for zipfile; of what is compressed,
    # as much as a file of MNIST holds.
    unpacked = data.LARGEST if name in ("images", "labels") else 0
    assert peak < 10 * len(content) + unpacked + 1_000_000, f"{peak:,} bytes of memory"
    return not said


def seeds(name: str, folder: Path) -> list[bytes]:
    """Return good files of a kind, to begin with; the same at every run."""
    path = folder / "seed"
    if name == "images":
        header = struct.pack(">4I", 0x0803, 2, 28, 28)
        return [gzip.compress(header + bytes(range(196)) * 8, mtime=0)]
    if name == "labels":
        return [
            gzip.compress(struct.pack(">2I", 0x0801, 10) + bytes(range(10)), mtime=0)
        ]
    if name == "network":
        network().save(path)
        return [path.read_bytes()]
    if name == "checkpoint":
        progress, made, optimizer = training()
        save_checkpoint(path, progress, made, optimizer, SETTINGS)
        return [path.read_bytes()]
    failed = LINE | {"seed": 1, "numbers": {}, "error": "a traceback"}
    lines = [json.dumps(line) + "\n" for line in (LINE, failed)]
    return ["".join(lines).encode(), (lines[0] + lines[1][:20]).encode()]


def mutated(content: bytes, change: Callable[[bytes], bytes], chance: int) -> bytes:
    """Change what is packed, and pack it again, so that its checksum is right.

    Parameters
    ----------
    content : bytes
        A file; one that cannot be unpacked is changed as it is.
    change : function
        Returns other bytes in the place of some.
    chance : int
        Decides which part is changed; for some numbers it is the file itself.
    """
    if chance % 4 == 0:
        return change(content)
    with contextlib.suppress(Exception):  # it is no gzip file
        return gzip.compress(change(gzip.decompress(content)), 1, mtime=0)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [(m.filename, archive.read(m)) for m in archive.infolist()]
        place = chance // 4 % len(parts)
    except Exception:  # nor an archive
        return change(content)
    name, part = parts[place]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for each, kept in [*parts[:place], (name, change(part)), *parts[place + 1 :]]:
            archive.writestr(zipfile.ZipInfo(each), kept)
    return file.getvalue()
