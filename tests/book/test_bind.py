"""Binding with real Sphinx: strict, parallel, reproducible, and never stale when it is incremental."""

from dataclasses import replace

import pytest

from book import bind, stage
from book.errors import BookError
from tests.book.small_book import MADE_FROM, SmallBook, chart, code, glue, prose, study


def planned(book):
    return stage.plan(book.house, book.pages, book.executed, MADE_FROM, book.pool)


def bound(book, work, *, jobs=1):
    work.mkdir(parents=True, exist_ok=True)
    return bind.bind(book.house, planned(book), work, MADE_FROM, jobs=jobs)


def files(html):
    return {path.relative_to(html).as_posix(): path.read_bytes() for path in html.rglob("*") if path.is_file()}


@pytest.fixture
def book(tmp_path, charts, pool):
    return SmallBook(tmp_path / "house", charts, pool)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory, charts, pool):
    """A book with numbered parts and enough pages for two processes, bound twice: (book, html, html in parallel)."""
    folder = tmp_path_factory.mktemp("numbered")
    book = study(folder / "house", charts, pool)
    for number in range(6):
        book.static(f"chapters/more/p{number}.md", f"# Page {number}\n\n## First\n\nText.\n\n## Second\n\nText.\n")
    half = len(book.chapters) // 2
    book.write_toc(
        chapters=None,
        parts=[
            {"caption": "One", "numbered": True, "chapters": book.chapters[:half]},
            {"caption": "Two", "numbered": True, "chapters": book.chapters[half:]},
        ],
    )
    # leave out the key that a table of contents in parts may not have
    toc = (book.root / "_toc.yml").read_text().replace('"chapters": null, ', "")
    (book.root / "_toc.yml").write_text(toc)
    return book, bound(book, folder / "serial"), bound(book, folder / "parallel", jobs=2)


def test_sections_are_numbered_on_across_parts_and_alike_in_parallel(numbered):
    _, serial, parallel = numbered
    pages = [path.relative_to(serial) for path in serial.rglob("*.html")]
    assert len(pages) > 8
    assert 'class="section-number">' in (serial / "more/p5.html").read_text()
    for page in pages:
        assert (serial / page).read_text() == (parallel / page).read_text()


def test_two_builds_are_byte_identical(numbered):
    _, serial, parallel = numbered
    one, two = (
        {name: content for name, content in files(html).items() if not name.startswith(".buildinfo")}
        for html in (serial, parallel)
    )
    assert one == two


def test_glued_values_charts_and_tables_are_on_the_page(numbered):
    _, html, _ = numbered
    page = (html / "intensive/exits.html").read_text("utf-8")
    assert '<span class="pasted-text">1.2</span> points' in page
    assert 'id="chart-exits-net"' in page
    assert 'id="table-levels"' in page
    assert "population = " not in page  # the parameters cell


def test_nothing_that_asks_another_host_is_configured(numbered):
    book, _, _ = numbered
    text = bind.conf(planned(book))
    settings: dict = {}
    exec(text.split("die_with_parent_in_forks()\n")[0].replace("from book", "# from book"), settings)
    extensions = settings["extensions"]
    assert not {"sphinx_thebe", "sphinx.ext.intersphinx", "sphinx_comments"} & set(extensions)
    assert extensions[-1] == bind.OUR_EXTENSION
    assert (settings["nb_execution_mode"], settings["nb_ipywidgets_js"]) == ("off", {})


def test_an_extension_that_the_configuration_names_is_kept(book):
    book.write("_config.yml", "title: T\nsphinx: {extra_extensions: [sphinx_copybutton, book.sphinx_ext]}\n")
    text = bind.conf(planned(book))
    assert "'sphinx_copybutton'" in text
    assert text.count("book.sphinx_ext'") == 1


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ("title: [a list]\n", "_config.yml:"),
        ("title: T\nexecute: {execute_notebooks: sometimes}\n", "execute/execute_notebooks"),
    ],
)
def test_a_configuration_that_jupyter_book_does_not_allow_is_named(book, config, found):
    book.write("_config.yml", config)
    with pytest.raises(BookError, match=found):
        bind.conf(planned(book))


# --- strict -----------------------------------------------------------------------------------------------------------


