"""The list of surviving mutants is kept in order, and the reader of mutmut reads."""

import inspect
from importlib import import_module

import mutants
import pytest
from mutants import Change, Kept, change_of, faults, one_line, statuses

LISTED = Kept.read(mutants.KEPT.read_text(encoding="utf-8")).changes


@pytest.mark.parametrize("change", sorted(LISTED, key=str), ids=lambda c: c.function)
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


ENTRY = """[[survivor]]
function = "losses.softmax"
was = "1"
now = ["2", "3"]
reason = "They are equal."
[[free]]
function = 'layers\\..*'
code = 'name="[a-z]+"'
reason = "Any name will do."
"""


def test_a_survivor_is_listed_with_its_reason():
    changes = Kept.read(ENTRY).changes
    assert changes == {Change("losses.softmax", "1", now) for now in "23"}
    for reason in ("They are equal.", "Any name will do."):
        with pytest.raises(ValueError, match="a survivor without a reason"):
            Kept.read(ENTRY.replace(reason, " "))


def test_code_that_may_change_freely_is_listed_by_its_pattern():
    listed = Kept.read(ENTRY)
    assert listed.is_free(Change("layers.f", 'f(1, name="a")', 'f(1, name="b")'))
    assert not listed.is_free(Change("layers.f", 'f(1, name="a")', 'f(2, name="b")'))
    assert not listed.is_free(Change("losses.f", 'f(1, name="a")', 'f(1, name="b")'))


def test_a_survivor_that_is_not_listed_is_a_fault_and_so_are_too_many():
    listed = Kept.read(ENTRY)
    one, two, new = (Change("losses.softmax", "1", now) for now in "234")
    free = Change("layers.f", 'name="a"', 'name="b"')
    assert faults(41, {one, two, free}, listed) == []
    assert faults(40, {one, new}, listed) == [f"No test notices {new}"]
    assert faults(40, {one, two, free}, listed) == [
        "Fewer than 95% of the mutants are killed."
    ]
