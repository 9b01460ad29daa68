"""What a build tells about itself: data/build.json, data/checksums.txt, and how the numbers of two builds differ."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from book.errors import BookError, counted
from book.pages import Executed
from book.provenance import Provenance

BUILD = "data/build.json"
CHECKSUMS = "data/checksums.txt"
_NOT_SUMMED = {BUILD, CHECKSUMS}  # build.json records the run: it differs between builds of one commit


def build_record(
    made_from: Provenance,
    executed: Sequence[Executed],
    *,
    pages: int,
    digest: str,
    stages: Mapping[str, float],
    incremental: bool,
) -> dict:
    """The content of build.json. A released site has no warnings: every one fails the build."""
    reused = sum(run.reused for run in executed)
    return made_from.as_dict() | {
        "digest": digest,
        "incremental": incremental,
        "python": platform.python_version(),
        "pages": [
            {
                "name": run.page.name,
                "chapter": run.page.chapter,
                "params": dict(run.page.params),
                "seconds": round(run.seconds, 3),
                "reused": run.reused,
                "retried": run.retried,
                "reads": list(run.reads),
                "modules": list(run.modules),
                "microdata": dict(run.microdata),
            }
            for run in executed
        ],
        "totals": {
            "pages": pages,
            "executable": len(executed),
            "executed": len(executed) - reused,
            "reused": reused,
            "retried": sum(run.retried for run in executed),
        },
        "warnings": 0,
        "seconds": {name: round(seconds, 3) for name, seconds in stages.items()},
    }


def write_record(site: Path, record: Mapping) -> None:
    """Replace build.json in one step: readers may be looking at the site."""
    target = site / BUILD
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(".build.json")
    fresh.write_text(json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
    fresh.replace(target)


def write_checksums(site: Path) -> None:
    """One line per file in the format of sha256sum: `cd _build/html && sha256sum -c data/checksums.txt`."""
    (site / CHECKSUMS).write_text("".join(f"{total}  {name}\n" for name, total in _sums(site).items()), "utf-8")


def is_whole(site: Path) -> bool:
    """Every file that was released is there with the same content, and no other."""
    listed = site / CHECKSUMS
    if not listed.is_file():
        return False
    lines = (line.split("  ", 1) for line in listed.read_text("utf-8").splitlines())
    return {name: total for total, name in lines} == _sums(site)


def released_digest(site: Path, *, incremental: bool) -> str | None:
    """The digest of what a released site was made from, if it was bound in the same way (incrementally or not)."""
    try:
        record = json.loads((site / BUILD).read_text("utf-8"))
    except (FileNotFoundError, ValueError):  # someone removed or edited it: build anew
        return None
    return record.get("digest") if record.get("incremental") == incremental else None


def _sums(site: Path) -> dict[str, str]:
    files = {path.relative_to(site).as_posix(): path for path in site.rglob("*") if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in sorted(files.items())
        if name not in _NOT_SUMMED
    }


# --- the numbers of two builds ----------------------------------------------------------------------------------------


def numbers_difference(old: Path, new: Path) -> str:
    """A Markdown table of the numbers that were added, removed or changed between two numbers.json."""
    before, after = _flat(_numbers(old)), _flat(_numbers(new))
    rows = []
    for place in sorted(before.keys() | after.keys()):
        if before.get(place) != after.get(place) or (place in before) != (place in after):
            was, now = (_shown(place, numbers) for numbers in (before, after))
            rows.append(f"| {_kind(place, before, after)} | {place[0]} | `{place[1]}` | {was} | {now} |")
    if not rows:
        return f"No number changed ({counted(len(after), 'number')}).\n"
    head = f"**{counted(len(rows), 'number')} changed**, {len(after)} in all\n\n| | Page | Key | Before | After |\n"
    return head + "| --- | --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"


def _kind(place: tuple[str, str], before: Mapping, after: Mapping) -> str:
    if place not in before:
        return "added"
    return "changed" if place in after else "removed"


def _shown(place: tuple[str, str], numbers: Mapping) -> str:
    if place not in numbers:
        return ""
    return str(numbers[place]).replace("|", "\\|").replace("\n", " ")


def _flat(numbers: Mapping[str, Mapping]) -> dict[tuple[str, str], object]:
    return {(page, key): value for page, found in numbers.items() for key, value in found.items()}


def _numbers(path: Path) -> dict:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BookError(f"NumbersError: {path}: there is no such file.\n  make one: make book") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BookError(f"NumbersError: {path}: not a numbers.json: {error}.") from None
