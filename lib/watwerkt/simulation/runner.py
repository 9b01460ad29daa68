"""Make all draws of the designs, in processes of their own with one thread each."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from watwerkt.errors import EstimationError
from watwerkt.simulation.design import Draw, SimulationError
from watwerkt.simulation.register import DESIGNS

AT_ONCE = 25
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

Task = tuple[str, int, int]


def run(designs: Sequence[str], *, draws: int, jobs: int) -> Iterator[tuple[str, list[Draw]]]:
    """Each design's draws, in order, as soon as they are made.

    Fresh processes, so that linear algebra starts with one thread in each. Raises SimulationError if an estimator
    refuses a data set: a share of draws would then be missing in silence.
    """
    tasks = [(name, start, min(start + AT_ONCE, draws)) for name in designs for start in range(0, draws, AT_ONCE)]
    made: dict[str, list[Draw]] = {name: [] for name in designs}
    with _one_thread(), multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for (name, _, stop), found in zip(tasks, pool.imap(_some, tasks), strict=True):
            made[name] += found
            if stop == draws:
                yield name, made[name]


def _some(task: Task) -> list[Draw]:
    """A few draws of one design, in a process of the pool."""
    name, start, stop = task
    found = []
    for number in range(start, stop):
        try:
            found.append(DESIGNS[name].nth(number))
        except EstimationError as error:
            raise SimulationError(f"design {name!r}, draw {number}: {error}") from None
    return found


@contextmanager
def _one_thread() -> Iterator[None]:
    """What processes that start in here are told."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
