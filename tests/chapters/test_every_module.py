"""The pages that list the library list all of it, each module once."""

import pkgutil
import re

import backprop
from the_book import ROOT, documents

LISTED = re.compile(r"(?m)^\.\. automodule:: (\S+)$")


def test_every_module_stands_on_one_page():
    texts = [(ROOT / f"{name}.md").read_text(encoding="utf-8") for name in documents()]
    listed = [module for text in texts for module in LISTED.findall(text)]
    found = pkgutil.walk_packages(backprop.__path__, "backprop.")
    assert sorted(listed) == sorted(module.name for module in found)
