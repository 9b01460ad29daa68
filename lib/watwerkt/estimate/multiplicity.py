"""Many subgroups and outcomes at once: Romano–Wolf step-down p values from microdata (methods B9).

Sources: Romano & Wolf (2005), *Journal of the American Statistical Association* 100: 94–108; Romano & Wolf (2016),
*Statistics & Probability Letters* 113: 38–40 (adjusted p values).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from watwerkt.errors import EstimationError
from watwerkt.estimate.regressors import binary, checked, numeric
from watwerkt.pooling import adjusted

Resampling = Literal["permutation", "bootstrap"]
Statistics = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

EVERYONE = "all"
LEVEL = 0.05
_AT_ONCE = 4_000_000  # numbers in one block of draws: 32 MB
_TIE = 1e-9  # statistics this near each other are the same number, computed in another order


@dataclass(frozen=True, eq=False)
class Family:
    """The hypotheses "no effect of the assignment" for every subgroup and outcome of one experiment.

    Attributes
    ----------
    subgroups, outcomes
        H labels each: one pair per hypothesis.
    assigned, strata
        n zeros and ones, and n numbers of the strata in which people were assigned.
    statistics
        From assignments and counts of people (both draws × n) to effects and standard errors (both draws × H).
    """

    subgroups: tuple[str, ...]
    outcomes: tuple[str, ...]
    assigned: np.ndarray
    strata: np.ndarray
    statistics: Statistics

    @property
    def size(self) -> int:
        """Number of hypotheses."""
        return len(self.outcomes)


@dataclass(frozen=True, eq=False)
class StepDown:
    """Effects of a family with their p values.

    Attributes
    ----------
    family
        The hypotheses.
    effects, ses
        H differences in means and their standard errors.
    p, p_adjusted
        H p values one by one, and adjusted for the family by Romano and Wolf.
    draws, resampling
        What the p values rest on.
    warnings
        Sentences that the page must show.
    """

    family: Family
    effects: np.ndarray
    ses: np.ndarray
    p: np.ndarray
    p_adjusted: np.ndarray
    draws: int
    resampling: Resampling
    warnings: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row per hypothesis: subgroup, outcome, estimate, se, p, p_romano_wolf, p_holm."""
        return pd.DataFrame(
            {
                "subgroup": self.family.subgroups,
                "outcome": self.family.outcomes,
                "estimate": self.effects,
                "se": self.ses,
                "p": self.p,
                "p_romano_wolf": self.p_adjusted,
                "p_holm": adjusted(self.p, method="holm"),
            }
        )


def family(
    data: pd.DataFrame,
    *,
    assigned: str,
    outcomes: Sequence[str],
    subgroups: Sequence[str] = (),
    everyone: bool = True,
    strata: str | None = None,
) -> Family:
    """All categories of the subgroup columns (and everyone) times all outcomes, with differences in means.

    The effect is the difference in means between assigned and others, with the unequal-variance standard error. With
    ``strata`` each person counts by the inverse of the share of the own stratum that was assigned to the own arm, so
    that strata with other shares do not bias the difference.

    Raises EstimationError for missing values (column and row), an assignment other than 0 and 1, a stratum with one arm
    only, fewer than two people of a subgroup in an arm, and an outcome that never varies in a subgroup. Checked by the
    kit ``stepdown``.
    """
    if not len(data) or not outcomes or not (subgroups or everyone):
        raise EstimationError(
            "a family needs people, outcomes, and subgroups or everyone.\n  look at what was selected"
        )
    data = checked(data, [assigned, *outcomes, *subgroups, *([strata] if strata else [])])
    d = binary(data, assigned).to_numpy()
    place = pd.factorize(data[strata])[0] if strata else np.zeros(len(data), int)
    members = {EVERYONE: np.ones(len(data), bool)} if everyone else {}
    for column in subgroups:
        values = data[column].astype(str).to_numpy(object)
        members |= {f"{column}: {value}": values == value for value in sorted(set(values))}
    values = np.column_stack([numeric(data, name).to_numpy() for name in outcomes])
    centred = values - values.mean(axis=0)  # sums of squares keep their digits
    _refuse_thin(members, dict(zip(outcomes, values.T, strict=True)), d)
    return Family(
        tuple(label for label in members for _ in outcomes),
        tuple(name for _ in members for name in outcomes),
        d,
        place,
        _differences(np.column_stack(list(members.values())).astype(float), centred, d, place),
    )


