"""The whole build, in order: expand, run, stage, draw, bind, check, report, release."""

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from book.errors import counted
from book.pages import Executed, House, Page


@dataclass
class Clock:
    """Wall time per stage, told as the build goes; what a stage adds to `notes` ends its line."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        start = time.perf_counter()
        notes: list[str] = []
        yield notes
        self.seconds[name] = time.perf_counter() - start
        say(f"{name:<9} {', '.join(notes)}  {self.seconds[name]:.1f} s")

    @property
    def total(self) -> float:
        return sum(self.seconds.values())


def say(line: str) -> None:
    print(line, flush=True)


def tell(text: str) -> None:
    """Show passing news on the last line of a terminal; nothing where there is none."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def expand_and_run(
    house: House, clock: Clock, *, jobs: int, source: Path | None = None
) -> tuple[list[Page], list[Executed]]:
    from book import microdata
    from book.expand import expand
    from book.run import run

    with clock.stage("expand") as notes:
        pages = expand(house)
        notes.append(f"{counted(len(pages), 'page')} from {counted(len({page.chapter for page in pages}), 'chapter')}")
    with clock.stage("microdata") as notes:
        origins = microdata.provide(house, source, jobs=jobs)
        notes.append(", ".join(f"{study} {origin}" for study, origin in origins.items()) or "none")
    with clock.stage("run") as notes:
        executed = run(house, pages, jobs=jobs)
        notes.append(_run_notes(executed))
    return pages, executed


def build(
    house: House, *, jobs: int, incremental: bool = False, to_release: bool = True, source: Path | None = None
) -> Path:
    """Build the site and release it; return where it stands.

    ``source`` is a folder with a researcher's microdata; without it the microdata are synthetic.
    An incremental build keeps Sphinx's state for the next one and releases to ``_build/preview``: what readers get
    from ``_build/html`` was always bound from nothing.
    """
    from book import release

    with release.build_lock(house, say=say):
        release.sweep(house)
        build_id = release.new_id()
        work = release.work_folder(house, release.INCREMENTAL if incremental else build_id)
        return _build(house, work, build_id, source, jobs=jobs, incremental=incremental, to_release=to_release)


def bind_only(house: House, *, jobs: int, source: Path | None = None) -> Path:
    """Execute and bind; the HTML is left in the working folder, unchecked, until the next build."""
    from book import draw, evidence, release, stage
    from book.provenance import provenance

    clock = Clock()
    with release.build_lock(house, say=say):
        release.sweep(house)
        made_from = provenance(house.root)
        with evidence.exporting(house) as exported, draw.drawers(jobs) as pool:
            pages, executed = expand_and_run(house, clock, jobs=jobs, source=source)
            staged = stage.plan(house, pages, executed, made_from, pool, exported.result())
        work = release.work_folder(house, release.new_id())
        html = _bound(house, staged, work, made_from, clock, jobs=jobs)
    say(f"bound, not checked: {html}")
    return html


def _build(
    house: House, work: Path, build_id: str, source: Path | None, *, jobs: int, incremental: bool, to_release: bool
) -> Path:
    from book import bind, draw, evidence, release, report, stage
    from book.provenance import provenance

    clock = Clock()
    stage.load_yaml(house.root / "_config.yml", root=house.root)  # before minutes of work, not after
    made_from = provenance(house.root)
    with evidence.exporting(house) as exported, draw.drawers(jobs) as pool:
        draw.begin(house.cache / "charts", pool, jobs=jobs)
        pages, executed = expand_and_run(house, clock, jobs=jobs, source=source)
        with clock.stage("stage") as notes:
            staged = stage.plan(house, pages, executed, made_from, pool, exported.result())
            notes.append(f"{counted(staged.charts, 'chart')}, {counted(staged.tables, 'table')}")
    digest = bind.digest(house, staged)

    def record() -> dict:
        return report.build_record(
            made_from, executed, pages=len(pages), digest=digest, stages=clock.seconds, incremental=incremental
        )

    name = "preview" if incremental else "html"
    current = release.released(house, name)
    if to_release and current and report.released_digest(current, incremental=incremental) == digest:
        with clock.stage("verify") as notes:
            whole = report.is_whole(current)
            notes.append("up to date" if whole else "the released site is damaged: binding anew")
        if whole:
            report.write_record(current, record())
            _remove_empty(work)
            return _told(house, name, clock, executed)

    html = _bound(house, staged, work, made_from, clock, jobs=jobs)
    site = release.work_folder(house, build_id) / "site"
    bind.finish(html, site, move=not incremental)
    report.write_checksums(site)
    report.write_record(site, record())
    _check(site, house, clock, jobs=jobs)
    report.write_record(site, record())  # with the time that checking took
    if not to_release:
        say(f"not released: {site}")
        return site
    release.release(house, site, build_id=build_id, name=name)
    if not incremental:
        draw.forget_unused(house.cache / "charts", staged.store)
    release.sweep(house)
    return _told(house, name, clock, executed)


def _bound(house: House, staged, work: Path, made_from, clock: Clock, *, jobs: int) -> Path:
    from book import bind

    with clock.stage("bind") as notes:
        html = bind.bind(house, staged, work, made_from, jobs=jobs, progress=lambda text: tell(f"bind     {text}"))
        tell("")
        notes.append(counted(len(staged.pages), "page"))
    return html


def _check(site: Path, house: House, clock: Clock, *, jobs: int) -> None:
    from book import check

    with clock.stage("check") as notes:
        check.raise_if_any(check.check(site, house, jobs=jobs))
        notes.append("no problem")


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _run_notes(executed: Sequence[Executed]) -> str:
    reused = sum(run.reused for run in executed)
    retried = [str(run.page) for run in executed if run.retried]
    notes = f"{counted(len(executed) - reused, 'page')} executed, {reused} reused"
    return f"{notes}, retried: {', '.join(retried)}" if retried else notes


def _told(house: House, name: str, clock: Clock, executed: Sequence[Executed]) -> Path:
    say(f"{house.build.name}/{name} is complete: {_run_notes(executed)}; {clock.total:.1f} s in all")
    return house.build / name
