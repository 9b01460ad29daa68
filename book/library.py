"""Which modules of `watwerkt` a chapter depends on, and which other libraries they import: read, never run."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGE = "watwerkt"

_MAGIC = re.compile(r"^\s*(?:[%!?]|.*\?\s*$)")
_NOT_WARMED = {"vl_convert"}  # starts threads of its own, which a fork would lose


@dataclass(frozen=True)
class Imports:
    """What one file or cell imports. `names` are dotted modules, or names in modules; `lazy` are inside functions."""

    names: frozenset[str]
    lazy: frozenset[str]
    everything: bool = False  # could not be read as Python: it may import anything


class Library:
    """The package's files as they are now; an instance is for one build step, not to be kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / PACKAGE
        self._read: dict[str, Imports] = {}

    @cached_property
    def modules(self) -> dict[str, Path]:
        """Every module of the package with its file."""
        found = {}
        for path in sorted(self.folder.rglob("*.py")):
            parts = path.relative_to(self.folder.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        return found

    def closure(self, cells: Iterable[str]) -> list[str]:
        """The package's modules that these code cells import, directly or through each other."""
        read = [imports_of_cell(cell) for cell in cells]
        if any(imports.everything for imports in read):
            return sorted(self.modules)
        waiting = {module for imports in read for name in imports.names | imports.lazy for module in self._named(name)}
        reached: set[str] = set()
        while waiting:
            module = waiting.pop()
            reached.add(module)
            imports = self._imports(module)
            waiting |= {m for name in imports.names | imports.lazy for m in self._named(name)} - reached
        return sorted(reached)

    def others(self, modules: Iterable[str], cells: Iterable[str], *, lazy: bool) -> list[str]:
        """The names that these import from other libraries; with `lazy`, also those imported inside functions."""
        read = [self._imports(module) for module in modules] + [imports_of_cell(cell) for cell in cells]
        names = {name for imports in read for name in (imports.names | imports.lazy if lazy else imports.names)}
        return sorted(
            name.removesuffix(".*") for name in names if name.partition(".")[0] not in {PACKAGE, *_NOT_WARMED}
        )

    def _imports(self, module: str) -> Imports:
        if module not in self._read:
            path = self.modules[module]
            package = module if path.name == "__init__.py" else module.rpartition(".")[0]
            self._read[module] = imports_of(path.read_text("utf-8", errors="replace"), package=package)
        return self._read[module]

    def _named(self, name: str) -> Iterator[str]:
        """The package's modules that importing `name` executes: itself, and the packages that it lies in."""
        parts = name.split(".")
        if parts[0] != PACKAGE:
            return
        if parts[-1] == "*":
            inside = name.removesuffix("*")
            yield from (m for m in self.modules if m.startswith(inside) and "." not in m.removeprefix(inside))
        for length in range(1, len(parts) + 1):
            module = ".".join(parts[:length])
            if module in self.modules:
                yield module


def imports_of_cell(source: str) -> Imports:
    """What a code cell imports; its magics are left out, and a cell that is not Python may import everything."""
    if _parsed(source) is None:
        source = "\n".join("pass" if _MAGIC.match(line) else line for line in source.splitlines())
    return imports_of(source)


def imports_of(source: str, *, package: str = "") -> Imports:
    """What a file imports; `package` is the one that it lies in."""
    tree = _parsed(source)
    if tree is None:
        return Imports(frozenset(), frozenset(), everything=True)
    at_top = set(_at_top(tree.body))
    names: tuple[set[str], set[str]] = (set(), set())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names[node not in at_top].update(_dotted(node, package))
    return Imports(frozenset(names[0]), frozenset(names[1]))


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


def _at_top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that importing the file executes, as far as they do not hang on `TYPE_CHECKING`."""
    for statement in body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
            yield from _at_top(statement.orelse)
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            yield from _at_top(statement.body)
            yield from _at_top(getattr(statement, "orelse", []))
        else:
            yield statement


def _dotted(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        parents = package.split(".")
        kept = parents[: len(parents) - node.level + 1]
        base = ".".join([*kept, *([base] if base else [])])
    yield from (f"{base}.{alias.name}" for alias in node.names)
