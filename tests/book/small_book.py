"""A small book in a temporary folder, with pages that are executed already, for tests of what comes after `run`."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from book.pages import Executed, House, Page
from book.provenance import Provenance

REPOSITORY = Path(__file__).resolve().parents[2]
MADE_FROM = Provenance(
    version="0.0.1",
    commit="0123456789abcdef0123456789abcdef01234567",
    modified=False,
    date="2026-01-02T03:04:05+00:00",
    data_hash="ab" * 32,
    repository="https://github.com/example/book",
    branch="main",
)
SPEC = {
    "data": {"values": [{"x": 1.25, "who": "women"}, {"x": -0.5, "who": "<b>men</b>"}]},
    "mark": {"type": "bar", "color": "#1f5f99", "clip": True},
    "encoding": {
        "x": {"field": "x", "type": "quantitative"},
        "y": {"field": "who", "type": "nominal", "title": None},
    },
}


def glue(key: str, value: object) -> dict:
    """The output of a cell that publishes one value."""
    return {
        "output_type": "display_data",
        "data": {"application/papermill.record/text/plain": repr(value)},
        "metadata": {"scrapbook": {"name": key, "mime_prefix": "application/papermill.record/"}},
    }


def chart(name: str = "exits-net", **changed: object) -> dict:
    """The output of a cell that shows a chart."""
    payload = {
        "name": name,
        "alt": 'Bars: women 1.2 points, "men" less',
        "wide": SPEC | {"width": 680},
        "narrow": SPEC | {"width": 330},
        "data": {"columns": ["who", "x"], "rows": [["women", 1.25], ["<b>men</b>", None]]},
        "note": "",
    }
    data = {"application/vnd.watwerkt.chart+json": payload | changed, "text/plain": "chart"}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def table(name: str = "levels", **changed: object) -> dict:
    """The output of a cell that shows a table."""
    payload = {"name": name, "data": {"columns": ["who", "n"], "rows": [["women", 3]]}, "note": "Rounded & checked."}
    markup = (
        '<div class="ww-table-wrap" role="region" tabindex="0" aria-label="Levels"><table class="ww-table">'
        '<thead><tr><th scope="col">who</th><th scope="col">n</th></tr></thead>'
        "<tbody><tr><td>women</td><td>3</td></tr></tbody></table></div>"
    )
    data = {"application/vnd.watwerkt.table+json": payload | changed, "text/html": [markup], "text/plain": "table"}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def code(source: str, *outputs: dict, **metadata: object) -> dict:
    return {
        "cell_type": "code",
        "id": "random",
        "execution_count": 1,
        "source": source,
        "outputs": list(outputs),
        "metadata": {"papermill": {"duration": 0.123}, **metadata},
    }


def prose(source: str) -> dict:
    return {"cell_type": "markdown", "id": "random", "source": source, "metadata": {}}


@dataclass
class SmallBook:
    """Pages are added one by one; each add writes the chapter and, if it has code cells, the executed notebook."""

    root: Path
    charts: Path  # where drawn charts are kept, for all tests of a session
    pool: ProcessPoolExecutor  # that draws them
    pages: list[Page] = field(default_factory=list)
    executed: list[Executed] = field(default_factory=list)
    chapters: list[dict] = field(default_factory=list)  # entries of _toc.yml

    def __post_init__(self) -> None:
        for folder in ("chapters", "book/matter", "data/schemas", "data/published/intensive", "data/codes"):
            (self.root / folder).mkdir(parents=True)
        self.house.cache.mkdir(parents=True)
        (self.house.cache / "charts").symlink_to(self.charts)
        self.write("data/schemas/identifiers.csv", "name,why\nrinpersoon,CBS person number\nbsn,citizen number\n")
        self.write("data/published/intensive/T3.2.csv", "study,table,value\nintensive,T3.2,1.2\n")
        self.write("data/codes/service.csv", "code,en\nintensive,Intensive\n")
        self.write("_config.yml", "title: A small book\nauthor: Nobody\nonly_build_toc_files: true\n")
        self.static("book/matter/index.md", "# Start\n\nWelcome.\n")

    @property
    def house(self) -> House:
        return House(self.root)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def static(self, chapter: str, text: str) -> None:
        """A page without code cells."""
        self.write(chapter, text)
        self._add(chapter, Page(chapter, _name(chapter), {}, executable=False, family=False))

    def notebook(self, chapter: str, *cells: dict, **front: object) -> None:
        """A page with code cells."""
        self.write(chapter, "# source of the chapter\n")
        page = Page(chapter, _name(chapter), {}, executable=True, family=False)
        self._add(chapter, page)
        self._run(page, cells, front)

    def family(self, chapter: str, members: Mapping[str, Mapping[str, object]], cells: Sequence[dict]) -> None:
        """A chapter that stands for a page per member."""
        self.write(chapter, "# source of the family\n")
        self.chapters.append({"file": chapter.removesuffix(".md")})
        for slug, params in members.items():
            page = Page(chapter, f"{_name(chapter)}/{slug}", dict(params), executable=True, family=True)
            self.pages.append(page)
            self._run(page, [prose(f"# Page of {slug}"), *cells[1:]] if cells else [prose(f"# {slug}")], {})

    def write_toc(self, **extra: object) -> None:
        """JSON is YAML."""
        toc = {"format": "jb-book", "root": "book/matter/index", "chapters": self.chapters} | extra
        self.write("_toc.yml", json.dumps(toc))

    def _add(self, chapter: str, page: Page) -> None:
        self.pages.append(page)
        if chapter != "book/matter/index.md":
            self.chapters.append({"file": chapter.removesuffix(".md")})
        self.write_toc()

    def _run(self, page: Page, cells: Sequence[dict], front: Mapping[str, object]) -> None:
        self.write_toc()
        metadata = {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
            "papermill": {"start_time": "2026-01-01T00:00:00"},
            **front,
        }
        content = {"cells": [*cells], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        path = self.write(f"_build/cache/pages/{page.name}.ipynb", json.dumps(content))
        self.executed.append(Executed(page, path, 0.25, False, False, ("data/codes/service.csv",), ()))


def _name(chapter: str) -> str:
    return chapter.removeprefix("chapters/").removeprefix("book/matter/").removesuffix(".md")


def study(root: Path, charts: Path, pool: ProcessPoolExecutor) -> SmallBook:
    """A book with every kind of page."""
    book = SmallBook(root, charts, pool)
    book.static("book/matter/about.md", "# About\n\nSee [exits](../../chapters/intensive/exits.md).\n")
    book.notebook(
        "chapters/intensive/exits.md",
        prose("# Did {glue:text}`low:.1f` matter?"),
        code("population = 'all'", tags=["parameters"]),
        code("publish(low=1.25)", glue("low", 1.25), glue("who", "women"), tags=["remove-cell"]),
        prose(
            "The effect was {glue:text}`low:.1f` points. See [about](../../book/matter/about.md).\n\n## More\n\nText."
        ),
        code(
            "charts.intervals(x)",
            chart(),
            mystnb={"figure": {"name": "fig-exits", "caption": "By {glue:text}`low:.1f`"}},
        ),
        code("tables.show(x)", table(), mystnb={"figure": {"name": "tab-levels", "caption": "Levels"}}),
        over=None,
        timeout=3,
    )
    book.family(
        "chapters/intensive/subgroup.md",
        {"nonwestern-female": {"population": "nonwestern"}, "all-male": {"population": "all"}},
        [prose(""), code("population = 'x'", tags=["injected-parameters"]), code("charts.bars(x)", chart("bars"))],
    )
    return book