def romano_wolf(
    hypotheses: Family,
    *,
    rng: np.random.Generator,
    resampling: Resampling = "permutation",
    draws: int = 999,
) -> StepDown:
    """P values of a family that hold the chance of any false rejection, and use that its tests depend on each other.

    ``permutation`` assigns people anew within strata, under the hypothesis that nobody is affected; ``bootstrap`` draws
    people within stratum and arm and centres at the estimates, under the hypothesis of no effect on average. Both
    studentise every draw. p = (1 + draws at least as extreme) / (1 + draws). Checked by the kit ``stepdown``.
    """
    if resampling not in get_args(Resampling) or draws < 1:
        allowed = ", ".join(get_args(Resampling))
        raise EstimationError(f"{draws} draws of {resampling!r} cannot be made.\n  allowed: 1 or more of {allowed}")
    drawn = _permutations if resampling == "permutation" else _resamples
    return from_draws(hypotheses, drawn(hypotheses, draws, rng), resampling=resampling)


def from_draws(
    hypotheses: Family, drawn: Iterator[tuple[np.ndarray, np.ndarray]], *, resampling: Resampling
) -> StepDown:
    """As :func:`romano_wolf`, for given draws: blocks of assignments and of counts of people, both draws × n."""
    one = np.ones((1, len(hypotheses.assigned)))
    effects, ses = (found[0] for found in hypotheses.statistics(hypotheses.assigned[None, :], one))
    centre = effects if resampling == "bootstrap" else 0.0
    blocks = []
    for assignments, counts in drawn:
        shifted, spread = hypotheses.statistics(assignments, counts)
        with np.errstate(divide="ignore", invalid="ignore"):
            blocks.append(np.abs(shifted - centre) / spread)
    extreme = np.concatenate(blocks)
    lost = np.isnan(extreme)
    extreme[lost] = np.inf  # nothing known of this draw: count it against the hypothesis' rejection
    p, p_adjusted = step_down(np.abs(effects) / ses, extreme)
    warnings = (*_thin(hypotheses, lost.mean(axis=0)), *_coarse(hypotheses.size, len(extreme)))
    return StepDown(hypotheses, effects, ses, p, p_adjusted, len(extreme), resampling, warnings)


