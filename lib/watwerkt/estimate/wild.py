"""Wild cluster bootstrap of one coefficient, for clusters too few for the usual theory (methods B4)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from watwerkt.errors import EstimationError
from watwerkt.estimate.equation import Equation

_SAME = 1e-9  # relative: draws that repeat the sample itself count as equally far

POINTS = {
    "rademacher": np.array([-1.0, 1.0]),
    "webb": np.array([-(1.5**0.5), -1.0, -(0.5**0.5), 0.5**0.5, 1.0, 1.5**0.5]),
}


@dataclass(frozen=True)
class Wild:
    """How to draw: the generator, the number of draws, and the distribution of a cluster's factor.

    ``rademacher`` is −1 or 1; where all sign patterns are no more than ``draws``, each is taken once and nothing is
    random. ``webb`` has six points (Webb 2023), for fewer than about twelve clusters.
    """

    rng: np.random.Generator
    draws: int = 9999
    kind: Literal["rademacher", "webb"] = "rademacher"


def wild_cluster_p(found: Equation, name: str, wild: Wild) -> float:
    """Two-sided p that a least-squares coefficient is nil, by the restricted wild cluster bootstrap (WCR-C).

    The share of draws with |t*| ≥ |t|: outcomes are drawn with the coefficient nil, residuals of a cluster all times
    one factor, and t* uses clustered variance. The sample itself counts as a draw where all patterns are taken.

    Source: Cameron, Gelbach & Miller (2008); Roodman, MacKinnon, Nielsen & Webb (2019), whose algebra makes one row
    of a draws × clusters matrix of each draw.

    Raises EstimationError without clusters, with instruments, or with fewer than two draws. Checked against a
    bootstrap draw by draw with R's ``lm`` and ``sandwich::vcovCL`` by the kit ``did_simulated``.
    """
    if found.cluster is None or found.endog is not None or wild.draws < 2 or wild.kind not in POINTS:
        raise EstimationError(
            "a wild cluster bootstrap needs clusters, an equation without instruments, at least 2 draws, and "
            f"factors of a kind it knows; found {wild.draws} draws of kind {wild.kind!r}.\n"
            f"  allowed: {', '.join(POINTS)}; name the column of the clusters"
        )
    root = 1.0 if found.weights is None else np.sqrt(found.weights.to_numpy())[:, None]
    x, y = root * found.exog.to_numpy(), root * found.outcome.to_numpy()[:, None]
    codes, place = found.cluster.to_numpy(), list(found.exog.columns).index(name)
    groups, rest = int(codes.max()) + 1, np.delete(x, place, axis=1)
    focus = x[:, place] - rest @ np.linalg.lstsq(rest, x[:, place], rcond=None)[0]
    restricted = (y - rest @ np.linalg.lstsq(rest, y, rcond=None)[0])[:, 0]
    moved = _sums(codes, focus * restricted)
    through = np.stack([_sums(codes, focus * column) for column in x.T], axis=1)
    back = np.stack([_sums(codes, restricted * column) for column in x.T], axis=1)
    scores = np.diag(moved) - back @ np.linalg.solve(x.T @ x, through.T)
    factors = _factors(groups, wild)
    sample = _t(np.ones((1, groups)), moved, scores)[0]
    drawn = _t(factors, moved, scores)
    return float(np.mean(np.abs(drawn) >= abs(sample) * (1 - _SAME)))


def _t(factors: np.ndarray, moved: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """t up to a constant factor, for each row of factors; infinite where a draw leaves no variance."""
    shift, spread = factors @ moved, np.sqrt(((factors @ scores) ** 2).sum(axis=1))
    return np.divide(shift, spread, out=np.full_like(shift, np.inf), where=spread > 0)


def _factors(groups: int, wild: Wild) -> np.ndarray:
    points = POINTS[wild.kind]
    if wild.kind == "rademacher" and groups * np.log(2) <= np.log(wild.draws):
        return np.array(list(product(points, repeat=groups)))
    return wild.rng.choice(points, size=(wild.draws, groups))


def _sums(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.bincount(codes, weights=values)
