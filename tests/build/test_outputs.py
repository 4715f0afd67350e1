"""What is kept of cells is whole, or it is not there."""

import os
import stat

import pytest
from backprop_book import outputs
from backprop_book.outputs import Store, write_whole

RECORD = {"outputs": [{"text": "α"}], "seconds": 1.5}
KEYS = [letter * 64 for letter in "abcdef"]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "outputs")


def test_what_was_saved_is_loaded(store):
    assert store.load("chapters/a", KEYS[0]) is None
    store.save("chapters/a", KEYS[0], RECORD)
    assert store.load("chapters/a", KEYS[0]) == RECORD
    assert store.load("chapters/a", KEYS[1]) is None
    assert store.load("chapters/b", KEYS[0]) is None
    assert store.damaged == []


@pytest.mark.parametrize("place", [0, 10, 64, 65, 70, -1])
def test_any_byte_that_differs_is_damage(store, place):
    store.save("chapters/a", KEYS[0], RECORD)
    file = store.file("chapters/a", KEYS[0])
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    assert store.load("chapters/a", KEYS[0]) is None
    assert store.damaged == [file.name]
    assert not file.exists()


def test_every_cut_is_damage(store):
    store.save("chapters/a", KEYS[0], RECORD)
    file = store.file("chapters/a", KEYS[0])
    data = file.read_bytes()
    for length in range(len(data)):
        file.write_bytes(data[:length])
        assert store.load("chapters/a", KEYS[0]) is None


def test_the_ones_used_last_are_kept(store):
    for age, key in enumerate(KEYS[: outputs.KEPT]):
        store.save("chapters/a", key, RECORD)
        os.utime(store.file("chapters/a", key), (1000 + age,) * 2)
    store.load("chapters/a", KEYS[0])  # is used now
    store.save("chapters/a", KEYS[4], RECORD)
    kept = [key for key in KEYS if store.file("chapters/a", key).exists()]
    assert kept == [KEYS[0], KEYS[2], KEYS[3], KEYS[4]]


def test_other_chapters_names_do_not_count(store):
    for key in KEYS[: outputs.KEPT]:
        store.save("chapters/16", key, RECORD)
    store.save("chapters/16-finance", KEYS[0], RECORD)
    store.save("chapters/16", KEYS[4], RECORD)
    assert store.load("chapters/16-finance", KEYS[0]) == RECORD


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch, call):
    file = tmp_path / "file"
    write_whole(file, b"old")

    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(outputs.os, call, fail)
    with pytest.raises(OSError, match="No space"):
        write_whole(file, b"new")
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_files_have_the_rights_of_any_other(tmp_path):
    write_whole(tmp_path / "a", b"")
    (tmp_path / "b").touch()
    rights = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"]
    assert rights[0] == rights[1]


def test_what_a_killed_write_left_goes(tmp_path):
    (tmp_path / ".x.part").write_bytes(b"half")
    Store(tmp_path)
    assert not list(tmp_path.iterdir())
