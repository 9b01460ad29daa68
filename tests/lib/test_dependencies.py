"""What the library must not do, because the build program's cache could not see it."""

import ast
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).resolve().parents[2] / "lib" / "watwerkt").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_module_imports_by_name_at_run_time_or_from_the_build_program(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called.split(".")[-1] not in {"import_module", "__import__", "exec", "eval"}, f"line {node.lineno}"
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] != "book"
        if isinstance(node, ast.Import):
            assert "book" not in {alias.name.split(".")[0] for alias in node.names}