def step_down(statistics: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P values, one by one and adjusted, of H statistics from their draws under the null hypotheses (draws × H).

    Large values speak against a hypothesis. From the most to the least significant: the share of draws in which the
    largest statistic of the hypotheses not yet passed is at least as large (Romano & Wolf 2016, algorithm 4.2), never
    smaller than the one before.
    """
    reached = statistics * (1 - _TIE)
    order = np.argsort(-statistics, kind="stable")
    largest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    p = (1 + (drawn >= reached).sum(axis=0)) / (1 + len(drawn))
    stepped = np.maximum.accumulate((1 + (largest >= reached[order]).sum(axis=0)) / (1 + len(drawn)))
    p_adjusted = np.empty_like(stepped)
    p_adjusted[order] = stepped
    return p, p_adjusted


def _differences(members: np.ndarray, values: np.ndarray, assigned: np.ndarray, strata: np.ndarray) -> Statistics:
    """Differences in means for members (n × G) and outcomes (n × O), as sums that are products of matrices."""
    n, outcomes = values.shape
    share = np.bincount(strata, assigned) / np.bincount(strata)
    first = (members[:, :, None] * values[:, None, :]).reshape(n, -1)
    second = (members[:, :, None] * values[:, None, :] ** 2).reshape(n, -1)

    def arm(weights: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means (draws × GO) and their variances, for weights (n) and how often each person is in the arm."""
        once, twice = people * weights, people * weights**2
        heads, sizes = (np.repeat(made @ members, outcomes, axis=1) for made in (people, once))
        mean = (once @ first) / sizes
        rest = twice @ second - 2 * mean * (twice @ first) + mean**2 * np.repeat(twice @ members, outcomes, axis=1)
        return mean, np.where(heads > 1, np.maximum(rest, 0.0) / sizes**2 * heads / (heads - 1), np.nan)

    def statistics(assignments: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(divide="ignore", invalid="ignore"):
            mean1, variance1 = arm(1 / share[strata], assignments * counts)
            mean0, variance0 = arm(1 / (1 - share[strata]), (1 - assignments) * counts)
        return mean1 - mean0, np.sqrt(variance1 + variance0)

    if not ((share > 0) & (share < 1)).all():
        raise EstimationError("a stratum has people in one arm only.\n  merge strata, or leave those people out")
    return statistics


def _permutations(hypotheses: Family, draws: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Assignments drawn anew within strata: who has the smallest random numbers of a stratum is assigned."""
    n = len(hypotheses.assigned)
    order = np.lexsort((1 - hypotheses.assigned, hypotheses.strata))
    lined = hypotheses.assigned[order]
    for size in _blocks(draws, n):
        made = np.empty((size, n))
        for row in made:
            row[np.lexsort((rng.random(n), hypotheses.strata))] = lined
        yield made, np.ones((size, n))


def _resamples(hypotheses: Family, draws: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """How often each person is drawn, with replacement within stratum and arm."""
    n, cells = len(hypotheses.assigned), hypotheses.strata * 2 + hypotheses.assigned.astype(int)
    inside = [np.flatnonzero(cells == cell) for cell in np.unique(cells)]
    for size in _blocks(draws, n):
        counts = np.empty((size, n))
        for rows in inside:
            counts[:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size)
        yield np.broadcast_to(hypotheses.assigned, (size, n)), counts


def _blocks(draws: int, n: int) -> list[int]:
    size = max(1, _AT_ONCE // n)
    return [min(size, draws - start) for start in range(0, draws, size)]


def _refuse_thin(members: Mapping[str, np.ndarray], outcomes: Mapping[str, np.ndarray], assigned: np.ndarray) -> None:
    for label, inside in members.items():
        for arm, name in ((1, "assigned"), (0, "not assigned")):
            people = int((inside & (assigned == arm)).sum())
            if people < 2:
                raise EstimationError(
                    f"subgroup {label!r} has {people} people who were {name}: a group of one has no variance.\n"
                    "  merge it with another subgroup, or leave its column out"
                )
        for name, values in outcomes.items():
            if all(np.ptp(values[inside & (assigned == arm)]) == 0 for arm in (0, 1)):
                raise EstimationError(
                    f"outcome {name!r} never varies in either arm of subgroup {label!r}: its effect has no variance.\n"
                    "  merge the subgroup with another, or leave the outcome out"
                )


def _thin(hypotheses: Family, lost: np.ndarray) -> tuple[str, ...]:
    return tuple(
        f"{100 * share:.1f}% of the draws say nothing of {outcome} in {subgroup} and count against rejection."
        for subgroup, outcome, share in zip(hypotheses.subgroups, hypotheses.outcomes, lost, strict=True)
        if share > 0
    )


def _coarse(size: int, draws: int) -> tuple[str, ...]:
    if size / (1 + draws) < LEVEL:
        return ()
    return (f"With {draws} draws of {size} hypotheses Holm's p values cannot fall below 5%: draw more to compare.",)
