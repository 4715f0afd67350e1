"""The house of the library: floors, light imports, documented names."""

import ast
import dataclasses
import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import backprop
import pytest

HOME = Path(backprop.__file__).parent
MODULES = sorted(
    module.name.removeprefix("backprop.")
    for module in pkgutil.walk_packages([str(HOME)], "backprop.")
)

# A module may import from lower floors only. None: it imports nothing of ours.
FLOORS = {
    "errors": 0,
    "initialization": 0,
    "running": 0,
    "schedules": 0,
    "arrays": 1,
    "checks": 1,
    "dataset": 1,
    "identity": 1,
    "saving": 1,
    "augmentation": 2,
    "data": 2,
    "layers": 2,
    "losses": 2,
    "optimizers": 2,
    "convolution": 3,
    "network": 3,
    "normalization": 3,
    "recurrent": 3,
    "gradient_check": 4,
    "pruning": 4,
    "resuming": 4,
    "training": 5,
    "plots": 6,
    "parallel": 6,
    "book": 6,
    "oracles": None,
}


def imports(module):
    """Return the modules of ours that a module imports when it runs.

    What stands under ``if TYPE_CHECKING`` is for the type checker and never runs.
    """
    path = HOME / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            if node.module == "backprop":
                found |= {alias.name for alias in node.names}
            elif (node.module or "").startswith("backprop."):
                found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found |= {parts[-1] for parts in names if parts[0] == "backprop"}
    return found


def run(program):
    """Run a program in a Python of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_module_has_its_floor():
    assert set(FLOORS) == {module.split(".")[0] for module in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_from_lower_floors_only(module):
    home = module.split(".")[0]
    floor = FLOORS[home]
    for other in imports(module) - {home}:
        assert floor is not None, f"{module} stands apart, but imports {other}"
        assert FLOORS[other] is not None, f"{module} imports {other}, which is apart"
        assert FLOORS[other] < floor, f"{module} imports {other}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_can_be_imported_first(module):
    """No circle hides behind the order in which the package imports its modules."""
    run(f"import backprop.{module}")


ABSENT = ("threading", "multiprocessing", "signal", "socket", "ssl", "ctypes")


def test_where_there_are_no_threads_no_processes_and_no_sockets_a_network_learns():
    """As in a browser. NumPy comes first: there it is another build of NumPy."""
    program = f"""
import sys
import numpy, numpy.random, numpy.lib.format, numpy.ma
for absent in {ABSENT}:
    for loaded in [m for m in sys.modules if m.split(".")[0] == absent]:
        del sys.modules[loaded]
    sys.modules[absent] = None
from backprop import (SGD, Dense, Network, ReLU, SoftmaxCrossEntropy, load_mnist,
                      train)
digits = load_mnist("embedded")
network = Network([Dense(784, 100), ReLU(), Dense(100, 10)], seed=0,
                  loss=SoftmaxCrossEntropy())
history = train(network, digits.train[:1000], validation=digits.validation,
                optimizer=SGD(0.1, momentum=0.9), epochs=2)
print(history.validation_accuracy[-1] > 0.7)
sys.modules.pop("threading")
"""
    assert run(program) == "True"


HEAVY = ("matplotlib", "sympy", "mlxtend", "pooch", "requests", "IPython", "scipy")


def test_importing_the_library_imports_nothing_heavy():
    program = f"""
import sys, backprop
print(*(name for name in {HEAVY} if name in sys.modules))
"""
    assert run(program) == ""


def test_loading_the_embedded_digits_needs_no_network_library():
    program = """
import sys, backprop
backprop.load_mnist("embedded")
print(*(name for name in ("pooch", "requests") if name in sys.modules))
"""
    assert run(program) == ""


def test_the_standard_library_is_not_shadowed():
    """`code` is also a module that Python's debugger imports."""
    assert "InteractiveConsole" in run("import code; print(dir(code))")
    assert not (HOME.parent / "__init__.py").exists()


