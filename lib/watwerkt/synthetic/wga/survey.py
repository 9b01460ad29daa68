"""What people answer in the two waves of the survey."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtr, ndtri

from watwerkt.published import published
from watwerkt.synthetic.wga import printed
from watwerkt.synthetic.wga.items import (
    BY_NAME,
    ITEMS,
    PERSISTENCE,
    Item,
    change,
    first_stage,
    leaning,
    level,
    locations,
)
from watwerkt.synthetic.wga.response import respondents, weights

LADDERS = (("ladder_end", 36.0), ("ladder_start", 0.0))
RUNGS = ("rung_1", "rung_2", "rung_3", "rung_4", "rung_5_6")
STEPS = {"rung_1": 1, "rung_2": 2, "rung_3": 3, "rung_4": 4, "rung_5_6": 6}
ESTEEM = ("self_esteem_low", "self_esteem_regular", "self_esteem_high")
MEDIATOR, MEDIATED = "confidence_find_work", "application_interview"
AT_WORK = {"working": 3.0, "job": 2.0}  # lift of the latent rung of those with a job: assumed
SEARCH = ("applications_monthly", "applications_weekly")
WEEKLY_LEAST, ACTIONS_MOST = 4, 36  # a weekly activity counts for four a month; nine kinds at most


def drawn_survey(
    rng: np.random.Generator, persons: pd.DataFrame, outcomes: pd.DataFrame, *, exact: bool
) -> pd.DataFrame:
    """One row per person and wave answered; answers that the wave or the group was not asked for are missing."""
    answered = respondents(rng, persons, exact=exact)
    keep = answered.any(axis=1)
    waves = {"t1": answered["t1"].to_numpy(), "both": answered.all(axis=1).to_numpy()}
    weight = {wave: weights(persons, rows)[keep] for wave, rows in waves.items()} if exact else {}
    draw = _Draw(rng, persons[keep], outcomes[keep], answered[keep], weight, exact)
    late, early = {}, {}
    for item in ITEMS:
        late[item.name], early[item.name] = draw.item(item)
    late["self_esteem"], early["self_esteem"] = draw.esteem()
    late |= draw.applications() | {MEDIATED: draw.interview(late[MEDIATOR])}
    late["ladder"], early["ladder"] = draw.ladder()
    return _long(persons[keep], answered[keep], late, early)


def _long(persons: pd.DataFrame, answered: pd.DataFrame, late: Mapping, early: Mapping) -> pd.DataFrame:
    parts = []
    for wave, found in (("t0", early), ("t1", late)):
        rows = answered[wave].to_numpy()
        table = pd.DataFrame({name: found.get(name, np.full(len(persons), np.nan)) for name in late})[rows]
        parts.append(table.assign(person=persons["person"].to_numpy()[rows], wave=wave))
    out = pd.concat(parts, ignore_index=True)
    whole = [*(item.name for item in ITEMS if item.step == 1), *SEARCH, "applications", MEDIATED]
    out[whole] = out[whole].round().astype("Int64")
    for name in ("self_esteem", "ladder"):
        out[name] = out[name].astype(object).where(out[name].notna(), None).astype("str")
    return out[["person", "wave", *late]].sort_values(["person", "wave"]).reset_index(drop=True)


@dataclass
class _Draw:
    """Answers of those who answered; with ``exact``, moved per group until the weighted level is the printed one.

    ``weight`` holds the weights of respondents to the second wave (``t1``) and to ``both``, if quotas need them.
    """

    rng: np.random.Generator
    persons: pd.DataFrame
    outcomes: pd.DataFrame
    answered: pd.DataFrame
    weight: Mapping[str, np.ndarray]
    exact: bool

    def __post_init__(self) -> None:
        self.n, self.arm = len(self.persons), self.persons["arm"].to_numpy(object)
        self.situation = np.where(self.persons["self_reporter"] == 1, "experiment", self.arm)
        self.late, self.both = self.answered["t1"].to_numpy(), self.answered.all(axis=1).to_numpy()

    def item(self, item: Item) -> tuple[np.ndarray, np.ndarray]:
        """Answers after three years and at the start; missing where the question was not put."""
        place, lean = locations(item.name), leaning(self.persons, item)
        z, noise = self._twice()
        asked = self.rng.random(self.n) < item.share
        if item.served:
            asked &= self.arm != "control"
        latent = np.array([place.get(s, 0.0) for s in self.situation]) + lean + item.spread * z
        late = self._levelled(item.answer, latent, asked & self.late, "t1", lambda arm: level(item.name, arm))
        late = np.where(asked, late, np.nan)
        if not item.twice:
            return late, np.full(self.n, np.nan)
        latent = np.array([place[f"t0_{arm}"] for arm in self.arm]) + lean + item.spread * noise

        def wanted(arm: str) -> float:
            rows = self.both & (self.arm == arm)
            return np.average(late[rows], weights=self.weight["both"][rows]) - change(item.name)[arm]

        return late, self._levelled(item.answer, latent, self.both, "both", wanted)

    def _twice(self) -> tuple[np.ndarray, np.ndarray]:
        """Two standard normal draws per person, correlated."""
        z = self.rng.standard_normal((2, self.n))
        return z[0], PERSISTENCE * z[0] + np.sqrt(1 - PERSISTENCE**2) * z[1]

    def _levelled(
        self,
        answer: Callable[[np.ndarray], np.ndarray],
        latent: np.ndarray,
        counted: np.ndarray,
        weight: str,
        wanted: Callable[[str], float],
    ) -> np.ndarray:
        """Answers; by quota, each group's latent ones shifted until those counted have the wanted weighted mean."""

        def mean(shift: float, rows: np.ndarray) -> float:
            return np.average(answer(latent[rows] + shift), weights=self.weight[weight][rows])

        return answer(latent + self._shifts(mean, counted, wanted)) if self.exact else answer(latent)

    def _shifts(
        self, mean: Callable[[float, np.ndarray], float], counted: np.ndarray, wanted: Callable[[str], float]
    ) -> np.ndarray:
        """Per person, the shift at which the mean of those counted in the group comes nearest to what is wanted."""
        shift = np.zeros(self.n)
        for arm in printed.ARMS:
            rows = counted & (self.arm == arm)
            if rows.any():
                shift[self.arm == arm] = _bisect(lambda c, rows=rows: mean(c, rows), wanted(arm))
        return shift

    def esteem(self) -> tuple[np.ndarray, np.ndarray]:
        """Low, regular or high self-esteem: two cuts of one latent answer."""
        late, early = self._twice()
        if self.exact:
            shares = {arm: esteem("control_all" if arm == "control" else arm) for arm in printed.ARMS}
            now = self._cut(late, self.arm, _cuts(shares), ESTEEM, self.late, "t1", shares)
        else:
            now = self._cut(late, self.situation, _cuts({s: esteem(s) for s in printed.ARMS}), ESTEEM)
        start = {arm: esteem_before(arm) for arm in printed.ARMS}
        return now, self._cut(early, self.arm, _cuts(start), ESTEEM, self.both, "both", start)

    def ladder(self) -> tuple[np.ndarray, np.ndarray]:
        """Rung at the end, on which a job lifts people, and at the start."""
        lift = self.outcomes[list(AT_WORK)].to_numpy(float) @ np.array(list(AT_WORK.values()))
        end, start = ({arm: rungs(arm, *when) for arm in printed.ARMS} for when in LADDERS)
        z = self.rng.standard_normal((2, self.n))
        cuts = {arm: ladder_cuts(arm) for arm in printed.ARMS}
        late = self._cut(z[0] + lift, self.arm, cuts, RUNGS, self.both, "both", end)
        return late, self._cut(z[1], self.arm, _cuts(start), RUNGS, self.both, "both", start)

    def _cut(
        self,
        latent: np.ndarray,
        group: np.ndarray,
        cuts: Mapping[str, np.ndarray],
        labels: Sequence[str],
        counted: np.ndarray | None = None,
        weight: str = "",
        shares: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Ordered categories; by quota, cut where those counted have these weighted shares."""
        out = np.empty(self.n, object)
        for name, own in cuts.items():
            rows = group == name
            if self.exact and (rows & counted).any():
                some = rows & counted
                own = _weighted_cuts(latent[some], self.weight[weight][some], shares[name])
            out[rows] = np.array(labels, object)[np.searchsorted(own, latent[rows])]
        return out

    def applications(self) -> dict[str, np.ndarray]:
        """Monthly and weekly search activities, and their number a month, from one latent answer."""
        z, more = self.rng.standard_normal(self.n), self.rng.exponential(size=self.n)
        found = {}
        for name in SEARCH:
            item = Item(name, 0.0, 1.0, 1.0, 1.0)
            latent = z + 0.5 + np.array([ndtri(search(s)[name]) for s in self.situation])
            found[name] = self._levelled(item.answer, latent, self.late, "t1", lambda arm, n=name: level(n, arm))
        monthly, weekly = found[SEARCH[0]], np.minimum(found[SEARCH[1]], found[SEARCH[0]])
        scale = np.array([weekly_scale(s) for s in self.situation])
        few = 1 + (more * 7).astype(int) % 3

        def number(stretch: np.ndarray | float) -> np.ndarray:
            many = np.minimum(WEEKLY_LEAST + np.floor(scale * more * np.exp(stretch)), ACTIONS_MOST)
            return np.where(weekly == 1, many, np.where(monthly == 1, few, 0))

        def mean(stretch: float, rows: np.ndarray) -> float:
            return np.average(number(stretch)[rows], weights=self.weight["t1"][rows])

        wanted = partial(level, "applications_mean")
        stretch = self._shifts(mean, self.late, wanted) if self.exact else 0.0
        return {SEARCH[0]: monthly, SEARCH[1]: weekly, "applications": number(stretch)}

    def interview(self, mediator: np.ndarray) -> np.ndarray:
        """Whether there was a job interview: a logistic model of services, the mediator, and both together."""
        latent = np.empty(self.n)
        for situation in printed.ARMS:
            rows = self.situation == situation
            latent[rows] = interview_index(situation, mediator[rows])
        item = Item(MEDIATED, 0.0, 1.0, 1.0, 1.0)
        latent += self.rng.logistic(size=self.n) + 0.5
        return self._levelled(item.answer, latent, self.late, "t1", lambda arm: level(MEDIATED, arm))


def _cuts(shares: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Cuts of a standard normal that give these shares."""
    return {name: ndtri(np.clip(np.cumsum(own)[:-1], 1e-12, 1 - 1e-12)) for name, own in shares.items()}


def _bisect(mean: Callable[[float], float], wanted: float) -> float:
    """The shift at which a rising step function comes nearest to what is wanted."""
    low, high = -8.0, 8.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if mean(middle) < wanted else (low, middle)
    return min((low, high), key=lambda c: abs(mean(c) - wanted))


def _weighted_cuts(z: np.ndarray, weight: np.ndarray, shares: np.ndarray) -> np.ndarray:
    order = np.argsort(z)
    reached = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
    places = np.searchsorted(reached, np.cumsum(shares)[:-1])
    values = np.concatenate([[-np.inf], z[order], [np.inf]])
    return np.nan_to_num((values[places] + values[places + 1]) / 2, posinf=1e9, neginf=-1e9)


def _without(control: float, with_services: float) -> float:
    """The level without services behind a control group of which some have them."""
    stage = first_stage()
    return (control - (1 - stage) * with_services) / stage


@cache
def esteem(situation: str) -> np.ndarray:
    """Shares of low, regular and high self-esteem; ``control_all`` with the self-reporters."""
    if situation.startswith("control"):
        own = esteem("experiment")
        effect = np.array([printed.effect("experiment_vs_control", name) or 0.0 for name in (ESTEEM[0], ESTEEM[2])])
        ends = own[[0, 2]] - effect * (first_stage() if situation == "control_all" else 1.0)
        return np.array([ends[0], 1 - ends.sum(), ends[1]])
    ends = [printed.level(situation, name) for name in (ESTEEM[0], ESTEEM[2])]
    return np.array([ends[0], 1 - sum(ends), ends[1]])


@cache
def esteem_before(arm: str) -> np.ndarray:
    """Shares at the start: those after three years less the changes of Table 5.2."""
    late = esteem("control_all" if arm == "control" else arm)
    ends = [late[k] - change(ESTEEM[k])[arm] for k in (0, 2)]
    return np.array([ends[0], 1 - sum(ends), ends[1]])


@cache
def rungs(arm: str, outcome: str, horizon: float) -> np.ndarray:
    """Shares of the rungs in an arm (Table 4.10), scaled to add up to 1."""
    cells = published(printed.STUDY, "T4.10").where(arm=arm, outcome=outcome, horizon_months=horizon)
    values = np.array([cells.one(category=rung).number for rung in RUNGS])
    return values / values.sum()


@cache
def ladder_cuts(arm: str) -> np.ndarray:
    """Cuts of the latent rung that give the shares, given how many of the arm have a job."""
    job, working = (printed.level(arm, name) for name in ("job", "working"))
    lifts = np.array([0.0, AT_WORK["job"], AT_WORK["job"] + AT_WORK["working"]])
    mass = np.array([1 - job, job - working, working])
    ends = np.clip(np.cumsum(rungs(arm, "ladder_end", 36.0))[:-1], 1e-9, 1 - 1e-9)
    return np.array([brentq(lambda c, e=end: mass @ ndtr(c - lifts) - e, -9, 12) for end in ends])


@cache
def search(situation: str) -> Mapping[str, float]:
    """Shares that look for work monthly and weekly, and the mean number of activities."""
    names = (*SEARCH, "applications_mean")
    found = {name: level(name, situation) for name in names}
    if situation != "control":
        return found
    return {name: _without(value, level(name, "experiment")) for name, value in found.items()}


@cache
def weekly_scale(situation: str) -> float:
    """Scale of the exponential number of activities beyond four of those who look every week."""
    found = search(situation)
    weekly = found["applications_weekly"]
    few = sum(k * p for k, p in zip((1, 2, 3), few_chances(), strict=True))
    beyond = (found["applications_mean"] - (found["applications_monthly"] - weekly) * few) / weekly - WEEKLY_LEAST
    steps = np.arange(1, ACTIONS_MOST - WEEKLY_LEAST + 1)
    return brentq(lambda scale: np.exp(-steps / scale).sum() - beyond, 0.05, 200)


@cache
def few_chances() -> tuple[float, ...]:
    """Chances of one, two or three activities a month: floor(7e) modulo 3 of an exponential e."""
    one = 1 - np.exp(-1 / 7)
    first = np.array([one * np.exp(-k / 7) for k in range(3)])
    return tuple(first / first.sum())


@cache
def mediator_chances(situation: str) -> tuple[np.ndarray, np.ndarray]:
    """Answers to the mediator, and their chances, in a situation."""
    item = BY_NAME[MEDIATOR]
    ends = ndtr((item.cuts - locations(MEDIATOR)[situation]) / item.spread)
    values = item.low + item.step * np.arange(len(ends) + 1)
    return values, np.diff(ends, prepend=0.0, append=1.0)


@cache
def interview_model() -> Mapping[str, float]:
    """Coefficients of the logistic model of a job interview: constant, services, mediator, their product.

    The mediator's two coefficients follow from the indirect effect and the mediated interaction of Table III.13;
    constant and services from the levels with and without services; ``regular`` is the constant at regular offices.
    """
    cells = published(printed.STUDY, "TIII.13").where(outcome=MEDIATED)
    part = {cell.statistic: cell.number for cell in cells}
    moved = printed.effect("experiment_vs_control", MEDIATOR)
    direct = np.log1p(part["reference_interaction"] + part["controlled_direct_effect"])
    indirect = np.log1p(part["pure_indirect_effect"])
    slope = indirect / moved
    product = (np.log1p(part["total_effect"]) - indirect - direct) / moved
    with_services = level(MEDIATED, "experiment")
    without = _without(level(MEDIATED, "control"), with_services)
    constant = _constant("control", slope, without)
    served = _constant("experiment", slope + product, with_services)
    regular = _constant("regular", slope + product, level(MEDIATED, "regular"))
    return {
        "constant": constant,
        "services": served - constant,
        "mediator": slope,
        "product": product,
        "regular": regular,
    }


def _constant(situation: str, slope: float, wanted: float) -> float:
    values, chances = mediator_chances(situation)
    return brentq(lambda c: chances @ expit(c + slope * values) - wanted, logit(wanted) - 20, logit(wanted) + 20)


def interview_index(situation: str, mediator: np.ndarray) -> np.ndarray:
    """Log odds of a job interview."""
    model = interview_model()
    if situation == "control":
        return model["constant"] + model["mediator"] * mediator
    constant = model["regular"] if situation == "regular" else model["constant"] + model["services"]
    return constant + (model["mediator"] + model["product"]) * mediator


def four_way() -> dict[str, float]:
    """The parts of the effect of services on a job interview, as shares of the risk without services.

    Exact sums over the answers to the mediator (VanderWeele 2014); the mediator's level of the direct effect is nil,
    which is the one that fits Table III.13.
    """

    def risk(services: str, moved: str) -> float:
        values, chances = mediator_chances(moved)
        return float(chances @ expit(interview_index(services, values)))

    base = risk("control", "control")
    at_nil = [float(expit(interview_index(s, np.array([0.0])))[0]) for s in ("experiment", "control")]
    total = risk("experiment", "experiment") / base - 1
    indirect = risk("control", "experiment") / base - 1
    direct = (at_nil[0] - at_nil[1]) / base
    reference = risk("experiment", "control") / base - 1 - direct
    mediated = total - indirect - direct - reference
    return {"te": total, "cde": direct, "intref": reference, "intmed": mediated, "pie": indirect}
