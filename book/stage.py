"""The complete Jupyter Book source tree of a build: executed notebooks, static pages, table of contents, downloads."""

import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from book import draw, ledger, microdata, origin, outputs, words
from book.errors import BookError
from book.notebook import read_chapter
from book.outputs import CHART, Exhibit, exhibits, joined, numbers
from book.pages import CHAPTER_FOLDERS, Executed, House, Page
from book.provenance import Provenance
from book.tree import Tree

EXTRA = "_extra"  # Sphinx copies what lies here into the root of the site
OURS = ("over", "slug", "timeout", "engine")  # front matter that only this program reads
_RUN_TRACES = ("papermill", "execution", "jupytext", "widgets")
_NEVER_SHOWN = {"parameters", "injected-parameters"}
_STATUS = "book/matter/status.md"
_STATUS_MARK = "<!-- table of pages -->"
_LINK = re.compile(r"(?P<before>\]\()(?P<path>[^()\s#<>:]+)(?=[)#\s])|(?P<glue>\}`)(?P<other>[^`:]+\.md)(?=::)")


@dataclass(frozen=True)
class Staged:
    tree: Tree
    numbers: dict[str, dict[str, object]]  # page -> key -> value
    pages: tuple[Page, ...]
    charts: int
    tables: int
    store: tuple[Path, ...]  # entries of the chart store that this build uses


def plan(
    house: House,
    pages: Sequence[Page],
    executed: Iterable[Executed],
    made_from: Provenance,
    pool: ProcessPoolExecutor,
    exported: Path | None = None,
) -> Staged:
    """Work out every file of the source tree; charts are drawn, nothing else is written.

    ``exported`` is the folder with the evidence base as files for other programs, if there is one.
    """
    runs = {run.page.name: run for run in executed}
    notebooks = {name: json.loads(run.notebook.read_bytes()) for name, run in runs.items()}
    origins = {name: found for name, run in runs.items() if (found := origin.of_page(run))}
    labels = {name: words.labels(house, "origin")[found][0] for name, found in origins.items()}
    shown = {
        name: exhibits(runs[name].page, notebook, label=labels.get(name, "")) for name, notebook in notebooks.items()
    }
    entries = ledger.merged(
        row
        for name, notebook in notebooks.items()
        for row in outputs.ledger(runs[name].page, notebook, label=labels.get(name, ""))
    )
    published = {name: numbers(runs[name].page, notebook) for name, notebook in notebooks.items()}
    store = house.cache / "charts"
    charts = {item: item.chart.key for items in shown.values() for item in items if item.kind == CHART}
    drawn = draw.draw((item.chart for item in charts), store, pool)

    tree = Tree()
    targets = _targets(house, pages)
    for page in pages:
        if page.name in runs:
            for item in shown[page.name]:
                pictures = drawn[charts[item]] if item.kind == CHART else None
                _add_exhibit(tree, item, pictures)
            if page.name in origins:
                read = runs[page.name].microdata
                noticed = [said for study in read for said in microdata.warnings(house, study, read[study])]
                origin.with_notice(notebooks[page.name], house, origins[page.name], noticed)
            tree.add(f"{page.name}.ipynb", _notebook(page, notebooks[page.name], targets))
        else:
            text = _static_page(house, page, pages, runs, targets)
            tree.add(f"{page.name}.md", ledger.filled(text, entries, house) if page.chapter == ledger.PAGE else text)
    _add_assets(tree, house)
    used = [pictures.folder for pictures in drawn.values()]
    if charts:
        script = draw.vega_script(store)
        tree.add(f"{EXTRA}/_static/ww/vega.js", script)
        used.append(script.parent)
    tree.add("_toc.yml", _as_yaml(_table_of_contents(house, pages)))
    tree.add("_config.yml", _as_yaml(_config(house, tree)))
    _add_extra(tree, house, pages, published)
    tree.add(f"{EXTRA}/{ledger.FILE}", ledger.as_csv(entries))
    if exported:
        _add_evidence(tree, exported)
    tree.add("_meta.json", _as_json(made_from.as_dict() | {"pages": _page_facts(pages, runs, shown)}))
    tables = sum(len(items) for items in shown.values()) - len(charts)
    return Staged(tree, published, tuple(pages), len(charts), tables, tuple(used))


# --- reading what people write ----------------------------------------------------------------------------------------


