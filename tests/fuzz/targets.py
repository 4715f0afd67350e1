"""What is fuzzed: each kind of file that the library reads, and what must hold for it.

Whatever the bytes, a file loads, or the library's own error says which file it is, in
memory that goes with its size. `run.py` looks for bytes for which that is not so.
"""

import contextlib
import gzip
import io
import json
import random
import re
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from backprop import SGD, BackpropError, Dense, Network, SoftmaxCrossEntropy
from backprop.data import files
from backprop.parallel.sweeps import results_file
from backprop.resuming import load_checkpoint, save_checkpoint
from backprop.training import Record

Change = Callable[[bytes], bytes]

# A value in JSON or in an array's header, and what may stand in its place.
# What is in braces is a value, and so is each value in it.
VALUE = re.compile(
    rb"""(?=(\{[^{}]*\}))|\([^()]*\)|\[[^][]*\]|"[^"]*"|'[^']*'|-?\d[\d.e+-]*|[a-zA-Z]+"""
)
WORDS = [
    *(b"()", b"(0,)", b"(2, 0)", b"(1000000000, 0)", b"(1000000000,)", b"(-1,)"),
    *(
        b"(" + b"2," * 62 + b")",
        b"True",
        b"False",
        b"'<f8'",
        b"'<f4'",
        b"'|O'",
        b"'|V0'",
    ),
    *(b"'<U0'", b"'<U9'", b"'<i8'", b"'<c16'", b"'<M8[s]'", b"[('a','<f8')]"),
    *(b"[]", b"{}", b"null", b"NaN", b"-Infinity", b"1e999", b"-1", b"0.5", b"true"),
    *(b'"abc"', b"[" * 10_000, b"9" * 100, b"\n", b"\xff", b'{"a": {}}', b"'shape'"),
]

SETTINGS = {"epochs": 3, "batch_size": 2, "schedule": "backprop.schedules.linear"}
LINE = {"code": "0", "run": "m.f", "seed": 0, "setting": {"rate": 0.1}}
LINE |= {"numbers": {"accuracy": 0.9}, "error": ""}


def network() -> Network:
    """Return a small network, always the same."""
    return Network([Dense(3, 2)], loss=SoftmaxCrossEntropy(), seed=0)


def training() -> tuple[Network, SGD, np.random.Generator, Record]:
    """Return a training after its first epoch."""
    made, optimizer = network(), SGD(0.1, momentum=0.9)
    optimizer.start(made)
    record = Record(2, "SGD", [0.7, 0.6], [0.5], [1.0], best_epoch=1)
    record.best = dict(made.state)
    return made, optimizer, np.random.default_rng(0), record


def load_network(path: Path) -> None:
    """Load the weights; they are finite numbers, whatever the file says."""
    made = network()
    made.load(path)
    assert all(np.isfinite(W).all() for W in made.parameters.values())


def resume(path: Path) -> None:
    """Go on with a training; where it stands makes sense, whatever the file says."""
    made, optimizer, rng, record = training()
    load_checkpoint(path, made, optimizer, rng, record, SETTINGS)
    assert 0 <= record.best_epoch <= len(record.validation_loss)
    assert all(isinstance(loss, float) for loss in record.batch_loss)
    assert all(np.isfinite(W).all() for W in made.parameters.values())


def sweep_on(path: Path) -> None:
    """Read the results of a sweep; each has numbers, whatever the file says."""
    with results_file(path) as (_, trials):
        for trial in trials.values():
            assert not trial.error
            assert all(isinstance(number, (int, float)) for number in
                       trial.numbers.values())  # fmt: skip


READERS: dict[str, Callable[[Path], object]] = {
    "images": lambda path: files.read_images(path, 2),
    "labels": lambda path: files.read_labels(path, 10),
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
    # Some copies of what there is, and some room for zipfile and Python's parser; of
    # what is compressed, as much as a file of MNIST holds.
    unpacked = files.LARGEST if name in ("images", "labels") else 0
    assert peak < 10 * len(content) + unpacked + 4_000_000, f"{peak:,} bytes of memory"
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
        save_checkpoint(path, *training(), SETTINGS)
        return [path.read_bytes()]
    failed = LINE | {"seed": 1, "numbers": {}, "error": "a traceback"}
    lines = [json.dumps(line) + "\n" for line in (LINE, failed)]
    return ["".join(lines).encode(), (lines[0] + lines[1][:20]).encode()]


def other_word(text: bytes, draw: random.Random) -> bytes:
    """Put something else in the place of one value in a header or in JSON."""
    values = [found.span(1 if found[1] else 0) for found in VALUE.finditer(text)]
    if not values:
        return text
    start, end = draw.choice(values)
    alike = [word for word in WORDS if word[:1] == text[start : start + 1]]
    return text[:start] + draw.choice(draw.choice([alike, WORDS]) or WORDS) + text[end:]


def other_array(part: bytes, change: Change, draw: random.Random) -> bytes:
    """Change the file of an array: its header, the text that it holds, or any bytes."""
    start = 10 + int.from_bytes(part[8:10], "little")
    header, body = part[10:start], part[start:]
    how = draw.randrange(3)
    if how == 0 or not header:
        return change(part)
    if how == 1 or b"<U" not in header:
        header = other_word(header, draw)
        return part[:8] + len(header).to_bytes(2, "little") + header + body
    text = other_word(body.decode("utf-32-le").encode(), draw).decode()
    file = io.BytesIO()
    np.save(file, np.array(text))
    return file.getvalue()


def mutated(content: bytes, change: Change, seed: int) -> bytes:
    """Change what is packed, and pack it again, so that its checksum is right.

    Parameters
    ----------
    content : bytes
        A file; what cannot be unpacked is changed as it is.
    change : function
        Returns other bytes in the place of some.
    seed : int
        Decides which part is changed, and how.
    """
    draw = random.Random(seed)
    if draw.random() < 0.1:
        return change(content)
    with contextlib.suppress(Exception):  # it is no gzip file
        return gzip.compress(change(gzip.decompress(content)), 1, mtime=0)
    with contextlib.suppress(Exception):  # nor an archive of arrays
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {each: archive.read(each) for each in archive.namelist()}
        name = draw.choice(list(parts))
        parts[name] = other_array(parts[name], change, draw)
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for each, part in parts.items():
                archive.writestr(zipfile.ZipInfo(each), part)
        return file.getvalue()
    return change(content) if draw.random() < 0.3 else other_word(content, draw)
