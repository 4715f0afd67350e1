"""The list of surviving mutants is kept in order, and the reader of mutmut reads."""

import inspect
from importlib import import_module

import mutants
import pytest
from mutants import Change, change_of, faults, kept, one_line, statuses

LISTED = sorted(kept(mutants.KEPT.read_text(encoding="utf-8")), key=str)


@pytest.mark.parametrize("change", LISTED, ids=lambda change: change.function)
def test_a_survivor_that_is_listed_changes_a_line_that_there_is(change):
    thing, *names = change.function.split(".")
    thing = import_module(f"backprop.{thing}")
    for name in names:
        thing = getattr(thing, name)
    assert change.was in one_line(inspect.getsource(thing).split("\n"))
    assert change.now != change.was


SHOWN = """# backprop.losses.xǁMeanSquaredErrorǁforward__mutmut_27: survived
--- src/backprop/losses.py
+++ src/backprop/losses.py
@@ -29,5 +29,5 @@
     kept
-    self.difference = outputs - f(
-        1
-    )
+    self.difference = outputs - f(2)
     return 1
"""


def test_what_mutmut_shows_is_read():
    name = "backprop.losses.xǁMeanSquaredErrorǁforward__mutmut_27"
    assert change_of(name, SHOWN) == Change(
        "losses.MeanSquaredError.forward",
        "self.difference = outputs - f( 1 )",
        "self.difference = outputs - f(2)",
    )
    assert change_of("backprop.losses.x_one_hot__mutmut_1", SHOWN).function == (
        "losses.one_hot"
    )


def test_what_became_of_the_mutants_is_read():
    printed = """
    backprop.losses.x_softmax__mutmut_1: killed
    backprop.losses.xǁSGDǁstep__mutmut_12: no tests
"""
    assert statuses(printed) == {
        "backprop.losses.x_softmax__mutmut_1": "killed",
        "backprop.losses.xǁSGDǁstep__mutmut_12": "no tests",
    }


def test_a_survivor_has_a_reason():
    entry = '[[survivor]]\nfunction = "losses.softmax"\nwas = "1"\nnow = ["2", "3"]\n'
    changes = {Change("losses.softmax", "1", now) for now in "23"}
    assert kept(entry + 'reason = "They are equal."') == changes
    with pytest.raises(ValueError, match=r"losses\.softmax: a survivor without"):
        kept(entry + 'reason = " "')


def test_a_survivor_that_is_not_listed_is_a_fault_and_so_are_too_many():
    one, two = (Change("losses.softmax", "1", now) for now in "23")
    assert faults(40, {one, two}, {one, two}) == []
    assert faults(40, {one, two}, {one}) == [f"No test notices {two}"]
    assert faults(39, {one, two}, {one, two}) == [
        "Fewer than 95% of the mutants are killed."
    ]
