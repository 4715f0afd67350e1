"""Let the tests import what installs and asks, which is no package."""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

import pytest
from the_book import ROOT

sys.path.insert(0, str(ROOT / "_theme"))


@pytest.fixture
def audit():
    """Return the script `.ci/audit` as a module of the test's own."""
    loader = SourceFileLoader("audit", str(ROOT / ".ci" / "audit"))
    module = module_from_spec(spec_from_loader("audit", loader))
    loader.exec_module(module)
    return module
