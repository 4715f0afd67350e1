"""Look for a file that the library reads and should not: `run.py --seconds 60`.

atheris changes the seeds again and again and keeps what reaches code that nothing
reached before, in _build/fuzz, for the next run. Files that break what `targets.py`
asks for are kept there too; `run.py images FILE` shows again what one of them does.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOM = Path(__file__).parents[2] / "_build" / "fuzz"
READING = ("resuming", "data", "saving", "sweeps")
INSTRUMENTED = ["gzip", "zipfile", "numpy.lib", *(f"backprop.{it}" for it in READING)]


def fuzz(name: str, options: list[str]) -> None:
    """Fuzz one kind of file in this process, which atheris ends."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        import targets

    folder = Path(tempfile.mkdtemp())

    def change(content: bytes, most: int, seed: int) -> bytes:
        def mutate(part: bytes) -> bytes:
            return atheris.Mutate(part, len(part) + 64)

        return targets.mutated(content, mutate, seed)[:most]

    def test_one(content: bytes) -> None:
        targets.check(name, content, folder)

    atheris.Setup([sys.argv[0], *options], test_one, custom_mutator=change)
    atheris.Fuzz()


def fuzz_for(name: str, seconds: int) -> bool:
    """Fuzz one kind of file for a time; tell whether nothing was found."""
    import targets

    corpus = ROOM / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(targets.seeds(name, ROOM)):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = ROOM / "words"
    quoted = ["".join(f"\\x{byte:02x}" for byte in word) for word in targets.WORDS]
    words.write_text("".join(f'"{word}"\n' for word in quoted))
    options = [f"-max_total_time={seconds}", f"-dict={words}", "-max_len=20000"]
    options += ["-timeout=10", "-rss_limit_mb=2000", f"-artifact_prefix={ROOM}/{name}-"]
    log = ROOM / f"{name}.log"
    with log.open("w") as file:
        command = [sys.executable, __file__, "--inside", name, *options, str(corpus)]
        code = subprocess.run(command, stdout=file, stderr=file).returncode
    said = log.read_text(errors="replace").splitlines()
    if code:
        print(*said[-40:], sep="\n")
        print(f"{name}: a file breaks the library; it is named above, all is in {log}")
    else:
        print(f"{name}: {said[-1].removeprefix('Done ')}, nothing found")
    return not code


def main() -> None:
    """Fuzz all kinds of files, or read one file as a kind."""
    if sys.argv[1:2] == ["--inside"]:
        fuzz(sys.argv[2], sys.argv[3:])
    import targets

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60, help="in all")
    parser.add_argument("kind", nargs="?", choices=targets.READERS)
    parser.add_argument("file", nargs="?", type=Path, help="read this one as the kind")
    asked = parser.parse_args()
    if asked.file:
        with tempfile.TemporaryDirectory() as folder:
            taken = targets.check(asked.kind, asked.file.read_bytes(), Path(folder))
        sys.exit(f"{asked.file} is {'taken' if taken else 'refused, as it should be'}")
    try:
        import atheris  # noqa: F401
    except ImportError:
        sys.exit("atheris is missing: `make test` installs it, on Linux on x86-64 only")
    kinds = [asked.kind] if asked.kind else list(targets.READERS)
    found = [fuzz_for(kind, max(1, asked.seconds // len(kinds))) for kind in kinds]
    sys.exit(not all(found))


if __name__ == "__main__":
    main()
