"""Which counts to withhold so that none of those withheld follows from those shown (methods E).

Secondary cell suppression as in Fischetti & Salazar (2001), solved greedily. An adversary knows that no count is below
zero, what is given, and every cell shown; linear programs say how low and how high each protected number can then be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from watwerkt.errors import DisclosureError

_NEAR = 1e-5  # the solver keeps to an equation within 1e-7 of its scale
_BINDS = 1e-9


@dataclass(frozen=True)
class Problem:
    """Cells of one measure, as sums over v unknown parts.

    Attributes
    ----------
    truth
        The v parts: numbers of people, or sums of an amount; never below zero.
    given
        g × v: sums that the adversary knows in any case.
    cells, need, cost
        m × v: the sums that may be shown; how wide the range of each must be once it is withheld; what withholding it
        costs.
    primary
        m: cells that are withheld for their own sake.
    watched, need_watched
        w × v: sums that are shown nowhere and may not follow, and how wide their range must be.
    """

    truth: np.ndarray
    given: sparse.csr_array
    cells: sparse.csr_array
    need: np.ndarray
    cost: np.ndarray
    primary: np.ndarray
    watched: sparse.csr_array
    need_watched: np.ndarray


def suppress(problem: Problem) -> np.ndarray:
    """m booleans: which cells to withhold.

    First, while a protected number can be told too narrowly, the cheapest of the cells that tell it is withheld, too.
    Then each of these is shown again, the dearest first, with all that would follow from it, unless a number that is
    protected for its own sake follows. So every secondary cell that remains withheld is needed. The answer depends on
    nothing but the problem.

    Source: Fischetti & Salazar-González (2001) for the protection of a cell as a pair of linear programs. Raises
    DisclosureError if what is given tells a protected number by itself.
    """
    adversary, hidden = _Adversary(problem), problem.primary.copy()
    while (found := adversary.finds(hidden)) is not None:
        if not len(found.telling):
            raise DisclosureError(
                "a number that must be protected follows from what is given, whatever is withheld.\n"
                "  take less as given, or merge groups"
            )
        hidden[found.telling[np.argmin(problem.cost[found.telling])]] = True
    secondary = np.flatnonzero(hidden & ~problem.primary)
    for cell in secondary[np.argsort(-problem.cost[secondary], kind="stable")]:
        if hidden[cell]:
            hidden = _shown_again(adversary, hidden, cell)
    return hidden


def _shown_again(adversary: _Adversary, hidden: np.ndarray, cell: int) -> np.ndarray:
    """What is withheld once a secondary cell is shown, with those that follow from it; unchanged if that is unsafe."""
    primary, trial = adversary.problem.primary, hidden.copy()
    trial[cell] = False
    while (found := adversary.finds(trial)) is not None:
        if found.target >= len(primary) or primary[found.target]:
            return hidden
        trial[found.target] = False
    return trial


@dataclass(frozen=True)
class _Found:
    """A protected number that can be told too narrowly, and the shown cells that tell it."""

    target: int
    telling: np.ndarray


class _Adversary:
    """What can be worked out from the cells shown; remembers values of the parts that fit, to spare linear programs."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.targets = sparse.vstack([problem.cells, problem.watched], format="csr")
        self.need = np.concatenate([problem.need, problem.need_watched]) - _NEAR
        self.rows = np.vstack([problem.given.toarray(), problem.cells.toarray()])
        self.told = self.rows @ problem.truth
        self.points = [problem.truth]
        self.ceiling = 2 * problem.truth.sum() + 100 * max(self.need, default=0.0)

    def finds(self, hidden: np.ndarray) -> _Found | None:
        """The first protected number that can be told too narrowly; None if all are safe."""
        protected = np.flatnonzero(np.concatenate([hidden, np.ones(len(self.problem.need_watched), bool)]))
        low, high = self._seen(hidden)
        for target in protected:
            telling: list[np.ndarray] = []
            for sign in (1.0, -1.0):
                if high[target] - low[target] >= self.need[target]:
                    break
                point, binding = self._extreme(target, sign, hidden)
                reached = self.targets @ point
                low, high = np.minimum(low, reached), np.maximum(high, reached)
                telling.append(binding)
            if high[target] - low[target] < self.need[target]:
                return _Found(int(target), np.unique(np.concatenate(telling)))
        return None

    def _seen(self, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value of each target among the remembered points that fit what is shown."""
        points = np.array(self.points).T
        shown = self.problem.cells[np.flatnonzero(~hidden)]
        fits = (np.abs(shown @ (points - self.problem.truth[:, None])) < _NEAR).all(axis=0)
        values = self.targets @ points[:, fits]
        return values.min(axis=1), values.max(axis=1)

    def _extreme(self, target: int, sign: float, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Parts at which a target is as high (sign 1) or low (−1) as it can be, and the shown cells that bound it."""
        given = self.problem.given.shape[0]
        shown = np.flatnonzero(~hidden)
        rows = np.concatenate([np.arange(given), given + shown])
        found = linprog(
            -sign * self.targets[[target]].toarray()[0], A_eq=self.rows[rows], b_eq=self.told[rows],
            bounds=(0, self.ceiling), method="highs", options={"presolve": False},
        )  # fmt: skip
        if found.status != 0:
            raise DisclosureError(f"the protection of a count could not be computed ({found.message}).\n  merge groups")
        self.points.append(found.x)
        return found.x, shown[np.abs(found.eqlin.marginals[given:]) > _BINDS]
