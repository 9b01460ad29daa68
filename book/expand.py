"""From chapters to pages: which chapters there are, and which pages a chapter stands for."""

import json
import re
import string
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from book import cache
from book.errors import BookError
from book.notebook import KERNEL, Chapter, placeless, read_chapter
from book.pages import CHAPTER_FOLDERS, PAPERMILL, WARM, House, Page, Value, docname
from book.process import command, environment
from book.trace import Reads

FRONT_KEYS = (
    "title", "kernelspec", "jupytext", "over", "slug", "timeout", "engine", "description", "html_meta",
)  # fmt: skip
ENGINES = (WARM, PAPERMILL)
_OVER = {"published": {"published", "where", "by"}, "codes": {"codes"}}
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")

Grid = list[dict[str, Value]]


def expand(house: House) -> list[Page]:
    """All pages of the site, in the order of the table of contents."""
    chapters = [read_chapter(house, path) for path in listed_chapters(house)]
    for chapter in chapters:
        _check_front(chapter)
    families = [chapter for chapter in chapters if "over" in chapter.front]
    grids = dict(zip((c.path for c in families), _grids(house, families), strict=True))
    pages = [page for chapter in chapters for page in _pages(chapter, grids.get(chapter.path))]
    _check_names(pages)
    return pages


# --- which chapters there are -----------------------------------------------------------------------------------------


def listed_chapters(house: House) -> list[str]:
    """The chapter files in the order of ``_toc.yml``, which lists all that are on disk and no others."""
    listed = [_chapter_file(name) for name in _toc_entries(house)]
    on_disk = {
        house.relative(path) for folder in CHAPTER_FOLDERS for path in sorted((house.root / folder).rglob("*.md"))
        if not any(part.startswith(".") for part in path.relative_to(house.root).parts)
    }  # fmt: skip
    problems = [
        f"TocError: _toc.yml: '{path.removesuffix('.md')}' is in the table of contents, but there is no {path}.\n"
        "  write the chapter, or take the entry out"
        for path in listed
        if path not in on_disk
    ]
    problems += [
        f"TocError: {path}: the page is not in the table of contents.\n"
        f"  add '- file: {path.removesuffix('.md')}' to _toc.yml"
        for path in sorted(on_disk - set(listed))
    ]
    if problems:
        raise BookError("\n".join(problems))
    return listed


