"""Find which modules of the library a chapter's cells can reach, by reading the code.

A chapter depends on the modules that its imports lead to, and on those that these
import; not on their docstrings. Nobody lists them: the imports stand in the code.
"""

import ast
import hashlib
from collections import Counter
from functools import cache
from pathlib import Path

PACKAGE = "backprop"
WITH_DOCSTRINGS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class WithoutWords(ast.NodeTransformer):
    """Leaves out what no run depends on: docstrings, and imports for types alone."""

    def generic_visit(self, node):
        """Drop a first statement that is only a text."""
        if isinstance(node, WITH_DOCSTRINGS) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        return super().generic_visit(node)

    def visit_If(self, node):
        """Drop what only a type checker reads."""
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return [self.visit(other) for other in node.orelse] or None
        return self.generic_visit(node)


class Code:
    """What some code imports from the library, and what it asks modules for.

    Parameters
    ----------
    tree : ast.AST
        The code, parsed.

    Attributes
    ----------
    imported : list of (module, name or None, variable)
        What each import brings, and under which name the code has it.
    asked : dict of str to set of str
        For each variable what follows it after a dot.
    """

    def __init__(self, tree):
        self.imported, self.asked = [], {}
        self._used = Counter()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and ours(node.module):
                for alias in node.names:
                    variable = alias.asname or alias.name
                    self.imported.append((node.module, alias.name, variable))
            elif isinstance(node, ast.Import):
                for alias in filter(lambda alias: ours(alias.name), node.names):
                    self.imported.append((alias.name, None, alias.asname))
                    if not alias.asname:  # `import backprop.x` gives the name backprop
                        self.imported.append((PACKAGE, None, PACKAGE))
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                self.asked.setdefault(node.value.id, set()).add(node.attr)
                self._used[node.value.id] -= 1
            elif isinstance(node, ast.Name):
                self._used[node.id] += 1

    def only_asked(self, variable):
        """Return what a variable is asked for, None if it is used otherwise too."""
        return None if self._used[variable] else self.asked.get(variable)


@cache  # a library is looked at after each chapter, and seldom another one
def parse(text, name):
    """Return what a module imports, and a digest of it that words don't change."""
    tree = WithoutWords().visit(ast.parse(text, name))
    return Code(tree), hashlib.sha256(ast.dump(tree).encode()).hexdigest()


class Library:
    """The modules of the library as they stand in a folder at one moment.

    Parameters
    ----------
    folder : Path
        Where the package is.
    """

    def __init__(self, folder):
        self.folder = folder
        self._parsed = {}

    def file(self, module):
        """Return the file of a module, or None if there is none of this name."""
        path = self.folder.joinpath(*module.split(".")[1:])
        for candidate in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if candidate.is_file():
                return candidate
        return None

    def is_package(self, module):
        """Tell whether a module has others in it."""
        file = self.file(module)
        return file is not None and file.name == "__init__.py"

    def parsed(self, module):
        """Return what a module imports, and a digest of it that words don't change."""
        if module not in self._parsed:
            file = self.file(module)
            self._parsed[module] = parse(file.read_bytes(), str(file))
        return self._parsed[module]

    def source(self, module, name):
        """Return the module that defines what is imported from a module by a name."""
        if self.file(f"{module}.{name}"):
            return f"{module}.{name}"
        if self.is_package(module):
            for place, original, variable in self.parsed(module)[0].imported:
                if variable == name and original:
                    return self.source(place, original)
        return module

    def named(self, code):
        """Yield the modules that code names.

        Of a package that is only ever asked for something, as in `plots.line_chart`,
        these are the modules that define what it is asked for.
        """
        for place, name, variable in code.imported:
            module = self.source(place, name) if name else place
            asked = code.only_asked(variable) if self.is_package(module) else None
            if asked:
                yield from (self.source(module, what) for what in asked)
            else:
                yield module

    def reached(self, code):
        """Return the modules that some code can reach, with their digests.

        Parameters
        ----------
        code : str
            Python, as it stands in a chapter's cells.

        Returns
        -------
        dict of str to str
        """
        found, waiting = {}, set(self.named(Code(ast.parse(code))))
        while waiting:
            module = waiting.pop()
            if module not in found and self.file(module):
                own, found[module] = self.parsed(module)
                waiting.update(self.named(own))
        return dict(sorted(found.items()))


def ours(module):
    """Tell whether a module belongs to the library."""
    return module is not None and module.split(".")[0] == PACKAGE


def library(root):
    """Return the library of a book as it stands there now."""
    return Library(Path(root, "code", PACKAGE))
