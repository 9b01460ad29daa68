"""``python -m book``: the build, and its steps one by one."""

import argparse
import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from book.errors import BookError
from book.pages import House

_FORESEEN = {
    errno.ENOSPC: ("no space is left on the disk", "free some space and run the command again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and run the command again"),
    errno.EROFS: ("the file system is read-only", "build in a folder that can be written"),
    errno.EACCES: ("permission denied", "make the folder writable for the user that builds"),
    errno.EPERM: ("permission denied", "make the folder writable for the user that builds"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 something to put right, 130 interrupted."""
    given = _parser().parse_args(arguments)
    try:
        return given.command(given) or 0
    except BookError as error:
        print(f"\n{error}", file=sys.stderr)
    except OSError as error:
        if error.errno not in _FORESEEN:
            raise
        found, step = _FORESEEN[error.errno]
        print(
            f"\nBuildError: {error.filename or '_build'}: {found}.\n  the last good site is as it was; {step}",
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        print("\ninterrupted: the last good site is as it was", file=sys.stderr)
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m book", description="Build the book, or take one of its steps.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function: Callable, text: str, *, jobs: bool = False, source: bool = False) -> argparse.ArgumentParser:
        made = commands.add_parser(function.__name__.strip("_"), help=text, description=f"{text[0].upper()}{text[1:]}.")
        made.set_defaults(command=function)
        if source:
            made.add_argument("--microdata", type=Path, metavar="FOLDER", help="a researcher's own microdata")
        if jobs:
            made.add_argument("--jobs", type=_jobs, default=0, metavar="N", help="processes at once; 0: one per core")
        return made

    made = command(_build, "build the whole site into _build/html", jobs=True, source=True)
    made.add_argument("--incremental", action="store_true", help="bind only what changed, into _build/preview")
    made.add_argument("--no-release", action="store_true", help="build and check, and leave the released site alone")
    command(_expand, "list the pages that the chapters stand for")
    command(_run, "execute the pages that have changed", jobs=True, source=True)
    command(_bind, "execute and bind, without checking or releasing", jobs=True, source=True)
    made = command(_check, "list everything that is wrong in a built site", jobs=True)
    made.add_argument("folder", nargs="?", type=Path, help="the built site (default: _build/html)")
    for function, text in ((_serve, "serve the built site"), (_preview, "build, serve, and rebuild on change")):
        made = command(function, text, jobs=function is _preview)
        made.add_argument("--port", type=int, default=8000, help="the first port to try (default: 8000)")
    made = command(_bench, "measure against serial papermill and jupyter-book build")
    made.add_argument("--quick", action="store_true", help="the page benchmark only")
    made.add_argument("--record", action="store_true", help="keep those of the estimators in data/bench")
    made = command(_numbers, "list as Markdown the numbers that differ between two builds")
    made.add_argument("old", type=Path, help="numbers.json of the one build")
    made.add_argument("new", type=Path, help="numbers.json of the other build")
    command(_clean, "remove _build")
    return parser


def _jobs(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def _cores(given: argparse.Namespace) -> int:
    from book.process import cores

    return given.jobs or cores()


def _build(given: argparse.Namespace) -> None:
    from book.build import build

    build(
        House.here(),
        jobs=_cores(given),
        incremental=given.incremental,
        to_release=not given.no_release,
        source=_source(given),
    )


def _expand(given: argparse.Namespace) -> None:
    from book.expand import expand

    for page in expand(House.here()):
        print(f"{page.name}  <-  {page}")


def _run(given: argparse.Namespace) -> None:
    from book.build import Clock, expand_and_run, say
    from book.release import build_lock

    house = House.here()
    with build_lock(house, say=say):
        expand_and_run(house, Clock(), jobs=_cores(given), source=_source(given))


def _bind(given: argparse.Namespace) -> None:
    from book.build import bind_only

    bind_only(House.here(), jobs=_cores(given), source=_source(given))


def _source(given: argparse.Namespace) -> Path | None:
    return given.microdata.resolve() if given.microdata else None


def _check(given: argparse.Namespace) -> None:
    from book.check import check, raise_if_any

    house = House.here()
    folder = given.folder or house.build / "html"
    raise_if_any(check(folder.resolve(), house, jobs=_cores(given)))
    print(f"{folder}: no problem")


def _serve(given: argparse.Namespace) -> None:
    from book.preview import serve

    serve(House.here(), port=given.port)


def _preview(given: argparse.Namespace) -> None:
    from book.preview import preview

    preview(House.here(), port=given.port, jobs=_cores(given))


def _bench(given: argparse.Namespace) -> None:
    from book.bench import bench

    bench(House.here(), quick=given.quick, record=given.record)


def _numbers(given: argparse.Namespace) -> None:
    from book.report import numbers_difference

    print(numbers_difference(given.old, given.new), end="")


def _clean(given: argparse.Namespace) -> None:
    from book.release import clean

    clean(House.here())


if __name__ == "__main__":
    sys.exit(main())
