"""``python -m watwerkt.provide``: put down the microdata of a study, synthetic or from a researcher's files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from watwerkt import microdata
from watwerkt.errors import MicrodataError, WatWerktError
from watwerkt.microdata import Microdata
from watwerkt.synthetic import instruments, intensive, wga

SEED = 20251121

GENERATORS: Mapping[str, Callable[[np.random.Generator], Mapping[str, pd.DataFrame]]] = {
    "instruments": instruments.generate,
    "intensive": intensive.generate,
    "wga": wga.generate,
}


def provide(study: str, folder: Path, *, source: Path | None = None) -> Microdata:
    """Write ``<folder>/<study>``, synthetic; or, from a researcher's files, ``<folder>/supplied/<study>``.

    Raises MicrodataError for a study without a generator, or files that do not fit; the former state then stays.
    """
    if source is not None:
        return microdata.take_in(source, study, folder)
    if study not in GENERATORS:
        raise MicrodataError(f"there is no generator of {study!r}.\n  allowed: {', '.join(GENERATORS)}")
    tables = GENERATORS[study](np.random.default_rng(SEED))
    return microdata.save(tables, folder, study, origin="synthetic", made_from={"seed": SEED})


def main(arguments: Sequence[str] | None = None) -> int:
    """Provide one study; 1 if its files do not fit."""
    parser = argparse.ArgumentParser(prog="python -m watwerkt.provide", description=__doc__)
    parser.add_argument("study", choices=list(GENERATORS))
    parser.add_argument("folder", type=Path, help="where to write: <folder>/<study>")
    parser.add_argument("--source", type=Path, help="a folder with a researcher's files: <source>/<study>/<table>.csv")
    given = parser.parse_args(arguments)
    try:
        found = provide(given.study, given.folder, source=given.source)
    except WatWerktError as error:
        print(error, file=sys.stderr)
        return 1
    print(found.origin)
    return 0


if __name__ == "__main__":
    sys.exit(main())
