"""Chapters become the pages that the grid asks for, and every mistake in a chapter is told with both sides of it."""

import pytest

from book.errors import BookError
from book.expand import expand
from tests.book.tiny_house import chapter, make_house, write

OVER = "over:\n  published: trial\n  by: [who, sex]\nslug: '{who}-{sex}'\n"
PARAMETERS = "who = 'new'\nsex: str = 'f'"
FAMILY = chapter("who, sex", front=OVER, parameters=PARAMETERS)


def family(front: str = OVER, parameters: str = PARAMETERS) -> dict[str, str]:
    return {"chapters/group.md": chapter("1", front=front, parameters=parameters)}


def test_pages_follow_the_table_of_contents_and_families_follow_their_grid(tmp_path):
    house = make_house(
        tmp_path,
        {"chapters/b.md": chapter("1"), "chapters/a/group.md": FAMILY, "book/matter/about.md": "# About\n"},
    )
    pages = expand(house)
    assert [page.name for page in pages] == [
        "index",
        "b",
        "a/group/new-f",
        "a/group/new-m",
        "a/group/old-f",
        "about",
    ]
    assert [page.executable for page in pages] == [False, True, True, True, True, False]
    assert [page.family for page in pages] == [False, False, True, True, True, False]
    assert dict(pages[3].params) == {"who": "new", "sex": "m"}
    assert pages[3].chapter == "chapters/a/group.md"


def test_a_grid_over_a_code_list_has_one_page_for_each_code(tmp_path):
    front = "over: {codes: service}\ntimeout: 7\nengine: papermill\n"
    house = make_house(tmp_path, {"chapters/service.md": chapter("1", front=front, parameters="service = ''")})
    pages = expand(house)[1:]
    assert [page.name for page in pages] == ["service/training", "service/mediation"]
    assert {(page.timeout, page.engine) for page in pages} == {(7, "papermill")}


def test_a_grid_follows_its_data_although_grids_are_kept(tmp_path):
    house = make_house(tmp_path, {"chapters/group.md": FAMILY})
    assert len(expand(house)) == len(expand(house)) == 4
    write(tmp_path, "data/published/trial.csv", "who,sex,value\nold,f,3\n")
    assert [page.name for page in expand(house)] == ["index", "group/old-f"]
    published = tmp_path / "lib/watwerkt/published.py"
    published.write_text(
        published.read_text() + "\n\ndef grid(study, where, by):\n    return [{'who': 'x', 'sex': 'y'}]\n"
    )
    assert [page.name for page in expand(house)] == ["index", "group/x-y"]


def test_where_restricts_a_grid(tmp_path):
    where = OVER.replace("  by:", "  where: {who: old}\n  by:")
    assert len(expand(make_house(tmp_path, family(where)))) == 2


