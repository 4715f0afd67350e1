"""Chapters that run ahead of Sphinx: what they print is kept, what fails is not."""

import sys
import warnings

import pytest
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_notebook
from the_book import ROOT

sys.path.insert(0, str(ROOT / "_theme"))
with warnings.catch_warnings():  # MyST-NB's own
    warnings.simplefilter("ignore", DeprecationWarning)
    from backprop_book.ahead import fill_cache

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}


def notebook(code):
    return new_notebook(cells=[new_code_cell(code)], metadata=KERNEL)


@pytest.fixture
def cache(tmp_path):
    return get_cache(tmp_path / "cache")


def test_what_ran_is_kept_and_what_failed_is_left_to_be_run_again(cache, tmp_path):
    codes = {"right.md": "print(6 * 7)", "wrong.md": "1 / 0", "also.md": "print(1)"}
    work = [(str(tmp_path / name), notebook(code)) for name, code in codes.items()]
    fill_cache(cache, work, timeout=60, at_a_time=2)
    _, ran = cache.merge_match_into_notebook(notebook("print(6 * 7)"))
    assert ran.cells[0].outputs[0].text == "42\n"
    assert cache.match_cache_notebook(notebook("print(1)")).data["execution_seconds"]
    with pytest.raises(KeyError):
        cache.match_cache_notebook(notebook("1 / 0"))


def test_nothing_to_run_starts_nothing(cache):
    fill_cache(cache, [], timeout=60, at_a_time=2)
    assert cache.list_cache_records() == []
