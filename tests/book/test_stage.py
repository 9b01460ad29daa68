"""What `stage` makes of executed notebooks and static pages."""

import csv
import io
import json
import os
import re

import pytest
import yaml

from book import stage
from book.errors import BookError
from book.tree import Tree
from tests.book.small_book import MADE_FROM, SmallBook, chart, code, glue, prose, study, table


@pytest.fixture
def book(tmp_path, charts, pool):
    return SmallBook(tmp_path / "house", charts, pool)


@pytest.fixture(scope="module")
def staged(tmp_path_factory, charts, pool):
    return planned(study(tmp_path_factory.mktemp("study") / "house", charts, pool))


def planned(book: SmallBook) -> stage.Staged:
    return stage.plan(book.house, book.pages, book.executed, MADE_FROM, book.pool)


def notebook(staged: stage.Staged, name: str) -> dict:
    return json.loads(staged.tree.read(f"{name}.ipynb"))


def html_of(staged: stage.Staged, name: str) -> str:
    return "".join(
        output["data"]["text/html"]
        for cell in notebook(staged, name)["cells"]
        for output in cell.get("outputs", ())
        if "text/html" in output["data"]
    )


# --- table of contents and configuration ------------------------------------------------------------------------------


def test_a_family_stands_in_the_table_of_contents_as_its_pages_in_grid_order(staged):
    toc = yaml.safe_load(staged.tree.read("_toc.yml"))
    assert toc["root"] == "index"
    assert [entry["file"] for entry in toc["chapters"]] == [
        "about",
        "intensive/exits",
        "intensive/subgroup/nonwestern-female",
        "intensive/subgroup/all-male",
    ]


def test_a_family_inside_sections_and_parts_is_replaced_too(book):
    book.static("chapters/over.md", "# Over\n")
    book.family("chapters/each.md", {"a": {"x": 1}, "b": {"x": 2}}, [])
    part = {"caption": "P", "chapters": [{"file": "chapters/over", "sections": [{"file": "chapters/each"}]}]}
    book.chapters.clear()
    book.write("_toc.yml", json.dumps({"format": "jb-book", "root": "book/matter/index", "parts": [part]}))
    toc = yaml.safe_load(planned(book).tree.read("_toc.yml"))
    assert toc["parts"][0]["chapters"] == [{"file": "over", "sections": [{"file": "each/a"}, {"file": "each/b"}]}]


def test_an_entry_for_a_family_cannot_have_a_title(book):
    book.family("chapters/each.md", {"a": {"x": 1}}, [])
    book.chapters[-1]["title"] = "All alike"
    book.write_toc()
    with pytest.raises(BookError, match=r"_toc\.yml: the entry 'chapters/each' is a family of pages and has 'title'"):
        planned(book)


def test_an_entry_without_chapter_is_named(book):
    book.chapters.append({"file": "chapters/gone"})
    book.write_toc()
    with pytest.raises(BookError, match=r"_toc\.yml: there is no chapter 'chapters/gone'"):
        planned(book)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"title: [unclosed\n", r"_config\.yml, line 2, column 1 \(in what begins on line 1\): this is not YAML"),
        (b"- a list\n", r"_config\.yml: found a list"),
        (b"title: caf\xe9\n", r"_config\.yml: byte 11 is not UTF-8"),
        (None, r"_config\.yml: there is no such file"),
    ],
)
def test_a_bad_configuration_file_is_named_with_the_place(book, content, found):
    path = book.root / "_config.yml"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(BookError, match=found):
        stage.load_yaml(path, root=book.root)


def test_a_bibliography_is_staged_and_configured_only_if_it_exists(book):
    book.write("_config.yml", "title: T\nbibtex_bibfiles: [references.bib]\n")
    assert "bibtex_bibfiles" not in yaml.safe_load(planned(book).tree.read("_config.yml"))
    book.write("book/references.bib", "@book{a, title={A}}\n")
    with_bibliography = planned(book)
    assert yaml.safe_load(with_bibliography.tree.read("_config.yml"))["bibtex_bibfiles"] == ["references.bib"]
    assert "references.bib" in with_bibliography.tree


# --- pages ------------------------------------------------------------------------------------------------------------


def test_parameter_cells_are_never_shown(staged):
    for name, tag in (("intensive/exits", "parameters"), ("intensive/subgroup/all-male", "injected-parameters")):
        tags = [cell["metadata"].get("tags", []) for cell in notebook(staged, name)["cells"]]
        assert [tag, "remove-cell"] in tags


