"""The locks: everything by hash, from nowhere in particular, the same in all."""

import re

import pytest
from environments import BOOK_LOCK, LOCKS
from the_book import ROOT

PINNED = re.compile(
    r"[\w.-]+(\[[\w,-]+\])?==\S+( ; [^\\]+)?( \\\n    --hash=sha256:\w{64})+"
)


def pinned_to(requirement):
    """Return name, version and hashes of a requirement."""
    name, version = re.match(r"([\w.-]+).*?==(\S+)", requirement).groups()
    return name, version, *re.findall(r"sha256:(\w+)", requirement)


def requirements(lock):
    """Return the requirements of a lock, each with its hashes, without comments."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    text = re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE)
    return re.split(r"\n(?=\S)", text.strip())


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_versions_and_hashes_and_nothing_else(lock):
    """No address either: pip takes a file from wherever its hash is right."""
    assert [each for each in requirements(lock) if not PINNED.fullmatch(each)] == []
    assert "://" not in (ROOT / lock).read_text(encoding="utf-8")


def test_a_package_is_the_same_in_all_locks():
    """A lock for one Python has fewer versions, but none that another has not."""
    book = set(map(pinned_to, requirements(BOOK_LOCK)))
    names = {name for name, *_ in book}
    for lock in LOCKS:
        other = set(map(pinned_to, requirements(lock)))
        assert {each for each in other - book if each[0] in names} == set()
