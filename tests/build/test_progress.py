"""Whoever builds hears how far it is, and little else."""

import io

import pytest
from backprop_book import progress as module
from backprop_book.progress import Progress, about


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than a minute"), (50, "about 1 minute "), (229, "about 4 minutes")],
)
def test_times_are_said_roughly(seconds, words):
    assert about(seconds).startswith(words)


def test_what_is_left_follows_what_the_others_took(clock):
    told = Progress(io.StringIO())
    told.expect({"chapters/a": 10, "chapters/b": 30, "chapters/c": None}, 2)
    assert told.left() == (10 + 30 + 20) / 2
    told.begin("chapters/a")
    clock[0] = 20  # twice as long as the last time
    told.end("chapters/a")
    assert told.left() == pytest.approx(20 * 50 / 10)


def test_without_a_terminal_each_chapter_that_is_done_is_a_line(clock):
    stream = io.StringIO()
    told = Progress(stream)
    told.expect({"chapters/a": 100, "chapters/b": 100}, 1)
    told.begin("chapters/a")
    clock[0] = 120
    told.end("chapters/a")
    told.passing("reading: 5 %")
    assert stream.getvalue().splitlines() == [
        "==> Running the cells of 2 chapters, 1 at a time",
        "    chapter 1 of 2 done (a), about 2 minutes left",
    ]


def test_on_a_terminal_the_line_is_written_anew(clock):
    stream = Terminal()
    told = Progress(stream)
    told.passing("one")
    told.passing("two")
    told.say("three")
    assert stream.getvalue() == "\r\x1b[K    one\r\x1b[K    two\r\x1b[K==> three\n"


def test_a_line_is_no_longer_than_the_terminal(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    Progress(stream).passing("x" * 99)
    assert len(stream.getvalue().removeprefix("\r\x1b[K")) < 20


def test_nobody_listening_is_no_fault():
    told = Progress()
    told.expect({"a": 1}, 1)
    told.begin("a")
    told.end("a")
    told.say("done")
