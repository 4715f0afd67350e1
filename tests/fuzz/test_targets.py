"""The fuzzer's seeds are good files, what it changes is checked, a fault is noticed."""

import io
import random
import zipfile

import numpy as np
import pytest
from backprop.data.mnist import check_source
from targets import READERS, check, mutated, other_word, seeds

kinds = pytest.mark.parametrize("name", READERS)


@kinds
def test_a_seed_is_taken_and_always_the_same(name, tmp_path):
    made = seeds(name, tmp_path)
    assert made == seeds(name, tmp_path)
    assert all(check(name, seed, tmp_path) for seed in made)


@kinds
def test_whatever_is_changed_in_a_seed_it_is_taken_or_refused(name, tmp_path):
    made, taken = seeds(name, tmp_path), 0
    for number in range(100):
        draw = random.Random(number)

        def change(part, draw=draw):
            place = draw.randrange(len(part) or 1)
            return part[:place] + draw.randbytes(1) + part[place + 1 :]

        content = mutated(made[number % len(made)], change, number)
        taken += check(name, content, tmp_path)
    assert 0 < taken < 100


def test_what_is_packed_is_changed_and_packed_again(tmp_path):
    [seed] = seeds("network", tmp_path)
    changed = [mutated(seed, lambda part: part + b"!", number) for number in range(50)]
    archives = 0
    for content in changed:
        if zipfile.is_zipfile(io.BytesIO(content)) and not content.endswith(b"!"):
            archives += zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    assert archives > 30
    [seed] = seeds("labels", tmp_path)
    assert check("labels", mutated(seed, lambda part: part, 1), tmp_path)


def test_another_value_stands_in_the_place_of_one():
    text = b"{'shape': (3, 2)}"
    others = {other_word(text, random.Random(number)) for number in range(100)}
    assert b"{'shape': (2, 0)}" in others
    assert other_word(b"", random.Random(0)) == b""


@pytest.mark.parametrize(
    ("reader", "told"),
    [
        (lambda path: path.read_bytes()[10**9], "index out of range"),
        (lambda path: np.ones(10_000_000), "bytes of memory"),
        (lambda path: check_source("x", "y"), "the file is not named"),
    ],
)
def test_what_should_not_be_is_noticed(monkeypatch, tmp_path, reader, told):
    monkeypatch.setitem(READERS, "network", reader)
    with pytest.raises((IndexError, AssertionError), match=told):
        check("network", b"0", tmp_path)