def test_every_warning_fails_the_build_and_names_chapter_parameters_and_cell(book, tmp_path):
    book.notebook("chapters/a.md", prose("# A"), code("publish()", glue("known", 1)), prose("Is {glue:text}`unknown`."))
    book.family("chapters/f.md", {"one": {"group": "x"}}, [prose(""), prose("See {ref}`nowhere` and [b](gone.md).")])
    book.static("chapters/s.md", "# S\n\n![](missing.png)\n\n### Too deep\n")
    with pytest.raises(BookError) as error:
        bound(book, tmp_path / "work", jobs=2)
    lines = str(error.value).splitlines()
    assert any(line.startswith("BindError: chapters/a.md, cell 3, line 1: ") and "unknown" in line for line in lines)
    assert any(line.startswith("BindError: chapters/f.md (group='x'), cell 2") and "nowhere" in line for line in lines)
    assert any("chapters/f.md (group='x'), cell 2" in line and "gone.md" in line for line in lines)
    assert any(line.startswith("BindError: chapters/s.md") and "missing.png" in line for line in lines)
    assert any("chapters/s.md, line 5" in line and "Non-consecutive header" in line for line in lines)


def test_a_chapter_that_writes_to_stderr_fails_the_build(book, tmp_path):
    noise = {"output_type": "stream", "name": "stderr", "text": "FutureWarning: mind this"}
    book.notebook("chapters/a.md", prose("# A"), code("x", noise))
    with pytest.raises(BookError, match=r"chapters/a\.md, cell 2.*stderr"):
        bound(book, tmp_path / "work")


def test_a_crash_of_sphinx_is_shown_with_its_last_lines(book, tmp_path):
    book.write("_config.yml", "title: T\nsphinx: {extra_extensions: [no_such_extension]}\n")
    with pytest.raises(BookError, match=r"(?s)BindError: Sphinx ended without a site.*no_such_extension"):
        bound(book, tmp_path / "work")


def test_a_missing_and_a_surplus_page_are_named(book, tmp_path):
    book.family("chapters/f.md", {"one": {"group": "x"}}, [])
    html = bound(book, tmp_path / "work")
    (html / "f/one.html").rename(html / "f/other.html")
    with pytest.raises(BookError) as error:
        bind.compare_pages(html, book.pages)
    assert "chapters/f.md (group='x') has no page f/one.html" in str(error.value)
    assert "f/other.html belongs to no chapter" in str(error.value)


# --- incremental ------------------------------------------------------------------------------------------------------


def test_a_page_with_a_warning_fails_every_incremental_build_until_it_is_mended(book, tmp_path):
    book.static("chapters/a.md", "# A\n\n{ref}`nowhere`\n")
    book.static("chapters/b.md", "# B\n")
    work = tmp_path / "work"
    for text in ("# B\n", "# B, edited\n"):  # the second build has no reason to read a.md again
        book.write("chapters/b.md", text)
        with pytest.raises(BookError, match=r"chapters/a\.md.*nowhere"):
            bound(book, work)
    book.write("chapters/a.md", "# A\n")
    assert "B, edited" in (bound(book, work) / "b.html").read_text()


def test_an_incremental_build_gives_the_pages_that_a_new_one_gives(book, tmp_path):
    book.notebook("chapters/a.md", prose("# A"), code("x", chart()))
    book.static("chapters/b.md", "# B\n")
    work = tmp_path / "work"
    bound(book, work)
    book.write("chapters/b.md", "# New title of B\n")
    book.static("chapters/c.md", "# C\n")
    gone = book.pages.pop(1)
    book.executed.clear()
    book.chapters.remove({"file": "chapters/a"})
    book.write_toc()
    again = files(bound(book, work))
    new = files(bound(book, tmp_path / "new"))
    pages = {name for name in new if name.endswith(".html")}
    assert f"{gone.name}.html" not in pages
    assert {name for name in again if not name.startswith("_static/")} == {
        name for name in new if not name.startswith("_static/")
    }
    assert {name: again[name] for name in pages} == {name: new[name] for name in pages}


def test_an_incremental_build_that_was_killed_starts_anew(book, tmp_path):
    book.static("chapters/a.md", "# A\n")
    work = tmp_path / "work"
    bound(book, work)
    (work / "doctrees" / "index.doctree").write_bytes(b"half")
    (work / "unfinished").touch()
    assert "Welcome" in (bound(book, work) / "index.html").read_text()


# --- the digest -------------------------------------------------------------------------------------------------------


def test_the_digest_changes_with_sources_theme_program_and_locked_packages(book):
    seen = {bind.digest(book.house, planned(book))}
    assert bind.digest(book.house, planned(book)) in seen
    for name in ("chapters/x.css", "book/theme/watwerkt/static/site.css", "book/sphinx_ext/a.py", "requirements.txt"):
        book.write(name, "x")
        seen.add(bind.digest(book.house, planned(book)))
    later = stage.plan(book.house, book.pages, book.executed, replace(MADE_FROM, commit="f" * 40), book.pool)
    seen.add(bind.digest(book.house, later))
    assert len(seen) == 6
