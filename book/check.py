"""Everything that can be seen to be wrong in a built site, all at once (``python -m book check [DIR]``)."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import unquote, urlsplit

from book.child import die_with_parent
from book.errors import BookError, counted
from book.markup import Markup, read_markup
from book.pages import House

IDENTIFIERS = "data/schemas/identifiers.csv"
_MICRODATA = {".dta", ".feather", ".parquet", ".pkl", ".por", ".rda", ".rdata", ".rds", ".sas7bdat", ".sav", ".xpt"}
_OUTSIDE_TOC = {"404.html", "genindex.html", "search.html"}
_CSS_REF = re.compile(r"@import\s+(?:url\()?\s*['\"]?([^'\")\s;]+)|url\(\s*['\"]?([^'\")]+)", flags=re.I)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", flags=re.S)
# Addresses that a script would load as it stands; the browser tests see what it loads in the end.
_SCRIPT_LOAD = re.compile(
    r"(?:\bimport\s*\(?|\bfrom|\bfetch\(|importScripts\(|new\s+(?:Shared)?Worker\(|\.open\(\s*['\"]GET['\"],|\.src\s*=)"
    r"\s*['\"`]((?:https?:)?//[^'\"`]+)"
    r"|(?:_URL|_url|Url|CDN|cdn)\s*[=:]\s*['\"`]((?:https?:)?//[^'\"`]+\.m?js)"
)


@dataclass(frozen=True, order=True)
class Problem:
    file: str  # from the root of the site
    line: int  # 0 where there is none
    text: str

    def __str__(self) -> str:
        return f"CheckError: {self.file}{f', line {self.line}' if self.line else ''}: {self.text}"


def check(site: Path, house: House, *, jobs: int = 1) -> list[Problem]:
    """All problems of a built site, sorted by file; an empty list if there is none."""
    if not site.is_dir():
        raise BookError(f"CheckError: {site}: there is no such folder.\n  build the site first: make book")
    files = sorted(path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file())
    pages = [name for name in files if name.endswith(".html") and not name.startswith(("_static/", "sources/"))]
    identifiers = _identifiers(house)
    markups = dict(zip(pages, _each(partial(_read, site), pages, jobs), strict=True))
    found = [problem for name, markup in markups.items() for problem in _of_page(name, markup, markups, files)]
    found += _outside_toc(markups)
    found += [problem for name in files for problem in _of_file(site, name, identifiers)]
    found += [
        Problem(name, line, f"a column is called '{text}', which identifies people")
        for name, markup in markups.items()
        for line, text in markup.headers
        if text.lower() in identifiers
    ]
    return sorted(set(found))


def raise_if_any(problems: Iterable[Problem]) -> None:
    listed = [str(problem) for problem in problems]
    if listed:
        raise BookError(
            "\n".join(listed) + f"\n  {counted(len(listed), 'problem')} in the built site, which is not released"
        )


# --- pages ------------------------------------------------------------------------------------------------------------


def _each(function, names: list[str], jobs: int) -> Iterator[Markup]:
    if jobs < 2 or len(names) < 40:
        return map(function, names)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=die_with_parent) as pool:
        return iter(list(pool.map(function, names, chunksize=8)))


def _read(site: Path, name: str) -> Markup:
    return read_markup((site / name).read_text("utf-8"))


def _of_page(name: str, markup: Markup, markups: Mapping[str, Markup], files: list[str]) -> Iterator[Problem]:
    there = set(files)
    for line, text in markup.faults:
        yield Problem(name, line, text)
    for line, twice in markup.twice:
        yield Problem(name, line, f"the id '{twice}' is also on line {markup.ids[twice]}")
    for line, address in markup.links:
        wrong = _broken(name, address, markups, there)
        if wrong and not _elsewhere(address):
            yield Problem(name, line, wrong)
    for line, address in markup.loads:
        yield from _load(name, line, address, markups, there)
    for line, style in markup.styles:
        for address in _css_addresses(style):
            yield from _load(name, line, address, markups, there)
    for line, script in markup.scripts:
        yield from _script_loads(name, line, script)


def _load(name: str, line: int, address: str, markups: Mapping[str, Markup], there: set[str]) -> Iterator[Problem]:
    if _elsewhere(address):
        yield Problem(name, line, f"a request to another host: {address}")
    else:
        wrong = _broken(name, address, markups, there)
        if wrong:
            yield Problem(name, line, wrong)


def _elsewhere(address: str) -> bool:
    return address.lower().startswith(("//", "http:", "https:", "mailto:", "tel:", "ws:", "wss:"))


def _broken(name: str, address: str, markups: Mapping[str, Markup], there: set[str]) -> str | None:
    """What is wrong with an address inside the site, seen from page `name`."""
    parts = urlsplit(address)
    if _elsewhere(address) or parts.scheme in ("data", "javascript", "blob", "about"):
        return None
    if parts.path.startswith("/"):
        return f"the address {address} starts at the root of the host; the site may stand in a folder"
    target = normpath(join(dirname(name), unquote(parts.path))) if parts.path else name
    if f"{target}/index.html".removeprefix("./") in there:
        target = f"{target}/index.html".removeprefix("./")
    if target not in there:
        return f"a link to {address}: there is no such file"
    anchor = unquote(parts.fragment)
    if anchor and target in markups and anchor not in markups[target].ids:
        return f"a link to {address}: {target} has no id '{anchor}'"
    return None


def _outside_toc(markups: Mapping[str, Markup]) -> Iterator[Problem]:
    """Pages that no chain of navigation links leads to from the first page."""
    reached, waiting = set(), ["index.html"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in markups:
            continue
        reached.add(name)
        for address in markups[name].nav_links:
            parts = urlsplit(address)
            if parts.path and not parts.scheme and not parts.netloc:
                waiting.append(normpath(join(dirname(name), unquote(parts.path))))
    for name in sorted(set(markups) - reached - _OUTSIDE_TOC):
        yield Problem(name, 0, "the page is not in the table of contents")


# --- files ------------------------------------------------------------------------------------------------------------


def _of_file(site: Path, name: str, identifiers: set[str]) -> Iterator[Problem]:
    path = site / name
    kind = path.suffix.lower()
    if kind in _MICRODATA:
        yield Problem(name, 0, f"files of type {kind} can hold microdata and are never published")
    elif kind == ".css":
        yield from _of_css(site, name)
    elif kind in (".js", ".mjs"):
        yield from _script_loads(name, 0, path.read_text("utf-8"))
    elif kind == ".csv":
        for column in _columns(path):
            if column.strip().lower() in identifiers:
                yield Problem(name, 1, f"a column is called '{column}', which identifies people")
    elif kind == ".json":
        for key in sorted(_keys(json.loads(path.read_text("utf-8"))) & identifiers):
            yield Problem(name, 0, f"a key is called '{key}', which identifies people")


def _of_css(site: Path, name: str) -> Iterator[Problem]:
    for address in _css_addresses(_CSS_COMMENT.sub("", (site / name).read_text("utf-8"))):
        if _elsewhere(address):
            yield Problem(name, 0, f"a request to another host: {address}")
        elif not address.startswith(("data:", "#")):
            target = normpath(join(dirname(name), unquote(urlsplit(address).path)))
            if not (site / target).is_file():
                yield Problem(name, 0, f"a style needs {address}: there is no such file")


def _css_addresses(style: str) -> Iterator[str]:
    for imported, used in _CSS_REF.findall(style):
        yield (imported or used).strip()


def _script_loads(name: str, line: int, script: str) -> Iterator[Problem]:
    for first, second in _SCRIPT_LOAD.findall(script):
        yield Problem(name, line, f"a script that loads from another host: {first or second}")


def _columns(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return next(csv.reader(lines), [])


def _keys(content: object) -> set[str]:
    """All keys of all mappings in a JSON document, and the names in lists called ``columns`` or ``fields``."""
    found: set[str] = set()
    waiting = [content]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            found |= {str(key).lower() for key in item}
            for key in ("columns", "fields"):
                if isinstance(item.get(key), list):
                    names = (name.get("name") if isinstance(name, dict) else name for name in item[key])
                    found |= {name.lower() for name in names if isinstance(name, str)}
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return found


def _identifiers(house: House) -> set[str]:
    """The names, in lower case, of columns that identify people."""
    path = house.root / IDENTIFIERS
    if not path.is_file():
        raise BookError(
            f"CheckError: {IDENTIFIERS}: there is no such file, so nothing says which columns identify people.\n"
            "  it has a column 'name' with one column name per row: rinpersoon"
        )
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        if "name" not in (rows.fieldnames or ()):
            raise BookError(
                f"CheckError: {IDENTIFIERS}, row 1: there is no column 'name', only {rows.fieldnames}.\n"
                "  name the column with the column names 'name'"
            )
        return {row["name"].strip().lower() for row in rows}
