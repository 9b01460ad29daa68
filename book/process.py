"""How processes of `book.worker` are started, and how many may work at once."""

import os
import sys
from pathlib import Path

from book.pages import House

PROGRAM = str(Path(__file__).resolve().parent.parent)

_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from book import worker; worker.main(sys.argv[2:])"
_SINGLE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)

# Arrow, which pandas imports, would start a thread for its memory; a process with threads cannot be forked.
_NO_THREAD_AT_IMPORT = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}


def command(*arguments: object) -> list[str]:
    """The command line of a worker (`serve`, `page` or `grids`)."""
    return [sys.executable, "-c", _BOOT, PROGRAM, *map(str, arguments)]


def environment(house: House, private: Path) -> dict[str, str]:
    """Its environment, in which the same page gives the same numbers in every build.

    The house's own library comes first, linear algebra has one thread, sets have one order, and nothing of the user's
    IPython is loaded.
    """
    places = {
        "IPYTHONDIR": str(private / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(private / "jupyter"),
        "WATWERKT_MICRODATA": str(house.cache / "microdata"),
    }
    return {
        "PYTHONHASHSEED": "0",
        **os.environ,
        **_SINGLE_THREAD,
        **_NO_THREAD_AT_IMPORT,
        **places,
        "PYTHONPATH": library_path(house),
    }


def library_path(house: House) -> str:
    """PYTHONPATH with the house's own library before one that may be installed."""
    return os.pathsep.join(filter(None, (str(house.lib), os.environ.get("PYTHONPATH"))))


def inputs(house: House) -> list[str]:
    """Folders from which pages may read, apart from the house's sources."""
    elsewhere = os.environ.get("WATWERKT_DATA")
    return [str(house.cache / "microdata"), *([elsewhere] if elsewhere else [])]


def cores() -> int:
    """The processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