MISTAKES = {
    "a parameter that is not declared": (
        family(parameters="who = 'new'"),
        ["chapters/group.md", "gives the parameter 'sex'", "declared: who;", "gives: who, sex"],
    ),
    "no cell declares parameters": (family(parameters=""), ["gives the parameter 'who'", "declared: none"]),
    "a declared parameter that is not given": (
        family(parameters=PARAMETERS + "\nage = 1"),
        ["declares the parameter 'age'", "does not give", "declared: who, sex, age;", "gives: who, sex"],
    ),
    "parameters that are not Python": (family(parameters="who = = 1"), ["chapters/group.md, line 12", "not Python"]),
    "an unknown key of over": (
        family(OVER.replace("by:", "per:")),
        ["over: unknown key 'per'", "by, published, where"],
    ),
    "two kinds of over": (family(OVER.replace("  by", "  codes: service\n  by")), ["exactly one of 'published' or"]),
    "over is a word": (family("over: subgroups\n"), ["over: 'subgroups' is not a mapping"]),
    "by is not a list": (family(OVER.replace("[who, sex]", "who")), ["by: 'who' is not a list"]),
    "an empty grid": (
        family(OVER.replace("  by:", "  where: {who: nobody}\n  by:")),
        ["chapters/group.md", "the grid is empty", "nobody"],
    ),
    "equal slugs": (
        family(OVER.replace("{who}-{sex}", "{who}")),
        ["2 pages get the slug 'new'", "'sex': 'f'", "'sex': 'm'"],
    ),
    "a slug with an unknown field": (family(OVER.replace("{sex}", "{age}")), ["unknown field 'age'", "who, sex"]),
    "a slug that is no address": (family(OVER.replace("-{sex}", "/{sex}")), ["'new/f' cannot stand in a web address"]),
    "a slug without a family": (family("slug: x\n", ""), ["there is a slug, but no 'over'"]),
    "an unknown code list": (
        family("over: {codes: animal}\n", "animal = ''"),
        ["GridError: chapters/group.md", "no code list 'animal'"],
    ),
    "a column that the data do not have": (
        family(OVER.replace("[who, sex]", "[who, age]"), "who = age = ''"),
        ["GridError", "KeyError: 'age'"],
    ),
    "an unknown key in the front matter": (family("ovr: 1\n", ""), ["unknown key in the front matter: 'ovr'", "over,"]),
    "front matter that is not YAML": (family("a: b: c\n", ""), ["chapters/group.md, line 3", "not YAML"]),
    "front matter that is a list": (
        {"chapters/group.md": "---\n- a\n---\n# T\n"},
        ["chapters/group.md, line 2: the front matter is a list"],
    ),
    "a time limit that is not one": (family("timeout: soon\n", ""), ["timeout: 'soon' is not a positive number"]),
    "an unknown engine": (family("engine: steam\n", ""), ["engine: 'steam' is unknown", "allowed: warm, papermill"]),
    "another kernel": (
        {"chapters/group.md": "---\nkernelspec: {name: ir}\n---\n# T\n"},
        ["kernelspec", "'ir'", "python3"],
    ),
    "two cells with parameters": (
        {"chapters/group.md": FAMILY + "```{code-cell}\n:tags: [parameters]\nwho = 2\n```\n"},
        ["lines 12, 21", "2 cells are tagged 'parameters'"],
    ),
    "options of a cell that are not YAML": (
        {"chapters/group.md": "# T\n```{code-cell}\n---\na: b: c\n---\n1\n```\n"},
        ["chapters/group.md", "YAML"],
    ),
    "two chapters for one place": (
        {"chapters/index.md": "# Another\n"},
        ["chapters/index.md and book/matter/index.md", "the same place"],
    ),
}


@pytest.mark.parametrize(("chapters", "told"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_chapter_is_one_clear_error(tmp_path, chapters, told):
    with pytest.raises(BookError) as error:
        expand(make_house(tmp_path, chapters))
    for part in told:
        assert part in str(error.value)
    assert str(tmp_path) not in str(error.value)


TOC = "format: jb-book\nroot: book/matter/index\nchapters:\n- file: "


@pytest.mark.parametrize(
    ("toc", "told"),
    {
        "a chapter that is not listed": (TOC + "chapters/a\n", "TocError: chapters/b.md: the page is not in the table"),
        "an entry without a chapter": (
            TOC + "chapters/a\n- file: chapters/b\n- file: chapters/c\n",
            "'chapters/c' is in the table of contents, but there is no chapters/c.md",
        ),
        "an entry elsewhere": (TOC + "data/a\n", "'data/a' lies outside chapters and book/matter"),
        "an entry twice": (TOC + "chapters/a\n- file: chapters/a\n", "used multiple times"),
        "a pattern": (TOC.replace("file", "glob") + "chapters/*\n", "list each chapter with 'file'"),
        "not a table of contents": ("- a\n", "toc is not a mapping"),
        "not YAML": ("a: b: c\n", "TocError: _toc.yml"),
    }.values(),
)
def test_a_table_of_contents_that_differs_from_the_disk_is_an_error(tmp_path, toc, told):
    with pytest.raises(BookError) as error:
        expand(make_house(tmp_path, {"chapters/a.md": "# A\n", "chapters/b.md": "# B\n"}, toc=toc))
    assert told in str(error.value)


def test_a_missing_table_of_contents_is_an_error(tmp_path):
    house = make_house(tmp_path, {})
    house.toc.unlink()
    with pytest.raises(BookError, match=r"_toc\.yml: there is no such file"):
        expand(house)


def test_a_chapter_that_is_not_utf8_is_an_error_that_names_the_byte(tmp_path):
    house = make_house(tmp_path, {"chapters/a.md": "# A\n"})
    (tmp_path / "chapters/a.md").write_bytes(b"# Caf\xe9\n")
    with pytest.raises(BookError, match=r"chapters/a\.md, byte 5: b'\\xe9' is not UTF-8"):
        expand(house)
