"""The bootstrap over people or clusters, for estimates made in more than one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from watwerkt.errors import EstimationError


@dataclass(frozen=True)
class Draws:
    """What the statistic was in each draw: ``values`` is draws × k; ``failed`` draws gave none and are left out."""

    values: np.ndarray
    failed: int

    @property
    def vcov(self) -> np.ndarray:
        """k × k covariance over the draws."""
        return np.atleast_2d(np.cov(self.values, rowvar=False))

    @property
    def variance(self) -> str:
        """How the covariance came about, for ``Result.variance``."""
        return f"bootstrap ({len(self.values)} draws)"

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence on the draws that failed, if any did."""
        if not self.failed:
            return ()
        total = self.failed + len(self.values)
        return (f"{self.failed} of {total} bootstrap draws gave no estimate and are left out of the variance.",)


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    people: int,
    draws: int,
    rng: np.random.Generator | None,
    cluster: pd.Series | None = None,
) -> Draws:
    """The distribution of a statistic over samples drawn with replacement (Efron & Tibshirani 1993).

    Parameters
    ----------
    statistic
        From row numbers, repeated as drawn, to k numbers. A draw in which it raises EstimationError has failed.
    people, draws, rng
        Rows of the table, number of draws, and the generator that draws.
    cluster
        Draw whole clusters instead of people.

    Raises EstimationError without a generator, with one cluster, or if more than half of the draws fail.
    Checked against the analytic variances of the estimators that use it.
    """
    if rng is None or draws < 2:
        raise EstimationError(
            f"a bootstrap of {draws} draws {'without a generator' if rng is None else ''} is not possible.\n"
            "  give rng=numpy.random.default_rng(seed) and at least 2 draws; hundreds are usual"
        )
    members = _members(people, cluster)
    kept = []
    for _ in range(draws):
        rows = np.concatenate([members[place] for place in rng.integers(len(members), size=len(members))])
        try:
            kept.append(statistic(rows))
        except EstimationError:
            continue
    if len(kept) < max(2, draws / 2):
        raise EstimationError(
            f"{draws - len(kept)} of {draws} bootstrap draws gave no estimate.\n"
            "  a column or category is too rare: merge categories, or take a wider group"
        )
    return Draws(np.array(kept), draws - len(kept))


def _members(people: int, cluster: pd.Series | None) -> list[np.ndarray]:
    if cluster is None:
        return list(np.arange(people)[:, None])
    codes, names = pd.factorize(cluster)
    if len(names) < 2:
        raise EstimationError(
            f"all {people} people are in one cluster, {names[0]!r} of {cluster.name!r}.\n  leave the cluster out"
        )
    return [np.flatnonzero(codes == code) for code in range(len(names))]