def test_keys_of_this_program_and_traces_of_the_run_are_not_staged(staged):
    exits = notebook(staged, "intensive/exits")
    assert set(exits["metadata"]) == {"kernelspec", "language_info"}
    assert not any("papermill" in cell["metadata"] for cell in exits["cells"])


def test_front_matter_of_a_static_page_keeps_what_is_not_ours(book):
    book.static("chapters/plain.md", "---\ntimeout: 3\ndescription: Kept\n---\n# Plain\n")
    book.static("chapters/bare.md", "---\nslug: x\n---\n# Bare\n")
    tree = planned(book).tree
    assert tree.read("plain.md") == b"---\ndescription: Kept\n---\n# Plain\n"
    assert tree.read("bare.md") == b"# Bare\n"


def test_the_staged_tree_depends_on_what_was_computed_and_not_on_the_run(book, charts, tmp_path):
    cells = [prose("# A"), code("x", chart(), glue("k", 1.5), papermill={"start_time": "now"})]
    book.notebook("chapters/a.md", *cells)
    other = SmallBook(tmp_path / "other", charts, book.pool)
    later = json.loads(json.dumps(cells).replace('"now"', '"later"').replace('"random"', '"other"'))
    other.notebook("chapters/a.md", *later)
    assert planned(book).tree.digest() == planned(other).tree.digest()
    changed = SmallBook(tmp_path / "changed", charts, book.pool)
    changed.notebook("chapters/a.md", *json.loads(json.dumps(cells).replace("1.5", "1.6")))
    assert planned(book).tree.digest() != planned(changed).tree.digest()


def test_links_between_source_files_hold_between_staged_files(book):
    book.write("chapters/s/picture.png", "not really")
    book.notebook("chapters/s/a.md", prose("# A\n\n[m](../../book/matter/index.md#start) ![p](picture.png)"))
    book.static("book/matter/m.md", "[a](../../chapters/s/a.md) {glue:text}`../../chapters/s/a.md::k:.1f`\n")
    links = "[a](a.md), ![p](picture.png), [out](https://example.org/a.md), [gone](b.md), [here](#x)"
    book.family("chapters/s/f.md", {"one": {"x": 1}}, [prose(""), prose(links)])
    staged = planned(book)
    assert notebook(staged, "s/a")["cells"][0]["source"].endswith("[m](../index.md#start) ![p](picture.png)")
    assert staged.tree.read("m.md").decode() == "[a](s/a.ipynb) {glue:text}`s/a.ipynb::k:.1f`\n"
    expected = "[a](../a.ipynb), ![p](../picture.png), [out](https://example.org/a.md), [gone](b.md), [here](#x)"
    assert notebook(staged, "s/f/one")["cells"][1]["source"] == expected


def test_the_status_page_lists_every_executed_page_with_its_facts(book):
    book.notebook("chapters/a.md", prose("# A"))
    book.static("book/matter/status.md", "# Status\n\n<!-- table of pages -->\n")
    assert "| [](/a.ipynb) | `chapters/a.md` | – | 1 |" in planned(book).tree.read("status.md").decode()


# --- charts and tables ------------------------------------------------------------------------------------------------


def test_a_chart_becomes_a_block_with_two_pictures_and_downloads_that_exist(staged):
    for name, up in (("intensive/exits", "../"), ("intensive/subgroup/all-male", "../../")):
        block = html_of(staged, name)
        item = "exits-net" if up == "../" else "bars"
        assert f'<div class="ww-chart" id="chart-{item}" data-spec="{up}files/{name}/{item}.json">' in block
        assert block.count('role="img" aria-label="Bars: women 1.2 points, &quot;men&quot; less"><svg') == 2
        for kind in ("csv", "svg", "png"):
            assert f'<a download href="{up}files/{name}/{item}.{kind}">' in block
            assert len(staged.tree.read(f"_extra/files/{name}/{item}.{kind}")) > 20
        specs = json.loads(staged.tree.read(f"_extra/files/{name}/{item}.json"))
        assert (specs["wide"]["width"], specs["narrow"]["width"]) == (680, 330)


def test_the_two_pictures_of_a_chart_share_no_id(staged):
    ids = re.findall(r'\sid="([^"]+)"', html_of(staged, "intensive/exits"))
    assert len(ids) > 3
    assert len(ids) == len(set(ids))


