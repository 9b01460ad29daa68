"""A page gives the same notebook in a fork of the warm process as by papermill's own engine in a kernel of its own."""

import re

import nbformat
import pytest
from papermill.exceptions import PapermillExecutionError

from book.cache import PageCache
from book.engine import execute_serial, failure
from book.expand import expand
from book.notebook import PLACE, placeless, read_chapter, tidy
from book.pool import Outcome, Pool, Task
from book.run import run
from tests.book.tiny_house import chapter, make_house

STREAMS = """\
import sys
print("out 1")
print("err 1", file=sys.stderr)
print("out 2", flush=True)
sys.stderr.write("err 2")"""
DESCRIPTOR = """\
import os, time
os.write(1, b"from the descriptor\\n")
time.sleep(0.5)  # a kernel watches its descriptors in a thread"""
SLOW_STREAMS = """\
import time
for number in range(3):
    print(number, end=" ")
    print("e", number, file=sys.stderr)
    time.sleep(0.25)"""
RICH = """\
from IPython.display import HTML, Latex, Markdown, display
display(HTML("<b>bold</b>"), metadata={"isolated": True})
print("between")
display(Markdown("*m*"), Latex("$x$"))
display({"text/plain": "t", "application/vnd.watwerkt.table+json": {"rows": [[1, None, "é"]]}}, raw=True)"""
GLUE = """\
from myst_nb import glue
glue("effect", 1.25, display=False)
glue("text", "a\\nb")"""
FRAME = """\
import pandas as pd
frame = pd.DataFrame({"who": ["a", "b"], "n": [1.5, None]})
frame"""
CHART = """\
import altair as alt
alt.Chart(frame).mark_bar().encode(x="n:Q", y="who:N").properties(width=300)"""
UPDATE = """\
first = display("not yet", display_id="later")
print("x")
second = display("stays", display_id="other")"""
UPDATED = """\
first.update("now")
from IPython.display import clear_output, update_display
update_display({"text/plain": "raw"}, raw=True, display_id="other")
display("again", display_id="later")"""
CLEARED = """\
print("gone"); clear_output()
print("gone too"); clear_output(wait=True)
print("last")"""
WARNS = """\
import warnings
warnings.warn("take care")
def old():
    warnings.warn("old", DeprecationWarning, stacklevel=2)
old()"""
AWAITS = """\
import asyncio
await asyncio.sleep(0)
!echo from a shell
%timeit -n1 -r1 -q pass
"awaited" """
STATE = """\
import threading, __main__
thread = threading.Thread(target=print, args=("from a thread",))
thread.start(); thread.join()
__name__, __main__.frame is frame, In[2], sorted(Out), sys.path.index("")"""
BROKEN_REPR = """\
class Odd:
    def _repr_html_(self):
        raise ValueError("no html")
    def __repr__(self):
        return "odd"
Odd()"""
CELLS = (
    STREAMS, DESCRIPTOR, SLOW_STREAMS, RICH, GLUE, FRAME, CHART, UPDATE, UPDATED, CLEARED, WARNS, AWAITS, STATE,
    "", "# only a comment", "frame.n.sum();", "1\n2", "level",
)  # fmt: skip


def papermills_own(house, page, folder):
    """The page's notebook by papermill's own engine, in the form in which notebooks are kept."""
    execute_serial(house, [page], folder)
    return tidy(nbformat.read(folder / f"{page.name}.ipynb", as_version=4), page, house.root)


def anonymous(notebook):
    """Without what differs between two processes by nature: addresses in memory, and names that are drawn."""
    text = re.sub(r"0x[0-9a-f]{6,}", "0x", nbformat.writes(notebook))
    return nbformat.reads(re.sub(r"altair-viz-[0-9a-f]+", "altair-viz", text), as_version=4)


