"""The benchmarks measure a copy, and a ratio below its bound fails."""

import json
import subprocess

import pytest

from book import bench
from book.errors import BookError
from book.pages import House


@pytest.mark.parametrize("with_git", [True, False])
def test_the_copy_holds_the_working_tree_and_nothing_built(tmp_path, with_git):
    root = tmp_path / "house"
    for name in ("chapters/a.md", "_build/html/index.html", "lib/watwerkt/x.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    if with_git:
        (root / ".gitignore").write_text("_build/\n")
        subprocess.run(["git", "init", "-q", root], check=True)
    copy = bench.copy_of(House(root), tmp_path / "copy")
    assert (copy.root / "chapters/a.md").read_text() == "chapters/a.md"  # although it is not committed
    assert (copy.root / "lib/watwerkt/x.py").exists()
    assert not (copy.root / "_build").exists()


@pytest.mark.parametrize(
    ("result", "reached"),
    [
        (bench.Result("x", 1, 16, 15), True),
        (bench.Result("x", 1, 14, 15), False),
        (bench.Result("x", 2.9, None, 3), True),
        (bench.Result("x", 3.1, None, 3), False),
        (bench.Result("x", 100), True),
    ],
)
def test_a_bound_is_a_least_ratio_or_a_most_time(result, reached):
    assert result.reached is reached


def test_a_missed_bound_is_an_error_after_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "small_pages", lambda house, folder: bench.Result("small page", 1, 3, 15, "note"))
    with pytest.raises(BookError, match=r"_build/bench\.json: below the bound: small page\."):
        bench.bench(House(tmp_path), quick=True)
    assert "| small page | 1.00 s | 3.00 s | 3.0× | ≥ 15× | note |" in capsys.readouterr().out
    (kept,) = json.loads((tmp_path / "_build/bench.json").read_text())["results"]
    assert (kept["ratio"], kept["reached"]) == (3.0, False)
