"""Break the library on purpose and see whether a test notices: `make mutants`.

mutmut changes one operator, number or argument at a time and runs the tests that
reach it. What no test notices is a survivor. It needs a test, or, where the change
makes no difference that matters, an entry with the reason in surviving_mutants.toml.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ROOM = ROOT / "_build" / "mutants"
KEPT = HERE / "surviving_mutants.toml"
LEAST_KILLED = 0.95

NAME = re.compile(r"backprop\.(\w+)\.x(?:_|ǁ([^ǁ]+)ǁ)(\w+)__mutmut_\d+")
DEAD = ("killed", "timeout", "segfault")


@dataclass(frozen=True)
class Change:
    """What mutmut did to a function."""

    function: str
    was: str
    now: str

    def __str__(self) -> str:
        """Return the change as the list of survivors has it."""
        return f"{self.function}\n    was: {self.was}\n    now: {self.now}"


def one_line(lines: list[str]) -> str:
    """Return code as one line, so that its place in the file does not matter."""
    return " ".join(" ".join(lines).split())


def change_of(name: str, shown: str) -> Change:
    """Read what `mutmut show` says about a mutant."""
    module, owner, function = NAME.fullmatch(name).groups()
    lines = [line for line in shown.split("\n") if not line.startswith(("---", "+++"))]
    was, now = (
        one_line([line[1:] for line in lines if line.startswith(sign)]) for sign in "-+"
    )
    return Change(".".join(filter(None, (module, owner, function))), was, now)


def statuses(printed: str) -> dict[str, str]:
    """Read what `mutmut results` prints: what became of each mutant."""
    pairs = (line.strip().rpartition(": ") for line in printed.splitlines())
    return {name: status for name, _, status in pairs if NAME.fullmatch(name)}


@dataclass(frozen=True)
class Kept:
    """The list of survivors: changes, and code that may change freely, by pattern."""

    changes: frozenset[Change]
    free: tuple[tuple[str, str], ...]  # of which functions, which code

    @classmethod
    def read(cls, text: str) -> "Kept":
        """Read the list; each entry must have its reason."""
        entries = tomllib.loads(text)
        for entry in [*entries.get("free", []), *entries.get("survivor", [])]:
            if not entry["reason"].strip():
                raise ValueError(f"a survivor without a reason: {entry}")
        changes = frozenset(
            Change(entry["function"], entry["was"], now)
            for entry in entries.get("survivor", [])
            for now in entry["now"]
        )
        free = [(entry["function"], entry["code"]) for entry in entries.get("free", [])]
        return cls(changes, tuple(free))

    def is_free(self, change: Change) -> bool:
        """Tell whether a change is one of code that may change freely."""
        was, now = change.was, change.now
        for function, code in self.free:
            if re.fullmatch(function, change.function):
                was, now = re.sub(code, "", was), re.sub(code, "", now)
        return was == now


def faults(count: int, alive: set[Change], allowed: Kept) -> list[str]:
    """Return what is wrong with a run of so many mutants; nothing if all is well."""
    counted = {change for change in alive if not allowed.is_free(change)}
    found = [f"No test notices {change}" for change in counted - allowed.changes]
    count -= len(alive) - len(counted)
    if count - len(counted) < LEAST_KILLED * count:
        found.append(f"Fewer than {LEAST_KILLED:.0%} of the mutants are killed.")
    return sorted(found)


def lay_out() -> None:
    """Copy library and tests to where mutmut expects them, below `src` and `tests`."""
    no_caches = shutil.ignore_patterns("__pycache__")
    shutil.rmtree(ROOM, ignore_errors=True)
    shutil.copytree(ROOT / "code" / "backprop", ROOM / "src" / "backprop")
    shutil.copytree(HERE, ROOM / "tests" / "library", ignore=no_caches)
    shutil.copy(ROOT / "pyproject.toml", ROOM)
    # Python passes over a folder on its path that is not there when it starts.
    (ROOM / "mutants" / "src").mkdir(parents=True)


def mutmut(*arguments: str, **options) -> subprocess.CompletedProcess:
    """Run mutmut; whatever Python the tests start imports the broken library too."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOM / "mutants" / "src")}
    return subprocess.run(
        command, cwd=ROOM, env=environment, encoding="utf-8", **options
    )


def read(*arguments: str) -> str:
    """Return what mutmut prints."""
    return mutmut(*arguments, capture_output=True, check=True).stdout


def main() -> None:
    """Make all mutants, run the tests, and compare with the list of survivors."""
    lay_out()
    log = ROOM / "log.txt"
    with log.open("w", encoding="utf-8") as file:
        failed = mutmut("run", stdout=None if sys.stdout.isatty() else file).returncode
    if failed:
        sys.exit(f"The tests are not green before anything is broken; see {log}.")
    found = statuses(read("results", "--all", "true"))
    alive = [name for name, status in found.items() if status not in DEAD]
    changes = {change_of(name, read("show", name)) for name in alive}
    allowed = Kept.read(KEPT.read_text(encoding="utf-8"))
    free = len([change for change in changes if allowed.is_free(change)])
    print(
        f"{len(found) - len(alive)} of {len(found)} mutants are killed by a test; "
        f"{free} of the others are of code that may change freely."
    )
    for change in sorted(allowed.changes - changes, key=str):
        print(f"Killed now, so to be taken from {KEPT.name}: {change}")
    if told := faults(len(found), changes, allowed):
        sys.exit("\n".join(told))


if __name__ == "__main__":
    main()
