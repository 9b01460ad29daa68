"""``python -m watwerkt.simulation``: make the draws of the simulation study, write them, and say what they show."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import pandas as pd

from watwerkt.errors import WatWerktError
from watwerkt.simulation import runner, store, study
from watwerkt.simulation.register import DESIGNS

LEAST = 500


def main(arguments: Sequence[str] | None = None) -> int:
    """Run some designs (all by default), write ``data/simulation/draws.csv``; 1 if an estimator refused a data set."""
    asked = _asked(arguments)
    names, results, began = asked.design or list(DESIGNS), {}, time.monotonic()
    try:
        keep = store.read(without=names) if asked.design and (store.folder() / "draws.csv").exists() else {}
        for name, draws in runner.run(names, draws=asked.draws, jobs=asked.jobs):
            results[name] = draws
            print(f"{time.monotonic() - began:6.0f} s  {name}", file=sys.stderr)
        print(f"wrote {store.write(results, keep=keep, order=list(DESIGNS))}", file=sys.stderr)
        _say(names)
    except WatWerktError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def _say(names: Sequence[str]) -> None:
    columns = ["design", "truth", "draws", "bias", "bias_se", "rmse", "se_ratio", "coverage", "verdict"]
    for found, shown in ((study.summary(names), columns), (study.false_alarms(names), ["design", "rate", "verdict"])):
        if len(found):
            with pd.option_context("display.width", 200):
                print(found[shown].to_string(index=False, float_format=lambda value: f"{value:.4f}"))


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=store.COMMAND, description=__doc__.partition(": ")[2])
    parser.add_argument("design", nargs="*", metavar="design", help=f"of: {', '.join(DESIGNS)}; all by default")
    parser.add_argument("--draws", type=int, default=LEAST, help=f"per design, at least {LEAST}")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    asked = parser.parse_args(arguments)
    if unknown := sorted(set(asked.design) - set(DESIGNS)):
        parser.error(f"there is no design {unknown[0]!r}; allowed: {', '.join(DESIGNS)}")
    if asked.draws < LEAST or asked.jobs < 1:
        parser.error(f"{asked.draws} draws in {asked.jobs} processes; needed: at least {LEAST} draws, one process")
    return asked


if __name__ == "__main__":
    sys.exit(main())
