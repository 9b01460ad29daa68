"""Executing the pages: those whose inputs have changed, all at once, with every failure told at the end."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from book import microdata
from book.cache import Entry, PageCache
from book.errors import RunFailed, counted
from book.pages import Executed, Failure, House, Page
from book.pool import Outcome, Pool, Task
from book.process import cores
from book.progress import Progress

_LAZY_FROM = 8  # pages to execute, from which on libraries imported inside functions are loaded beforehand too


def run(
    house: House,
    pages: Sequence[Page],
    *,
    jobs: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Executed]:
    """Execute those of the pages that have code and whose inputs changed; return all that have code, in their order.

    At most `jobs` pages run at once (None or 0: one per processor). `progress` is told, in one line of text that
    replaces the one before, how far it is; without it the line goes to stderr. Pages that hang are tried twice.
    Raises `RunFailed` when all other pages are done, with a text that holds every failure.
    """
    todo = [page for page in pages if page.executable]
    jobs = jobs or cores()
    shown = Progress(len(todo), show=progress)
    cache = PageCache(house)
    keys = {page.name: cache.key(page) for page in todo}
    done: dict[str, Executed] = {}
    for page in todo:
        if entry := cache.get(page, keys[page.name]):
            done[page.name] = _executed(house, page, entry, reused=True, retried=False)
            shown.count(reused=True)
    left = [Task(page, cache.chapter(page)) for page in todo if page.name not in done]
    failures: list[Outcome] = []
    try:
        with contextlib.closing(_outcomes(house, left, cache, shown, jobs=jobs)) as outcomes:
            for outcome in outcomes:
                page = outcome.task.page
                if outcome.result is None:
                    failures.append(outcome)
                else:
                    entry = cache.put(page, keys[page.name], outcome.result)
                    done[page.name] = _executed(house, page, entry, reused=False, retried=outcome.retried)
                shown.count(failed=outcome.result is None)
    finally:
        shown.end()
    cache.prune()
    if failures:
        raise RunFailed(_told(failures, [page.name for page in todo]), len(failures))
    return [done[page.name] for page in todo]


def _outcomes(
    house: House, tasks: Sequence[Task], cache: PageCache, shown: Progress, *, jobs: int
) -> Iterator[Outcome]:
    """Run the tasks in a pool that has loaded the libraries that they import."""
    if not tasks:
        return
    _ = cache.everything  # looked at before pages run
    modules = {module for task in tasks for module in cache.modules(task.page)}
    cells = [cell for task in tasks for cell in task.chapter.code]
    warm = cache.library.others(modules, cells, lazy=len(tasks) >= _LAZY_FROM)
    with Pool(house, jobs=min(jobs, len(tasks)), warm=warm, say=shown.say) as pool:
        shown.begin()
        yield from pool.run(tasks, tick=lambda: shown.tick(", ".join(page.name for page, _ in pool.places)))


def _executed(house: House, page: Page, entry: Entry, *, reused: bool, retried: bool) -> Executed:
    data = tuple(path for path, found in entry.reads.files.items() if path.startswith("data/") and found is not None)
    read = microdata.studies_read(house, entry.reads.files)
    return Executed(page, entry.notebook, entry.seconds, reused, retried, data, entry.modules, read)


# --- failures ---------------------------------------------------------------------------------------------------------


def _told(failures: Sequence[Outcome], order: Sequence[str]) -> str:
    """All failures, in the order of the pages."""
    ordered = sorted(failures, key=lambda outcome: order.index(outcome.task.page.name))
    parts = [_told_one(number, outcome) for number, outcome in enumerate(ordered, start=1)]
    return "\n\n".join(
        [
            f"RunFailed: {counted(len(parts), 'page')} failed; every other page was executed and is kept.",
            *parts,
            "Correct what failed and run the command again; the last good site is as it was.",
        ]
    )


def _told_one(number: int, outcome: Outcome) -> str:
    page, failure = outcome.task.page, outcome.failure or Failure("there is no result")
    where = page.chapter
    if failure.line is not None:
        where += f", line {failure.line}, cell {failure.cell}"
    lines = [f"{number}. {where}: {failure.error}"]
    if page.params:
        lines.append("   parameters: " + ", ".join(f"{name}={value!r}" for name, value in page.params.items()))
    if failure.code:
        lines.append(f"   code: {failure.code}")
    if outcome.retried:
        lines.append("   tried twice")
    return "\n".join([*lines, *(f"   | {line}" for line in failure.traceback.splitlines())])
