"""Judges what was changed since the branch left main: `make check`, in half a minute.

For each file it runs what looks at that kind: the tests of a module, its examples and
types, the form of a chapter, spelling. `make test` looks at everything.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
LIBRARY = "code/backprop/"
WORDS = (".md", ".py", ".yml", ".toml", ".js", ".css", ".html", ".sh", "")


def git(*words: str) -> list[str]:
    """Return the lines that git answers, none where it can't."""
    answer = subprocess.run(
        ["git", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return answer.stdout.splitlines() if answer.returncode == 0 else []


def changed() -> list[str]:
    """Return the files that differ from where this branch left main."""
    base = git("merge-base", "HEAD", "origin/main") or ["HEAD"]
    names = git("diff", "--name-only", "--diff-filter=d", base[0])
    names += git("ls-files", "--others", "--exclude-standard")
    return sorted(name for name in set(names) if (ROOT / name).is_file())


def tests_for(name: str) -> list[str]:
    """Return the tests that look at a file."""
    path = Path(name)
    found = []
    if name.startswith(LIBRARY) and path.suffix == ".py":
        found.append(name)  # its examples
        tests = (ROOT / "tests" / "library").glob(f"test_{path.stem}*.py")
        found += [test.relative_to(ROOT).as_posix() for test in tests]
    elif name.startswith(("tests/library/test_", "tests/chapters/test_")):
        found.append(name)
    return found


def judgments(names: list[str]) -> list[list[str]]:
    """Return the commands that judge some files."""
    python = [name for name in names if name.endswith(".py")]
    words = [name for name in names if Path(name).suffix in WORDS]
    chapters = [Path(n).stem for n in names if n.startswith("chapters/")]
    tests = sorted({test for name in names for test in tests_for(name)})
    pytest = [*("python", "-m", "pytest", "-q", "--no-header", "-n", "auto")]
    found = []
    if python:
        found += [["ruff", "check", *python], ["ruff", "format", "--check", *python]]
    if words:
        found.append(["codespell", *words])
    if any(name.startswith(LIBRARY) for name in names):
        found.append(["mypy"])
    if tests:
        found.append([*pytest, *tests])
    if chapters:
        form = "tests/chapters/test_chapters.py"
        found.append([*pytest, form, "-k", " or ".join(chapters)])
    return found


def main() -> int:
    """Run what judges the changed files; return how many judgments were bad."""
    names = changed()
    print(f"{len(names)} files were changed")
    bad = []
    for command in judgments(names):
        print(f"--> {' '.join(command)[:150]}", flush=True)
        code = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT).returncode
        if code not in (0, 5):  # 5: pytest found no test for a new chapter
            bad.append(command[0])
    return len(bad)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
