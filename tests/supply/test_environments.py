"""What the environments are made from, when they are made anew, and what pip says."""

import sys

import environments
import pytest
from environments import BOOK_LOCK, TESTS_LOCK, MakeError


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Return the book's environment, in a folder of its own, and what is done to it."""
    for name in ("tests", ".venv"):
        (tmp_path / name).mkdir()
    for name in (BOOK_LOCK, TESTS_LOCK, "pyproject.toml"):
        (tmp_path / name).write_text("numpy==2.4.6 \\\n")
    (tmp_path / ".venv" / "lib" / "python3" / "site-packages").mkdir(parents=True)
    done = []
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "VENV", tmp_path / ".venv")

    def make_venv(folder, clear=False):
        done.extend(["clear"] if clear else [])

    def pip(folder, *arguments, progress=None):
        done.append(arguments[-1])

    monkeypatch.setattr(environments, "make_venv", make_venv)
    monkeypatch.setattr(environments, "pip", pip)
    return tmp_path, done


def told(done):
    """Return what was done since this was asked last."""
    said, done[:] = list(done), []
    return said


def test_the_tests_add_to_what_the_book_has(made):
    _, done = made
    environments.prepare()
    assert told(done) == [BOOK_LOCK, "."]
    environments.prepare()
    assert told(done) == []
    environments.prepare_tests()
    assert told(done) == [TESTS_LOCK, "."]
    environments.prepare()
    environments.prepare_tests()
    assert told(done) == []


@pytest.mark.parametrize(
    ("changed", "book", "tests"),
    [
        (BOOK_LOCK, [BOOK_LOCK, "."], [TESTS_LOCK, "."]),
        (TESTS_LOCK, [], [TESTS_LOCK, "."]),
        ("pyproject.toml", ["."], [TESTS_LOCK, "."]),
    ],
)
def test_what_has_changed_is_installed_again(made, changed, book, tests):
    folder, done = made
    environments.prepare_tests()
    (folder / changed).write_text("numpy==2.4.7 \\\n")
    told(done)
    environments.prepare()
    assert told(done) == book
    environments.prepare_tests()
    assert told(done) == tests


def test_what_was_interrupted_or_has_moved_is_made_anew(made, monkeypatch):
    folder, done = made
    pip = environments.pip

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(environments, "pip", interrupted)
    with pytest.raises(KeyboardInterrupt):
        environments.prepare()
    monkeypatch.setattr(environments, "pip", pip)
    environments.prepare()
    assert told(done) == ["clear", BOOK_LOCK, "."]
    stamp = folder / ".venv" / "made-from"
    stamp.write_text(stamp.read_text().replace(str(folder), "/elsewhere"))
    environments.prepare()
    assert told(done) == ["clear", BOOK_LOCK, "."]


def test_a_failure_leaves_the_book_what_it_has(made, monkeypatch):
    """Without a network, say, there are no tests, but there is a book."""
    _, done = made
    environments.prepare()

    def fail(*_, **__):
        raise MakeError("no network")

    monkeypatch.setattr(environments, "pip", fail)
    with pytest.raises(MakeError):
        environments.prepare_tests()
    environments.prepare()
    assert told(done) == [BOOK_LOCK, "."]


@pytest.fixture
def fake_pip(tmp_path):
    """Return a maker of an environment whose pip says some words and ends."""

    def make(words, code=0):
        python = tmp_path / "bin" / "python"
        python.parent.mkdir()
        python.write_text(
            f"#!/bin/sh\ncat <<'END'\n{words}\nEND\nsleep 1\nexit {code}\n"
        )
        python.chmod(0o755)
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("ERROR: [Errno 28] No space left on device", "the disk is full"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM",
            "must not be; try again",
        ),
        ("ERROR: Could not find a version", "needs the network, so connect"),
    ],
)
def test_a_failure_of_pip_ends_in_its_last_words_and_the_remedy(
    fake_pip, capfd, words, remedy
):
    folder = fake_pip("Collecting\n" * 20 + words, 1)
    with pytest.raises(MakeError, match=remedy) as caught:
        environments.pip(folder, "x")
    assert str(folder / "install.log") in str(caught.value)
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 8
    assert said[-1] == words


SAID = """\
Ignoring appnope: markers 'sys_platform == "darwin"' don't match your environment
Requirement already satisfied: idna==3.20
Collecting numpy==2.4.6 (from -r requirements.txt (line 1))
  Downloading numpy-2.4.6-cp311-cp311-manylinux_x86_64.whl (16.5 MB)
  Using cached six-1.17.0-py2.py3-none-any.whl (500 kB)
Processing ./attrs-26.1.0-py3-none-any.whl
"""


def test_pip_is_followed_by_what_it_says(made, fake_pip, capfd):
    folder, _ = made
    lock = "".join(f"p{number}==1 \\\n" for number in range(9))
    (folder / BOOK_LOCK).write_text(lock)
    progress = environments.Progress("lock", folder / ".venv", BOOK_LOCK)
    (progress.packages / "numpy-2.4.6.dist-info").mkdir()
    progress.show(SAID)
    progress.show(SAID)
    assert capfd.readouterr().out == (
        "==> lock: 4 of 8 packages fetched (17 MB), 2 unpacked\n"
    )


def test_what_python_has_compiled_is_kept_whatever_the_shell_says(monkeypatch, capfd):
    """Images of containers often forbid it; then each kernel compiles SymPy anew."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    asked = "import sys; print(sys.dont_write_bytecode)"
    assert environments.run(sys.executable, "-c", asked) == 0
    assert capfd.readouterr().out.strip() == "False"
