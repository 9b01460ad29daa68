"""Every kind of fault that `check` finds, each in a site that is right but for it."""

import json

import pytest

from book.check import check, raise_if_any
from book.errors import BookError
from book.pages import House

PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>T</title><link rel="stylesheet" href="{up}_static/site.css"></head><body>
<nav><a href="{up}index.html">Start</a> <a href="{up}{nav}">Next</a></nav>
<main id="main"><p>Text with <code>{{glue:text}}`x`</code> and <a href="https://example.org/">a link out</a>.</p>
{inside}
</main></body></html>
"""


class Site:
    def __init__(self, root):
        self.house = House(root)
        self.folder = root / "site"
        self.write("../data/schemas/identifiers.csv", "name,why\nrinpersoon,CBS person number\nBSN,citizen number\n")
        self.write("_static/site.css", "/* @import 'https://old.example' */ body { background: url(paper.png) }")
        self.write("_static/paper.png", "png")
        self.write("files/a.csv", "who,n\nwomen,3\n")
        self.write("data/numbers.json", "{}")
        self.page("index.html")
        self.page("a/b.html")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def page(self, name, inside="", nav="a/b.html"):
        self.write(name, PAGE.format(inside=inside, nav=nav, up="../" * name.count("/")))

    def problems(self):
        return [str(problem) for problem in check(self.folder, self.house)]


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_a_site_that_is_right_has_no_problem(site):
    inside = (
        '<h2 id="here">H</h2><a href="#here">1</a><a href="a/b.html#main">2</a><a href="files/a.csv">3</a>'
        '<img src="_static/paper.png" alt=""><svg viewBox="0 0 1 1"><path id="p"/><use href="#p"/></svg>'
        '<table><tr><th>who</th></tr></table><span class="pasted-text">1.2</span><span class="pasted-text">Nanny</span>'
        '<a href="mailto:x@example.org">m</a><p>None of this is nan.</p><link rel="canonical" href="https://x.example/">'
        '<span class="pasted-text">Noneuropean</span><div role="img" aria-label="A picture"></div>'
    )
    site.page("index.html", inside)
    assert site.problems() == []


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        ('<a href="gone.html">x</a>', "a link to gone.html: there is no such file"),
        ('<a href="#gone">x</a>', "a link to #gone: index.html has no id 'gone'"),
        ('<a href="a/b.html#gone">x</a>', "a link to a/b.html#gone: a/b.html has no id 'gone'"),
        ('<a href="/a/b.html">x</a>', "the address /a/b.html starts at the root of the host"),
        ('<a download href="files/gone.csv">x</a>', "a link to files/gone.csv: there is no such file"),
        ('<img src="gone.png" alt="">', "a link to gone.png: there is no such file"),
        ('<p id="x">1</p><p id="x">2</p>', "the id 'x' is also on line 5"),
        ('<p id="x">1</p><svg><path id="x"/></svg>', "the id 'x' is also on line 5"),
        ('<svg><use href="#gone"/></svg>', "a link to #gone: index.html has no id 'gone'"),
        ('<img src="_static/paper.png">', "the picture _static/paper.png has no alt"),
        ('<div role="img"><svg></svg></div>', "a <div> with the role of a picture has no aria-label"),
        ('<script src="https://cdn.example/x.js"></script>', "a request to another host: https://cdn.example/x.js"),
        ('<script src="//cdn.example/x.js"></script>', "a request to another host: //cdn.example/x.js"),
        ('<link rel="stylesheet" href="https://f.example/x.css">', "a request to another host: https://f.example/x"),
        ('<link rel="preconnect" href="https://f.example">', "a request to another host: https://f.example"),
        ('<img src="http://x.example/p.png" alt="">', "a request to another host: http://x.example/p.png"),
        ('<img srcset="https://x.example/p.png 2x" alt="">', "a request to another host: https://x.example/p.png"),
        ('<iframe src="https://x.example/"></iframe>', "a request to another host: https://x.example/"),
        ('<p style="background:url(https://x.example/p)">x</p>', "a request to another host: https://x.example/p"),
        ("<style>@import 'https://x.example/s.css';</style>", "a request to another host: https://x.example/s.css"),
        ("<script>import('https://x.example/m.js')</script>", "a script that loads from another host: https://x.exam"),
        ('<script>const T_URL = "https://x.example/t.js"</script>', "a script that loads from another host: https://x"),
        ("<p>The {glue:text}`effect` was</p>", "text that was not rendered: '{glue:text}`'"),
        ("<p>See {ref}`there`</p>", "text that was not rendered: '{ref}`'"),
        ('<span class="pasted-text">nan</span>', "a glued value is 'nan'"),
        ('<span class="pasted-text">+nan points</span>', "a glued value is '+nan points'"),
        ('<span class="pasted-text">None</span>', "a glued value is 'None'"),
        ('<span class="pasted-text"></span>', "a glued value is empty"),
        ("<table><tr><th>RINPERSOON</th></tr></table>", "a column is called 'RINPERSOON', which identifies people"),
        ("<section><figure><figcaption>x</figure></section>", "<figcaption> is not closed before </figure>"),
    ],
)
def test_a_fault_in_a_page_is_named_with_file_and_line(site, inside, found):
    site.page("index.html", inside)
    (problem,) = site.problems()
    assert problem.startswith(f"CheckError: index.html, line 5: {found}")


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        (
            "_static/x.css",
            "@import url('https://x.example/s.css');",
            "a request to another host: https://x.example/s.css",
        ),
        ("_static/x.css", "p { background: url(//x.example/p) }", "a request to another host: //x.example/p"),
        ("_static/x.css", "p { background: url(gone.woff2) }", "a style needs gone.woff2: there is no such file"),
        (
            "_static/x.js",
            "fetch('https://x.example/d.json')",
            "a script that loads from another host: https://x.example",
        ),
        ("_static/x.js", 's.src="//x.example/s.js"', "a script that loads from another host: //x.example/s.js"),
        ("files/x.parquet", "PAR1", "files of type .parquet can hold microdata"),
        ("files/x.SAV", "x", "files of type .sav can hold microdata"),
        ("files/x.csv", "n,RINpersoon\n1,2\n", "a column is called 'RINpersoon', which identifies people"),
        ("files/x.csv", "\ufeffbsn,n\n1,2\n", "a column is called 'bsn', which identifies people"),
        ("files/x.json", json.dumps({"a": [{"bsn": 1}]}), "a key is called 'bsn', which identifies people"),
        ("files/x.json", json.dumps({"columns": ["bsn"], "rows": []}), "a key is called 'bsn', which identifies"),
        ("files/x.json", json.dumps({"fields": [{"name": "bsn"}]}), "a key is called 'bsn', which identifies people"),
    ],
)
def test_a_fault_in_another_file_is_named(site, name, content, found):
    site.write(name, content)
    (problem,) = site.problems()
    assert problem.startswith(f"CheckError: {name}")
    assert found in problem


def test_a_page_that_no_navigation_leads_to_is_named(site):
    site.page("stray.html")
    site.page("index.html", '<p><a href="stray.html">only from the text</a></p>')
    assert site.problems() == ["CheckError: stray.html: the page is not in the table of contents"]


def test_a_page_below_another_is_reached_through_the_navigation_of_that_page(site):
    site.page("a/b.html", nav="a/c.html")
    site.page("a/c.html")
    assert site.problems() == []


def test_all_problems_are_reported_at_once_with_their_number(site):
    site.page("index.html", '<a href="gone.html">x</a>\n<img src="_static/paper.png">')
    site.write("files/x.sav", "x")
    with pytest.raises(BookError) as error:
        raise_if_any(check(site.folder, site.house))
    message = str(error.value)
    assert all(part in message for part in ("index.html, line 5", "index.html, line 6", "files/x.sav", "3 problems"))


def test_many_pages_are_read_in_several_processes_with_the_same_result(site):
    for number in range(45):
        site.page(f"p{number}.html", '<a href="gone.html">x</a>')
    one, two = (check(site.folder, site.house, jobs=jobs) for jobs in (1, 2))
    assert one == two
    assert len(one) == 90  # each has a broken link and is in no navigation


@pytest.mark.parametrize(
    ("content", "found"), [(None, "there is no such file"), ("column\nbsn\n", "there is no column 'name'")]
)
def test_without_a_list_of_identifiers_nothing_is_passed(site, content, found):
    path = site.house.root / "data/schemas/identifiers.csv"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(BookError, match=f"data/schemas/identifiers.csv.*{found}"):
        site.problems()


def test_a_folder_that_is_not_there_is_named(site, tmp_path):
    with pytest.raises(BookError, match=r"nowhere: there is no such folder\.\n  build the site first: make book"):
        check(tmp_path / "nowhere", site.house)
