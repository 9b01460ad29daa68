"""One build at a time, and the new site in the place of the old one in a single step.

Layout under ``_build/``::

    lock               held (flock) by the build that is running; holds its process id
    work/<id>/         what a running build writes; whatever a dead build left there is removed by the next
    work/incremental/  the exception: kept between builds, for preview
    sites/<name>-<id>/ complete, checked sites: the released one and the one before it
    html, preview      relative symbolic links into sites/, swapped by one rename
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from book.errors import BookError
from book.pages import House

INCREMENTAL = "incremental"
_OLDER_LAYOUT = "0-older-layout"


def new_id() -> str:
    """A name for this build's folders; later builds sort after earlier ones."""
    return f"{time.time_ns():020d}-{os.getpid()}"


# --- the lock ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def build_lock(house: House, *, wait: bool = True, say: Callable[[str], None] = print) -> Iterator[None]:
    """Hold the only right to write in ``_build/``; if another build holds it, say which one, and wait or give up."""
    house.build.mkdir(parents=True, exist_ok=True)
    fd = _take(house.lock, wait=wait, say=say)
    open_here = [fd]

    def close() -> None:
        while open_here:
            os.close(open_here.pop())

    os.register_at_fork(after_in_child=close)  # a forked page that outlives us must not hold the lock
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        close()


def _take(path: Path, *, wait: bool, say: Callable[[str], None]) -> int:
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _flock(fd, path, wait=wait, say=say)
            # `clean` may have removed the file between our opening and locking it: then lock the new one.
            if path.exists() and os.path.samestat(os.fstat(fd), path.stat()):
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _flock(fd: int, path: Path, *, wait: bool, say: Callable[[str], None]) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
        if not wait:
            raise BookError(
                f"LockError: {path.parent.name}/{path.name}: process {holder} is building in {path.parent}.\n"
                "  wait until it is done, or end it, and run the command again"
            ) from None
        say(f"waiting: process {holder} is building in {path.parent}")
        fcntl.flock(fd, fcntl.LOCK_EX)


# --- the sites --------------------------------------------------------------------------------------------------------


def work_folder(house: House, build_id: str) -> Path:
    """An empty folder for this build (`INCREMENTAL` is kept as it is)."""
    folder = house.build / "work" / build_id
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def released(house: House, name: str = "html") -> Path | None:
    """The folder of the site that readers see now, or None."""
    link = house.build / name
    return link.resolve() if link.is_dir() else None


def release(house: House, site: Path, *, build_id: str, name: str = "html") -> Path:
    """Make `site` (a complete folder on the same file system) the released one; return its new place.

    Killed at any moment, ``_build/<name>`` leads to the whole old site or the whole new one.
    """
    sites = house.build / "sites"
    sites.mkdir(exist_ok=True)
    link = house.build / name
    before = released(house, name)
    if link.is_dir() and not link.is_symlink():
        before = link.rename(_free(sites / f"{name}-{_OLDER_LAYOUT}"))  # if we die here, the next sweep links it
    place = sites / f"{name}-{build_id}"
    site.rename(place)
    _point(link, place)
    for other in _sites(house, name):
        if other not in (place, before):
            _discard(house, other)
    return place


def sweep(house: House) -> None:
    """Under the lock: remove what dead builds left, and link the newest complete site if none is linked."""
    for leftover in house.build.glob(".link-*"):
        leftover.unlink()
    for name in ("html", "preview"):
        link = house.build / name
        complete = _sites(house, name)
        if link.is_symlink() and not link.exists():
            link.unlink()
        if complete and not link.exists():
            _point(link, complete[-1])
        current = released(house, name)
        # A site newer than the released one was finished by a build that died before the swap.
        for orphan in (site for site in complete if current and site > current and link.is_symlink()):
            _discard(house, orphan)
    work = house.build / "work"
    for folder in work.iterdir() if work.is_dir() else ():
        if folder.name != INCREMENTAL:
            _remove(folder)


def clean(house: House, *, say: Callable[[str], None] = print) -> None:
    """Remove ``_build/``, unless a build is running there."""
    if not house.build.is_dir():
        return
    with build_lock(house, wait=False, say=say):
        for entry in house.build.iterdir():
            if entry != house.lock:
                _remove(entry)
        house.lock.unlink()
        with contextlib.suppress(OSError):  # another build may have begun to wait for the new lock
            house.build.rmdir()


def _sites(house: House, name: str) -> list[Path]:
    """The complete sites of that name, oldest first."""
    return sorted(path.resolve() for path in (house.build / "sites").glob(f"{name}-*"))


def _point(link: Path, place: Path) -> None:
    fresh = link.parent / f".link-{link.name}-{os.getpid()}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(os.path.relpath(place, link.parent), target_is_directory=True)
    fresh.replace(link)


def _free(path: Path) -> Path:
    """`path`, or the first variant of it that does not exist."""
    number = 1
    free = path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _discard(house: House, site: Path) -> None:
    """Remove a site; it leaves sites/ first, in one step, so that nothing there is ever half a site."""
    grave = work_folder(house, f"trash-{new_id()}")
    _remove(site.rename(grave / site.name))
    _remove(grave)


def _remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path)