def test_a_table_keeps_its_html_and_gets_its_data_and_note(staged):
    block = html_of(staged, "intensive/exits")
    assert '<div class="ww-table-block" id="table-levels"><div class="ww-table-wrap"' in block
    assert '<a download href="../files/intensive/exits/levels.csv">CSV</a>' in block
    assert '<p class="ww-note">Rounded &amp; checked.</p>' in block


def test_the_data_of_a_chart_is_csv_with_missing_values_empty(staged):
    text = staged.tree.read("_extra/files/intensive/exits/exits-net.csv").decode()
    assert list(csv.reader(io.StringIO(text))) == [["who", "x"], ["women", "1.25"], ["<b>men</b>", ""]]


def test_a_label_with_a_script_is_shown_as_text(book):
    evil = '<script>alert(1)</script>"'
    spec = {"mark": {"type": "point", "color": "#1f5f99"}, "data": {"values": [{"y": evil}]}}
    spec["encoding"] = {"y": {"field": "y", "type": "nominal"}}
    book.notebook("chapters/a.md", code("x", chart(alt=evil, note=evil, wide=spec, narrow=spec)))
    block = html_of(planned(book), "a")
    assert "<script" not in block
    assert 'aria-label="&lt;script&gt;alert(1)&lt;/script&gt;&quot;"' in block
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in block.split("<svg")[1]


@pytest.mark.parametrize(
    ("outputs", "found"),
    [
        ([chart("a"), table("a")], "the name 'a' is used twice on this page"),
        ([chart("Exits net")], "'Exits net' cannot name a chart"),
        ([table("../up")], "'../up' cannot name a table"),
        ([chart(alt=" ")], "the chart 'exits-net' has no text alternative"),
        ([chart(data=None)], "the chart lacks 'data'"),
        ([glue("k", 1), glue("k", 2)], "the key 'k' is published twice on this page"),
        ([glue("k", float("nan"))], "the value of 'k' is nan, which is not a plain value"),
    ],
)
def test_a_fault_in_an_output_names_chapter_and_cell(book, outputs, found):
    book.notebook("chapters/a.md", prose("# A"), code("x", *outputs))
    with pytest.raises(BookError, match=r"chapters/a\.md, cell 2: ") as error:
        planned(book)
    assert found in str(error.value)


def test_a_chart_that_cannot_be_drawn_names_chapter_parameters_and_chart(book):
    bad = {"mark": "nonsense", "data": {"values": []}}
    book.family("chapters/f.md", {"one": {"group": "x"}}, [prose(""), code("x", chart("bad", wide=bad))])
    with pytest.raises(BookError, match=r"chapters/f\.md \(group='x'\), chart 'bad': "):
        planned(book)


# --- facts, numbers, downloads ----------------------------------------------------------------------------------------


def test_numbers_are_those_that_pages_publish(staged):
    assert staged.numbers["intensive/exits"] == {"low": 1.25, "who": "women"}
    assert json.loads(staged.tree.read("_extra/data/numbers.json")) == {
        "intensive/exits": {"low": 1.25, "who": "women"}
    }


def test_the_facts_of_a_family_page_name_its_template_and_parameters(staged):
    facts = json.loads(staged.tree.read("_meta.json"))
    assert facts["commit_short"] == "0123456"
    assert facts["pages"]["intensive/subgroup/all-male"] == {
        "chapter": "chapters/intensive/subgroup.md",
        "params": {"population": "all"},
        "family": True,
        "executed": True,
        "reads": ["data/codes/service.csv"],
        "files": [f"files/intensive/subgroup/all-male/bars.{kind}" for kind in ("csv", "svg", "png")],
    }


def test_chapter_sources_and_the_evidence_base_are_downloadable(staged):
    for name in (
        "sources/chapters/intensive/subgroup.md",
        "data/published/intensive/T3.2.csv",
        "data/codes/service.csv",
    ):
        assert f"_extra/{name}" in staged.tree


# --- writing ----------------------------------------------------------------------------------------------------------


def test_writing_again_touches_only_what_changed_and_removes_what_is_gone(tmp_path):
    folder = tmp_path / "tree"
    Tree({"a/same": b"1", "a/changed": b"1", "b/gone": b"1"}).write(folder)
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    Tree({"a/same": b"1", "a/changed": b"2"}).write(folder)
    assert (folder / "a/same").stat().st_mtime == 1
    assert (folder / "a/changed").read_bytes() == b"2"
    assert not (folder / "b").exists()


def test_two_files_in_one_place_are_refused():
    tree = Tree({"a": b"1"})
    with pytest.raises(ValueError, match="a is planned twice"):
        tree.add("a", b"2")
