"""The Sphinx extension: pure parts by themselves, the rest on a book of four pages that is built once."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from book.sphinx_ext import assets, citation, context, mathml, search, text

ROOT = Path(__file__).resolve().parents[2]

CONF = """
extensions = ["myst_nb", "sphinx_book_theme", "book.sphinx_ext"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
nb_execution_mode = "off"
exclude_patterns = ["_meta.json"]
"""
INDEX = """# Wat werkt voor wie?

Of the {nl}`baanfractie` and the {nl}`onbekend woord`; {layer}`recomputed`. See {numref}`tab-levels`.

```{toctree}
:caption: A part
results
```

```{toctree}
:caption: About
glossary
```
"""
GLOSSARY = """# Glossary

:::{glossary}
baanfractie
  The share of time in a job.
:::

| a | b |
|---|---|
| 1 | 2 |

$$ \\sqrt{p} $$ (eq-one)
"""
FAMILY_PAGE = "# One group\n\nText.\n"
META = {
    "version": "1.2.3",
    "commit": "c" * 40,
    "commit_short": "ccccccc",
    "date": "2026-02-03T04:05:06+00:00",
    "data_hash": "d" * 64,
    "repository": "https://github.com/wat/werkt",
    "branch": "main",
    "pages": {
        "index": {"chapter": "book/matter/index.md", "params": {}, "family": False, "files": []},
        "results": {
            "chapter": "chapters/results.md",
            "params": {},
            "family": False,
            "files": ["files/results/levels.csv", "files/results/net.svg"],
        },
        "group": {
            "chapter": "chapters/group.md",
            "params": {"population": "<b>x</b>"},
            "family": True,
            "files": [],
        },
        "glossary": {"chapter": "book/matter/glossary.md", "params": {}, "family": False, "files": []},
    },
}


def figure(name: str, html: str, caption: str) -> dict:
    return {
        "cell_type": "code",
        "execution_count": 1,
        "id": name,
        "metadata": {"mystnb": {"figure": {"name": name, "caption": caption}}},
        "source": "show()",
        "outputs": [{"output_type": "display_data", "data": {"text/html": html}, "metadata": {}}],
    }


def glued(key: str, value: object) -> dict:
    data = {"application/papermill.record/text/plain": repr(value)}
    scrapbook = {"scrapbook": {"name": key, "mime_prefix": "application/papermill.record/"}}
    return {"output_type": "display_data", "data": data, "metadata": scrapbook}


def results() -> str:
    values = [glued("net", -1.25), glued("label", "<i>x</i> & y")]
    hidden = {**figure("values", "", ""), "metadata": {"tags": ["remove-cell"]}, "outputs": values}
    title = "# Minus {glue:text}`net:.1f` for {glue:text}`label`\n\n```{toctree}\ngroup\n```\n"
    cells = [
        hidden,
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": title},
        figure("fig-net", '<div class="ww-chart" id="chart-net"></div>', "A chart."),
        figure("tab-levels", '<div class="ww-table-block"></div>', "Levels {glue:text}`net:.1f`.\n\nA legend."),
        figure("tab-more", '<div class="ww-table-block"></div>', "More."),
    ]
    language = {"language_info": {"name": "python", "pygments_lexer": "python"}}
    return json.dumps({"cells": cells, "metadata": language, "nbformat": 4, "nbformat_minor": 5})


def write_book(folder: Path, meta: dict | None = META) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    files = {"conf.py": CONF, "index.md": INDEX, "glossary.md": GLOSSARY, "results.ipynb": results()}
    for name, content in {**files, "group.md": FAMILY_PAGE}.items():
        (folder / name).write_text(content, "utf-8")
    if meta is not None:
        (folder / "_meta.json").write_text(json.dumps(meta), "utf-8")
    return folder


def build(source: Path, *more: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "sphinx", "-n", "-W", "--keep-going", "-q", "-j", "2", *more]
    places = ["-d", str(source.parent / "doctrees"), str(source), str(source.parent / "html")]
    return subprocess.run([*command, *places], cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    source = write_book(tmp_path_factory.mktemp("book") / "source")
    done = build(source)
    assert (done.returncode, done.stderr) == (0, "")
    return source.parent / "html"


def read(site: Path, page: str) -> str:
    return (site / page).read_text("utf-8")


def test_tables_are_numbered_apart_from_charts_with_the_caption_above(site):
    page = read(site, "results.html")
    numbers = re.findall(r'<figure[^>]*id="([\w-]+)".*?"caption-number">(.*?) ?</span>', page, flags=re.S)
    assert numbers == [("fig-net", "Figure 1"), ("tab-levels", "Table 1"), ("tab-more", "Table 2")]
    assert page.index("Levels") < page.index("ww-table-block") and page.index("chart-net") < page.index("A chart.")
    assert page.count("<figcaption>") == page.count("</figcaption>") == 3
    assert 'href="results.html#tab-levels"' in read(site, "index.html"), "{numref} does not lead to the table"
    assert "Table 1" in read(site, "index.html")


def test_pasted_numbers_have_a_real_minus_sign_in_text_titles_and_captions(site):
    page = read(site, "results.html")
    assert page.count('<span class="pasted-text">−1.2</span>') == 2
    assert "Minus −1.2" in re.search(r"<title>(.*?)</title>", page)[1]
    assert "Minus −1.2" in read(site, "index.html"), "the navigation shows a hyphen"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("-1.2", "−1.2"),
        ("-0.3 to -0.1", "−0.3 to −0.1"),
        ("(-4)", "(−4)"),
        ("12-18", "12-18"),
        ("T-3", "T-3"),
        ("a-b", "a-b"),
    ],
)
def test_hyphens_that_are_no_minus_stay(before, after):
    assert text.with_minus(before) == after


def test_labels_with_markup_are_text_in_title_navigation_and_search(site):
    assert "&lt;i&gt;x&lt;/i&gt; &amp; y" in re.search(r"<title>(.*?)</title>", read(site, "results.html"))[1]
    for page in ("index.html", "results.html", "group.html"):
        assert "<i>x</i>" not in read(site, page) and "<b>x</b>" not in read(site, page)
    index = json.loads(read(site, "searchindex.js").removeprefix("Search.setIndex(").removesuffix(")"))
    assert "Minus −1.2 for &lt;i&gt;x&lt;/i&gt; &amp; y" in index["titles"]
    assert not [title for title in [*index["titles"], *index["alltitles"]] if "<" in title]


def test_titles_are_escaped_once_however_often_the_index_is_written():
    assert search.as_text(search.as_text("a < b & c")) == "a &lt; b &amp; c"


def test_dutch_terms_are_marked_and_lead_to_the_glossary_if_it_has_them(site):
    page = read(site, "index.html")
    link = re.search(r'<a class="[^"]*" href="glossary.html#term-baanfractie"[^>]*>(.*?)</a>', page)
    assert link and link[1] == '<em class="ww-nl" lang="nl">baanfractie</em>'
    assert '<em class="ww-nl" lang="nl">onbekend woord</em>' in page
    assert '<span class="ww-layer ww-recomputed">Recomputed</span>' in page


def test_headings_of_tables_have_a_scope(site):
    assert re.findall(r"<th\b[^>]*>", read(site, "glossary.html")) == ['<th scope="col" class="head">'] * 2


def test_formulas_are_mathml(site):
    page = read(site, "glossary.html")
    assert '<math alttext="\\sqrt{p}"' in page and "<msqrt>" in page and '<span class="eqno">(1)' in page


@pytest.mark.parametrize(
    ("latex", "expected"),
    [(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "<mtable"), (r"a \\ b", "<mtable"), ("-1.96", "&#x02212;")],
)
def test_formulas_that_latex2mathml_needs_help_with(latex, expected):
    assert expected in mathml.to_mathml(latex, block=True)


@pytest.mark.parametrize(
    ("latex", "named"), [(r"\nosuchcommand x", "nosuchcommand"), ("x_{", "Subscript"), ("a & b", "&")]
)
def test_a_formula_that_cannot_be_converted_is_an_error_that_quotes_it(latex, named):
    with pytest.raises(ValueError, match=re.escape(named)) as error:
        mathml.to_mathml(latex, block=False)
    assert latex in str(error.value).replace("\\\\", "\\")


def test_a_wrong_formula_fails_the_build_and_names_the_page(tmp_path):
    source = write_book(tmp_path / "source")
    (source / "group.md").write_text("# One group\n\nA formula: $\\nosuchcommand$\n", "utf-8")
    done = build(source)
    assert done.returncode == 1
    assert "group.md:3" in done.stderr and "nosuchcommand" in done.stderr


def test_an_unknown_layer_fails_the_build_and_names_those_allowed(tmp_path):
    source = write_book(tmp_path / "source")
    (source / "group.md").write_text("# One group\n\n{layer}`guessed`\n", "utf-8")
    done = build(source)
    assert done.returncode == 1
    assert "guessed" in done.stderr and "published, recomputed, synthetic" in done.stderr


@pytest.mark.parametrize("broken", [None, {"version": "1"}])
def test_a_book_that_does_not_say_what_it_is_built_from_is_refused(tmp_path, broken):
    done = build(write_book(tmp_path / "source", broken))
    assert done.returncode != 0
    assert "_meta.json" in done.stderr and "python -m book bind" in done.stderr


def test_every_page_says_what_it_is_built_from_and_how_to_cite_it(site):
    page = read(site, "results.html")
    assert "version 1.2.3, commit <code" in page and "ccccccc" in page and "3 February 2026" in page
    assert 'href="sources/chapters/results.md"' in page
    assert 'href="https://github.com/wat/werkt/edit/main/chapters/results.md"' in page
    assert '<a download href="files/results/levels.csv">levels.csv</a>' in page and "net.svg</a>" not in page
    assert "Wat Werkt (2026, February 3). Minus −1.2" in page
    assert "About this page" not in read(site, "search.html")


def test_pages_of_a_family_name_their_template_and_stay_out_of_the_way(site):
    group = read(site, "group.html")
    assert '<meta name="ww-template" content="chapters/group.md">' in group
    assert "Source of the template" in group and "population = &lt;b&gt;x&lt;/b&gt;" in group
    assert '<li><a href="group.html"' not in read(site, "glossary.html"), "the navigation lists a family far from it"
    assert '<li><a href="group.html"' in read(site, "results.html"), "the page above a family does not lead to it"


def test_pages_load_our_files_only(site):
    for page in site.glob("*.html"):
        loaded = re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', page.read_text("utf-8"))
        local = [path.split("?")[0] for path in loaded if path.endswith((".js", ".css")) or "?v=" in path]
        known = {f"_static/{path}" for path in (*assets.STYLES, *assets.SCRIPTS, *assets.CHART_SCRIPTS)}
        known |= {f"_static/{path}" for path in assets.HIGHLIGHT_SCRIPTS}
        if page.name == "search.html":
            known |= {f"_static/{path}" for path in assets.SEARCH_SCRIPTS}
        assert set(local) <= known, page.name
        assert not re.search(r'<(script|link|img)[^>]+(src|href)="(https?:)?//', page.read_text("utf-8")), page.name
    assert "ww/chart.js" in read(site, "results.html") and "ww/chart.js" not in read(site, "glossary.html")
    for heavy in ("scripts", "styles", "vendor"):
        assert not (site / "_static" / heavy).exists(), f"{heavy} is shipped, but nothing loads it"


def test_two_builds_are_the_same_and_a_new_commit_rewrites_every_page(tmp_path):
    source = write_book(tmp_path / "one" / "source")
    again = write_book(tmp_path / "two" / "source")
    for folder in (source, again):
        assert build(folder).returncode == 0
    first, second = (
        {p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()}
        for f in (source.parent / "html", again.parent / "html")
    )
    assert first == second
    (source / "_meta.json").write_text(json.dumps({**META, "commit_short": "eeeeeee"}), "utf-8")
    assert build(source).returncode == 0
    for page in ("index", "results", "group", "glossary"):
        assert "eeeeeee" in read(source.parent / "html", f"{page}.html"), f"{page} names the old commit"


def test_a_citation_escapes_what_latex_would_read():
    source = citation.Source("100% of R&D_x", "intensive/exits", "1.0", "", "abc", "2026-11-05", "")
    entry = citation.bibtex(source)
    assert r"100\% of R\&D\_x" in entry and entry.startswith("@incollection{watwerkt-intensive-exits,")
    assert "commit" not in entry
    assert citation.apa(source).startswith("Wat Werkt (2026, November 5). 100% of R&amp;D_x. In <cite>")


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("https://github.com/a/b", "https://github.com/a/b/edit/main/chapters/x.md"),
        ("https://gitlab.com/a/b", "https://gitlab.com/a/b/-/edit/main/chapters/x.md"),
        ("https://codeberg.org/a/b", "https://codeberg.org/a/b/_edit/main/chapters/x.md"),
        (None, ""),
    ],
)
def test_the_edit_link_fits_the_host(repository, expected):
    assert context.edit_address({"repository": repository, "branch": "main"}, "chapters/x.md") == expected