def load_yaml(path: Path, *, root: Path) -> dict:
    """A YAML file that holds a mapping, or an error that names line and column."""
    name = path.relative_to(root).as_posix()
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BookError(f"ConfigError: {name}: there is no such file.\n  restore it: git checkout -- {name}") from None
    except UnicodeDecodeError as error:
        raise BookError(f"ConfigError: {name}: byte {error.start + 1} is not UTF-8.\n  save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        begin = getattr(error, "context_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        place += f" (in what begins on line {begin.line + 1})" if begin else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise BookError(f"ConfigError: {name}{place}: this is not YAML: {problem}.\n  mend the line") from None
    if not isinstance(content, dict):
        found = type(content).__name__
        raise BookError(f"ConfigError: {name}: found a {found}.\n  allowed is a mapping: lines of 'key: value'")
    return content


def _config(house: House, tree: Tree) -> dict:
    config = load_yaml(house.root / "_config.yml", root=house.root)
    bibliographies = [name for name in config.pop("bibtex_bibfiles", None) or () if name in tree]
    return config | ({"bibtex_bibfiles": bibliographies} if bibliographies else {})


def _table_of_contents(house: House, pages: Sequence[Page]) -> dict:
    """`_toc.yml` with docnames for chapter files, and with all pages of a family for the chapter of the family."""
    names: dict[str, list[str]] = {}
    for page in pages:
        names.setdefault(page.chapter.removesuffix(".md"), []).append(page.name)
    families = {page.chapter.removesuffix(".md") for page in pages if page.family}

    def entries(listed: Iterable[Mapping]) -> list[dict]:
        return [entry for item in listed for entry in rewritten(item)]

    def rewritten(item: Mapping) -> list[dict]:
        entry = {key: entries(value) if isinstance(value, list) else value for key, value in item.items()}
        chapter = str(item.get("file", "")).removesuffix(".md")
        if "file" not in item:
            return [entry]
        if chapter in families and len(entry) > 1:
            found = ", ".join(f"'{key}'" for key in entry if key != "file")
            raise BookError(
                f"TocError: _toc.yml: the entry '{chapter}' is a family of pages and has {found}.\n"
                "  an entry that stands for many pages can have nothing but 'file'"
            )
        return [entry | {"file": name} for name in _names(names, chapter)]

    toc = load_yaml(house.toc, root=house.root)
    rewritten_toc = {key: entries(value) if isinstance(value, list) else value for key, value in toc.items()}
    return rewritten_toc | {"root": _names(names, str(toc.get("root", "")).removesuffix(".md"))[0]}


def _names(names: Mapping[str, list[str]], chapter: str) -> list[str]:
    if chapter not in names:
        raise BookError(
            f"TocError: _toc.yml: there is no chapter '{chapter}'.\n"
            f"  allowed are files in {' and '.join(CHAPTER_FOLDERS)}, named without .md"
        )
    return names[chapter]


# --- pages ------------------------------------------------------------------------------------------------------------


def _notebook(page: Page, notebook: dict, targets: Mapping[str, str]) -> str:
    """The executed notebook without traces of the run, and without what the site does not show."""
    for key in (*OURS, *_RUN_TRACES):
        notebook["metadata"].pop(key, None)
    for number, cell in enumerate(notebook["cells"], start=1):
        if "id" in cell:
            cell["id"] = f"cell-{number}"
        for key in _RUN_TRACES:
            cell["metadata"].pop(key, None)
        tags = cell["metadata"].get("tags", [])
        if _NEVER_SHOWN & set(tags) and "remove-cell" not in tags:
            cell["metadata"]["tags"] = [*tags, "remove-cell"]
        if cell["cell_type"] == "markdown":
            cell["source"] = relinked(joined(cell["source"]), page, targets)
    return _as_json(notebook)


def _static_page(
    house: House, page: Page, pages: Sequence[Page], runs: Mapping[str, Executed], targets: Mapping[str, str]
) -> str:
    chapter = read_chapter(house, page.chapter)
    kept = {key: value for key, value in chapter.front.items() if key not in OURS}
    text = relinked((f"---\n{_as_yaml(kept)}---\n" if kept else "") + chapter.body, page, targets)
    return text.replace(_STATUS_MARK, _status_table(pages, runs)) if page.chapter == _STATUS else text


def _status_table(pages: Sequence[Page], runs: Mapping[str, Executed]) -> str:
    """The facts about pages that do not change from run to run; a script adds the run times from data/build.json."""
    lines = ["| Page | Chapter | Parameters | Data files read |", "| --- | --- | --- | --: |"]
    for page in pages:
        if page.name in runs:
            given = "<br>".join(f"{name} = {value}" for name, value in page.params.items()) or "–"
            lines.append(f"| [](/{page.name}.ipynb) | `{page.chapter}` | {given} | {len(runs[page.name].reads)} |")
    return "\n".join(lines)


def relinked(text: str, page: Page, targets: Mapping[str, str]) -> str:
    """Links between source files, as authors and editors follow them, made to hold between the staged files."""

    def replaced(link: re.Match) -> str:
        written = link["path"] or link["other"]
        target = targets.get(posixpath.normpath(posixpath.join(posixpath.dirname(page.chapter), written)))
        if target is None:
            return link[0]
        return (link["before"] or link["glue"]) + posixpath.relpath(target, posixpath.dirname(page.name) or ".")

    return _LINK.sub(replaced, text)


def _targets(house: House, pages: Sequence[Page]) -> dict[str, str]:
    """Source file -> staged file, for everything that a link may lead to; a family is no single page."""
    targets = {page.chapter: f"{page.name}{_suffix(page)}" for page in pages if not page.family}
    return targets | {house.relative(path): name for name, path in _assets(house).items()}


def _suffix(page: Page) -> str:
    return ".ipynb" if page.executable else ".md"


# --- downloads and other files ----------------------------------------------------------------------------------------


def _assets(house: House) -> dict[str, Path]:
    """Pictures and the like beside chapters: staged name -> file."""
    found = {}
    for folder in (house.root / name for name in CHAPTER_FOLDERS):
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix != ".md" and not {"__pycache__", ".ipynb_checkpoints"} & {*path.parts}:
                found[path.relative_to(folder).as_posix()] = path
    return found


def _add_assets(tree: Tree, house: House) -> None:
    for name, path in _assets(house).items():
        # a script is served as it is, a picture goes through Sphinx
        tree.add(f"{EXTRA}/_static/ww/{name}" if path.suffix == ".js" else name, path)
    for path in sorted((house.root / "book").glob("*.bib")):
        tree.add(path.name, path)


def _add_exhibit(tree: Tree, item: Exhibit, pictures: draw.Drawn | None) -> None:
    tree.add(f"{EXTRA}/{item.stem}.csv", item.csv())
    if pictures:
        tree.add(f"{EXTRA}/{item.stem}.json", json.dumps(item.specs(), ensure_ascii=False, separators=(",", ":")))
        tree.add(f"{EXTRA}/{item.stem}.svg", pictures.picture_svg)
        tree.add(f"{EXTRA}/{item.stem}.png", pictures.picture_png)
    made = item.html(pictures)
    item.data.clear()
    item.data["text/html"] = made


def _add_extra(tree: Tree, house: House, pages: Sequence[Page], published: Mapping[str, Mapping]) -> None:
    for chapter in sorted({page.chapter for page in pages}):
        tree.add(f"{EXTRA}/sources/{chapter}", house.root / chapter)
    tree.add(f"{EXTRA}/data/numbers.json", _as_json({name: dict(found) for name, found in published.items() if found}))
    tree.add_folder(house.data / "published", f"{EXTRA}/data/published")
    tree.add_folder(house.data / "codes", f"{EXTRA}/data/codes")
    tree.add_folder(house.data / "schemas", f"{EXTRA}/data/schemas")
    tree.add_folder(house.data / "audit", f"{EXTRA}/data/audit")
    for name in ("datapackage.json", "dataset.jsonld", "sources.json"):
        if (house.data / name).exists():
            tree.add(f"{EXTRA}/data/{name}", house.data / name)
    tree.add(f"{EXTRA}/.nojekyll", b"")  # GitHub Pages must serve _static/ as it is


def _add_evidence(tree: Tree, exported: Path) -> None:
    for path in sorted(exported.iterdir()):
        place = "data" if path.name == "audit.json" else "data/evidence"
        tree.add(f"{EXTRA}/{place}/{path.name}", path)


def _page_facts(
    pages: Sequence[Page], runs: Mapping[str, Executed], shown: Mapping[str, Sequence[Exhibit]]
) -> dict[str, dict]:
    return {
        page.name: {
            "chapter": page.chapter,
            "params": dict(page.params),
            "family": page.family,
            "executed": page.name in runs,
            "reads": list(runs[page.name].reads) if page.name in runs else [],
            "files": [f"{item.stem}.{kind}" for item in shown.get(page.name, ()) for kind in item.formats],
        }
        for page in pages
    }


def _as_yaml(content: Mapping) -> str:
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=1000)


def _as_json(content: Mapping) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
