"""The command line: exit codes, and one message for what is foreseen."""

import errno
import json

import pytest

from book import __main__ as cli
from book.errors import BookError


def run(monkeypatch, raised):
    """Run a command that raises."""

    def command(given):
        raise raised

    monkeypatch.setattr(cli, "_clean", command)
    monkeypatch.setattr(command, "__name__", "_clean")
    return cli.main(["clean"])


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (BookError("ToldError: it is so.\n  do this"), 1, "ToldError: it is so.\n  do this"),
        (OSError(errno.ENOSPC, "", "_build/x"), 1, "BuildError: _build/x: no space is left on the disk."),
        (OSError(errno.EROFS, "", "_build/x"), 1, "BuildError: _build/x: the file system is read-only."),
        (PermissionError(errno.EACCES, "", "_build/x"), 1, "BuildError: _build/x: permission denied."),
        (KeyboardInterrupt(), 130, "interrupted: the last good site is as it was"),
    ],
)
def test_what_is_foreseen_is_one_message_and_an_exit_code(monkeypatch, capsys, raised, code, told):
    assert run(monkeypatch, raised) == code
    assert told in capsys.readouterr().err


def test_what_is_not_foreseen_is_a_defect_with_its_traceback(monkeypatch):
    with pytest.raises(OSError, match="odd"):
        run(monkeypatch, OSError(errno.EIO, "odd"))


@pytest.mark.parametrize("arguments", [["build", "--jobs", "-1"], ["build", "--jobs", "many"], ["nonsense"], []])
def test_a_wrong_argument_is_refused(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert "usage: python -m book" in capsys.readouterr().err


def numbers(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(json.dumps(content))
    return str(path)


def test_the_difference_of_two_builds_lists_numbers_added_removed_and_changed(tmp_path, capsys):
    old = numbers(tmp_path, "old.json", {"a": {"same": 1, "moved": 1.5, "gone": "x|y"}})
    new = numbers(tmp_path, "new.json", {"a": {"same": 1, "moved": 1.6}, "b": {"fresh": 2}})
    assert cli.main(["numbers", old, new]) == 0
    table = capsys.readouterr().out
    assert "**3 numbers changed**, 3 in all" in table
    assert "| changed | a | `moved` | 1.5 | 1.6 |" in table
    assert "| removed | a | `gone` | x\\|y |  |" in table
    assert "| added | b | `fresh` |  | 2 |" in table
    assert "same" not in table


def test_no_difference_is_said(tmp_path, capsys):
    old = numbers(tmp_path, "old.json", {"a": {"same": 1}})
    assert cli.main(["numbers", old, old]) == 0
    assert capsys.readouterr().out == "No number changed (1 number).\n"


def test_numbers_that_cannot_be_read_are_named(tmp_path, capsys):
    (tmp_path / "bad.json").write_text("{")
    for name, told in (("bad.json", "not a numbers.json"), ("gone.json", "there is no such file")):
        assert cli.main(["numbers", str(tmp_path / name), str(tmp_path / name)]) == 1
        assert f"{name}: {told}" in capsys.readouterr().err
