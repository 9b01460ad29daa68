"""The house rules for chapters: the same order everywhere, short cells, no typed results."""

import ast
import re
from pathlib import Path

import pytest

from book.notebook import Chapter, read_chapter
from book.pages import House

ROOT = Path(__file__).resolve().parents[2]
STUDY_CHAPTERS = sorted((ROOT / "chapters" / "intensive").glob("*.md"))
CHAPTERS = sorted((ROOT / "chapters").rglob("*.md"))
SECTIONS = ["What was done", "The evidence", "How sure", "What would change our mind", "Sources and downloads"]
LONGEST_CELL = 20
# Levels of significance and power are conventions, not results.
CONVENTIONS = r"0\.05|0\.10|95%|80%|\b10%|\b5%|40%|100%"
# Where a number stands in the report is not a result either.
PLACES = r"(?:[Tt]ables?|[Ss]ections?)\s[\dIV.]+(?:(?:–|,\s|\sand\s)[\dIV.]+)*"


def chapter(path: Path) -> Chapter:
    return read_chapter(House(ROOT), path.relative_to(ROOT).as_posix())


def cells(path: Path, kind: str) -> list[str]:
    return [cell.source for cell in chapter(path).cells if cell.cell_type == kind]


@pytest.mark.parametrize("path", STUDY_CHAPTERS, ids=lambda p: p.stem)
def test_a_study_chapter_keeps_the_order_question_answer_done_evidence_sure_change_sources(path):
    prose = "\n".join(cells(path, "markdown"))
    headings = [found.replace("What was found", "The evidence") for found in re.findall(r"^## (.+)$", prose, re.M)]
    assert headings == SECTIONS
    assert prose.index("**The question.**") < prose.index("**The answer.**") < prose.index("## What was done")


@pytest.mark.parametrize("path", STUDY_CHAPTERS, ids=lambda p: p.stem)
def test_no_result_is_typed_into_prose_or_captions(path):
    code = "\n".join(cells(path, "code"))
    captions = [c.metadata.get("mystnb", {}).get("figure", {}).get("caption", "") for c in chapter(path).cells]
    text = "\n".join([*cells(path, "markdown"), *captions, *re.findall(r"alt_text=.*|note=.*", code)])
    text = re.sub(r"\{[a-z:]+\}`[^`]*`|\$\$.*?\$\$|\$[^$]*\$", "", text, flags=re.S)
    text = re.sub(f"{PLACES}|{CONVENTIONS}", "", text)
    assert not re.findall(r"\d+[.,]\d+|\d+ ?%|[+−]\d+", text), "publish the number and glue it"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_cells_are_short_and_define_no_function_class_or_import_from_elsewhere(path):
    for source in cells(path, "code"):
        tree = ast.parse(source)
        assert len(source.splitlines()) <= LONGEST_CELL, source
        assert not [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= {"pandas"}
            if isinstance(node, ast.ImportFrom):
                assert node.module.split(".")[0] in {"watwerkt", "itertools"}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_holds_no_shell_command_no_address_and_no_silenced_warning(path):
    text = path.read_text(encoding="utf-8")
    code = "\n".join(cells(path, "code"))
    assert not re.search(r"https?://", text)
    assert not re.search(r"^\s*[!%]|filterwarnings|pip install", code, re.M)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_every_chart_and_table_has_a_caption(path):
    for cell in chapter(path).cells:
        if cell.cell_type == "code" and shows_something(cell.source):
            assert cell.metadata.get("mystnb", {}).get("figure", {}).get("caption"), cell.source


def shows_something(source: str) -> bool:
    """True if the cell's last line is a call that gives a chart or a table: that is what stands on the page."""
    last = ast.parse(source).body[-1]
    return isinstance(last, ast.Expr) and ast.unparse(last).startswith(
        ("charts.", "tables.", "pictures.", "agreement.")
    )