def test_outputs_are_those_of_papermills_own_engine(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # a kernel that sees it does not watch its file descriptors
    front = "over: {codes: level}\n"
    text = chapter(*CELLS, front=front, parameters="level = 'not given'")
    house = make_house(tmp_path / "house", {"chapters/all.md": text}, data={"codes/level.csv": "code\nhigh\n"})
    (page,) = expand(house)[1:]
    (executed,) = run(house, [page])
    ours = anonymous(nbformat.read(executed.notebook, as_version=4))
    theirs = anonymous(papermills_own(house, page, tmp_path / "papermill"))
    for one, other in zip(ours.cells, theirs.cells, strict=True):
        assert one == other
    assert ours == theirs
    nbformat.validate(ours)


def test_the_compared_page_has_every_kind_of_output(tmp_path):
    house = make_house(tmp_path, {"chapters/all.md": chapter("level = 0", *CELLS)})
    (executed,) = run(house, expand(house))
    notebook = nbformat.read(executed.notebook, as_version=4)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert {output.output_type for output in outputs} == {"stream", "display_data", "execute_result"}
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert {"text/html", "text/markdown", "application/papermill.record/text/plain"} <= kinds
    assert any("vegaEmbed" in output.get("data", {}).get("text/html", "") for output in outputs)
    texts = "".join(output.get("text", "") for output in outputs)
    assert "from the descriptor" in texts
    assert "from a thread" in texts
    assert "gone" not in texts
    assert "/ipykernel_" not in texts


FAILURES = {
    "an exception": ("def half(n):\n    return 1 / n", "print('before')\n\nhalf(0)", "print('never')"),
    "a syntax error": ("1", "def f(:\n    pass"),
    "a chained exception": ("try:\n    {}['a']\nexcept KeyError as error:\n    raise ValueError('b') from error",),
    "an exception in another module": ("from watwerkt import codes\ncodes.grid('animal')",),
    "an exit": ("import sys\nsys.exit(3)",),
    "an interrupt": ("raise KeyboardInterrupt",),
    "a representation that fails": (BROKEN_REPR,),
    "a tag that expects it": ("raise ValueError('expected')", "print('after')"),
}


@pytest.mark.parametrize("cells", FAILURES.values(), ids=FAILURES)
def test_failures_are_those_of_papermills_own_engine(tmp_path, cells):
    text = chapter(*cells)
    if "expected" in cells[0]:
        text = text.replace("ipython3\nraise", "ipython3\n:tags: [raises-exception]\nraise")
    house = make_house(tmp_path / "house", {"chapters/fails.md": text})
    page = expand(house)[1]
    with pytest.raises(PapermillExecutionError) as theirs:
        execute_serial(house, [page], tmp_path / "papermill")
    written = nbformat.read(tmp_path / "papermill" / "fails.ipynb", as_version=4)
    failed = next(cell for cell in written.cells if cell.get("execution_count") == theirs.value.exec_count)
    expected = failure(theirs.value, failed)
    outcome = one_outcome(house, page)
    assert outcome.failure.error == expected.error
    assert (outcome.failure.cell, outcome.failure.line) == (expected.cell, expected.line)
    assert outcome.failure.code == expected.code
    assert outcome.failure.traceback == placeless(expected.traceback, house.root)


def one_outcome(house, page) -> Outcome:
    with Pool(house, jobs=1, warm=[], say=print) as pool:
        (outcome,) = pool.run([Task(page, read_chapter(house, page.chapter))], tick=lambda: None)
    return outcome


def test_a_page_may_ask_for_papermills_own_engine(tmp_path):
    cells = ("import os, sys\nprint(os.environ['JPY_PARENT_PID'] != '')", "open('data/published/trial.csv').close()")
    house = make_house(tmp_path, {"chapters/own.md": chapter(*cells, front="engine: papermill\n")})
    (executed,) = run(house, expand(house))
    notebook = nbformat.read(executed.notebook, as_version=4)
    assert notebook.cells[1].outputs[0].text == "True\n"
    assert "data/published/other.csv" in executed.reads  # what it read cannot be seen: it depends on everything


def test_code_cells_know_their_lines(tmp_path):
    first = "```{code-cell}\n---\ntags: [x]\n---\n\nfirst = 1\n```\n"
    text = f"---\ntitle: T\n---\n# T\n\n{first}+++\n```{{code-cell}}\nfirst\n```\n"
    house = make_house(tmp_path, {"chapters/lines.md": text})
    places = [cell.metadata[PLACE] for cell in read_chapter(house, "chapters/lines.md").notebook().cells]
    assert [place.get("cell") for place in places] == [None, 1, 2]
    lines = text.splitlines()
    assert [lines[place["line"] - 1] for place in places] == ["# T", "first = 1", "first"]


def test_warm_pages_are_much_faster_than_papermills_own_engine(tmp_path):
    imports = "import pandas as pd\nimport statsmodels.api as sm"
    chapters = {f"chapters/p{number}.md": chapter(imports, f"x = {number}", "x") for number in range(8)}
    house = make_house(tmp_path / "house", chapters)
    pages = expand(house)[1:]
    serial = execute_serial(house, pages[:1], tmp_path / "papermill")
    ours = [executed.seconds for executed in run(house, pages)]
    assert max(ours) < min(serial.values()) / 3  # run times on a busy machine; `make bench` measures what a build takes


def test_keys_do_not_depend_on_the_folder_of_the_house(tmp_path):
    keys = []
    for name in ("one", "two"):
        house = make_house(tmp_path / name, {"chapters/a.md": chapter("from watwerkt import charts")})
        keys.append(PageCache(house).key(expand(house)[1]))
    assert keys[0] == keys[1]