def _toc_entries(house: House) -> Iterator[str]:
    from sphinx_external_toc.parsing import MalformedError, parse_toc_yaml

    try:
        site = parse_toc_yaml(house.toc)
    except FileNotFoundError:
        raise BookError("TocError: _toc.yml: there is no such file.\n  it lists the chapters in their order") from None
    except (MalformedError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise BookError(f"TocError: _toc.yml: {error}.\n  see the documentation of sphinx-external-toc") from None
    if globs := site.globs():
        raise BookError(f"TocError: _toc.yml: 'glob: {min(globs)}'.\n  list each chapter with 'file'")

    def walk(name: str) -> Iterator[str]:
        yield name
        for child in site[name].child_files():
            yield from walk(child)

    yield from walk(site.root.docname)


def _chapter_file(entry: str) -> str:
    path = f"{entry.removesuffix('.md')}.md"
    if not path.startswith(tuple(f"{folder}/" for folder in CHAPTER_FOLDERS)):
        raise BookError(
            f"TocError: _toc.yml: the entry '{entry}' lies outside {' and '.join(CHAPTER_FOLDERS)}.\n"
            "  chapters live there, and front and back matter in book/matter"
        )
    return path


# --- what a chapter says about itself ---------------------------------------------------------------------------------


def _problem(chapter: Chapter, what: str, step: str) -> BookError:
    return BookError(f"ChapterError: {chapter.path}: {what}.\n  {step}")


def _check_front(chapter: Chapter) -> None:
    front = chapter.front
    unknown = sorted(map(str, set(front) - set(FRONT_KEYS)))
    if unknown:
        raise _problem(chapter, f"unknown key in the front matter: '{unknown[0]}'", f"allowed: {', '.join(FRONT_KEYS)}")
    if not _is_number(front.get("timeout", 1)) or front.get("timeout", 1) <= 0:
        raise _problem(chapter, f"timeout: {front['timeout']!r} is not a positive number", "give seconds: timeout: 60")
    if front.get("engine", ENGINES[0]) not in ENGINES:
        raise _problem(chapter, f"engine: {front['engine']!r} is unknown", f"allowed: {', '.join(ENGINES)}")
    kernel = front.get("kernelspec") or KERNEL
    if not isinstance(kernel, dict) or kernel.get("name", KERNEL["name"]) != KERNEL["name"]:
        raise _problem(chapter, f"kernelspec: {kernel!r} is unknown", f"allowed: {{name: {KERNEL['name']}}}")
    if "slug" in front and "over" not in front:
        raise _problem(chapter, "there is a slug, but no 'over'", "only the pages of a family need slugs")
    if "over" in front:
        _check_over(chapter, front["over"])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_over(chapter: Chapter, over: object) -> None:
    kinds = " or ".join(f"'{kind}'" for kind in _OVER)
    if not isinstance(over, dict):
        raise _problem(chapter, f"over: {over!r} is not a mapping", f"it has the key {kinds}")
    kind = [kind for kind in _OVER if kind in over]
    if len(kind) != 1:
        raise _problem(
            chapter, f"over: found the keys {', '.join(map(repr, over))}", f"exactly one of {kinds} is needed"
        )
    unknown = sorted(map(str, set(over) - _OVER[kind[0]]))
    if unknown:
        allowed = ", ".join(sorted(_OVER[kind[0]]))
        raise _problem(chapter, f"over: unknown key '{unknown[0]}'", f"allowed with '{kind[0]}': {allowed}")
    if not isinstance(over[kind[0]], str):
        raise _problem(chapter, f"over: {kind[0]}: {over[kind[0]]!r} is not a name", f"write '{kind[0]}: <name>'")
    if kind[0] == "published":
        by = over.get("by")
        if not isinstance(by, list) or not by or not all(isinstance(name, str) for name in by):
            raise _problem(chapter, f"over: by: {by!r} is not a list of columns", "write 'by: [population, category]'")
        if not isinstance(over.get("where", {}), dict):
            raise _problem(
                chapter, f"over: where: {over['where']!r} is not a mapping", "write 'where: {column: value}'"
            )
    if not chapter.code:
        raise _problem(chapter, "a family without code cells", "its pages would all be the same; take 'over' out")


# --- families ---------------------------------------------------------------------------------------------------------


def _grids(house: House, families: Sequence[Chapter]) -> list[Grid]:
    """The grid of each family; computed in a process of its own, which alone reads the data."""
    if not families:
        return []
    requests = [_request(chapter.front["over"]) for chapter in families]

    def compute() -> tuple[list[Grid], Reads]:
        answers, reads = _ask_for_grids(house, requests)
        return [_checked_grid(*pair) for pair in zip(families, answers, strict=True)], reads

    return cache.kept(house, "grids", {"requests": requests, "settings": cache.settings()}, compute)


def _checked_grid(chapter: Chapter, answer: Mapping[str, Any]) -> Grid:
    over = json.dumps(chapter.front["over"])
    if "error" in answer:
        raise BookError(f"GridError: {chapter.path}: {answer['error']}\n  the chapter asks for it with 'over: {over}'")
    if not answer["rows"]:
        raise BookError(
            f"GridError: {chapter.path}: the grid is empty: nothing matches 'over: {over}'.\n"
            "  correct 'where', or take the chapter out"
        )
    return answer["rows"]


def _request(over: Mapping[str, Any]) -> dict[str, Any]:
    if "codes" in over:
        return {"kind": "codes", "arguments": {"codes": over["codes"]}}
    arguments = {"published": over["published"], "where": over.get("where", {}), "by": over["by"]}
    return {"kind": "published", "arguments": arguments}


def _ask_for_grids(house: House, requests: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], Reads]:
    with tempfile.TemporaryDirectory(prefix="watwerkt-") as private:
        done = subprocess.run(
            command("grids", house.root),
            cwd=house.root,
            env=environment(house, Path(private)),
            input=json.dumps(requests),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if done.returncode:
        complaint = placeless(done.stderr, house.root).strip()
        said = "\n".join(f"  {line}" for line in complaint.splitlines()[-15:])
        raise BookError(f"GridError: the library failed while it worked out which pages there are:\n{said}")
    answer = json.loads(done.stdout)
    return answer["grids"], Reads.from_json(answer["reads"])


def _pages(chapter: Chapter, grid: Grid | None) -> list[Page]:
    name = docname(chapter.path)
    common = {
        "chapter": chapter.path,
        "executable": bool(chapter.code),
        "timeout": chapter.front.get("timeout", Page.timeout),
        "engine": chapter.front.get("engine", Page.engine),
    }
    if grid is None:
        chapter.declared  # noqa: B018 - checks that at most one cell declares parameters
        return [Page(name=name, **common)]
    _check_parameters(chapter, list(grid[0]))
    pattern = chapter.front.get("slug") or "-".join(f"{{{name}}}" for name in grid[0])
    slugs = [_slug(chapter, pattern, row) for row in grid]
    slug, count = Counter(slugs).most_common(1)[0]
    if count > 1:
        rows = " and ".join(str(row) for row, given in zip(grid, slugs, strict=True) if given == slug)
        raise _problem(
            chapter, f"{count} pages get the slug '{slug}': {rows}", f"make the slug tell them apart: {pattern!r}"
        )
    return [
        Page(name=f"{name}/{slug}", params=row, family=True, **common) for slug, row in zip(slugs, grid, strict=True)
    ]


def _check_parameters(chapter: Chapter, given: list[str]) -> None:
    declared = chapter.declared or []
    sides = f"declared: {', '.join(declared) or 'none'}; the grid gives: {', '.join(given)}"
    for name in given:
        if name not in declared:
            raise _problem(
                chapter,
                f"the grid gives the parameter '{name}', which the chapter does not declare ({sides})",
                f"assign {name} in the cell tagged 'parameters', or take it out of 'over'",
            )
    for name in declared:
        if name not in given:
            raise _problem(
                chapter,
                f"the chapter declares the parameter '{name}', which the grid does not give ({sides})",
                f"add {name} to 'by' in 'over', or assign it in another cell",
            )


def _slug(chapter: Chapter, pattern: object, row: Mapping[str, Value]) -> str:
    if not isinstance(pattern, str):
        raise _problem(chapter, f"slug: {pattern!r} is not text", 'write slug: "{population}-{category}"')
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(pattern) if field is not None]
    except ValueError as error:
        raise _problem(chapter, f"slug: {pattern!r}: {error}", 'write slug: "{population}-{category}"') from None
    for field in fields:
        if field not in row:
            raise _problem(chapter, f"slug: unknown field '{field}'", f"the grid gives: {', '.join(row)}")
    slug = pattern.format(**row)
    if not _SLUG.fullmatch(slug):
        raise _problem(
            chapter, f"slug: {slug!r} cannot stand in a web address", "allowed are letters, digits and . _ + - within"
        )
    return slug


def _check_names(pages: Sequence[Page]) -> None:
    seen: dict[str, Page] = {}
    for page in pages:
        if page.name in seen:
            raise BookError(
                f"ChapterError: {page} and {seen[page.name]} get the same place on the site: {page.name}.\n"
                "  rename one of the files, or change the slug"
            )
        seen[page.name] = page