def test_all_is_sorted_and_complete():
    for name in backprop.__all__:
        assert hasattr(backprop, name)
    public = {
        name
        for name, thing in vars(backprop).items()
        if not name.startswith("_") and not inspect.ismodule(thing)
    }
    assert public == set(backprop.__all__)


def documented():
    """Yield each public function and class of each module, with its name."""
    for module in MODULES:
        for name, thing in vars(importlib.import_module(f"backprop.{module}")).items():
            ours = getattr(thing, "__module__", None) == f"backprop.{module}"
            if ours and not name.startswith("_") and callable(thing):
                yield f"{module}.{name}", thing


THINGS = dict(documented())


def sections(thing):
    """Return the section titles of a NumPy-style docstring."""
    lines = inspect.getdoc(thing).splitlines()
    return [
        title.strip()
        for title, below in pairwise(lines)
        if below and set(below.strip()) == {"-"}
    ]


@pytest.mark.parametrize("module", [None, *MODULES])
def test_a_module_opens_with_a_sentence(module):
    name = "backprop" if module is None else f"backprop.{module}"
    first = importlib.import_module(name).__doc__.splitlines()[0]
    assert first.endswith(".")
    assert len(first) > 40


@pytest.mark.parametrize("name", THINGS)
def test_a_public_name_has_a_docstring_of_its_own(name):
    assert THINGS[name].__doc__, f"{name} has no docstring"
    assert inspect.getdoc(THINGS[name]).splitlines()[0].endswith(".")


FUNCTIONS = [n for n in backprop.__all__ if inspect.isfunction(getattr(backprop, n))]
MADE_BY_HAND = ["Dense", "Network", "SGD"]
RESULTS = ["Digits", "Evaluation", "History", "Dataset"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_takes_and_gives(name):
    function = getattr(backprop, name)
    assert {"Parameters", "Returns"} <= set(sections(function))
    for parameter in inspect.signature(function).parameters:
        assert parameter in inspect.getdoc(function)


@pytest.mark.parametrize("name", MADE_BY_HAND)
def test_a_class_says_what_it_takes_and_raises(name):
    thing = getattr(backprop, name)
    assert {"Parameters", "Raises"} <= set(sections(thing))
    for parameter in inspect.signature(thing).parameters:
        assert parameter in inspect.getdoc(thing)


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_says_what_it_holds(name):
    thing = getattr(backprop, name)
    assert "Attributes" in sections(thing)
    for field in dataclasses.fields(thing):
        assert field.name in inspect.getdoc(thing)


LAYERS = ["ReLU", "Sigmoid", "Tanh"]
LOSSES = ["MeanSquaredError", "SmoothedCrossEntropy", "SoftmaxCrossEntropy"]


@pytest.mark.parametrize("name", FUNCTIONS + MADE_BY_HAND + LAYERS + LOSSES)
def test_what_a_reader_types_has_an_example(name):
    found = doctest.DocTestFinder(recurse=False).find(getattr(backprop, name))
    assert any(test.examples for test in found), f"{name} has no example"


def test_all_errors_are_value_errors_of_the_library():
    for name in ("DataError", "InputError", "TrainingError", "SavedFileError"):
        assert issubclass(getattr(backprop, name), backprop.BackpropError)
    assert issubclass(backprop.BackpropError, ValueError)


def lines_of_code(source):
    """Count the lines of a piece of code that hold code: no docstring, no comment."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body.remove(first)
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.expr, ast.stmt, ast.arg, ast.keyword)):
            lines |= {node.lineno, node.end_lineno}
    return len(lines)


def test_lines_are_counted_without_words():
    lines = ["def f(", "    x,", "):", '    """Words.', "", '    More."""', "    # why"]
    code = "\n".join([*lines, "    return x"])
    assert lines_of_code(code) == 3


def test_the_loop_is_read_at_a_glance():
    """It stands whole in a chapter."""
    assert lines_of_code(inspect.getsource(backprop.train)) <= 45
