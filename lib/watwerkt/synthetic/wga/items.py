"""The questions of the survey, and the level of each answer in every group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr

from watwerkt.published import published
from watwerkt.synthetic.wga import people, printed
from watwerkt.synthetic.wga.calibration import reconciled
from watwerkt.synthetic.wga.levels import taking
from watwerkt.synthetic.wga.response import rate

# How answers lean on characteristics, in standard deviations: assumed, so that weighting respondents matters.
LEANS = {
    ("condition", "mental"): -0.15,
    ("education", "higher"): 0.20,
    ("age", "55_over"): -0.10,
    ("sex", "female"): 0.05,
}
PERSISTENCE = 0.5  # correlation of what one person answers to the same question three years apart: assumed


@dataclass(frozen=True)
class Item:
    """A question: its lowest and highest answer, the step between answers, how much people differ, and who is asked."""

    name: str
    low: float
    high: float
    step: float
    spread: float
    twice: bool = True  # asked in both waves
    served: bool = False  # asked of the experiment and regular group only
    share: float = 1.0  # of those asked to whom it applies: assumed
    leans: bool = True

    @property
    def cuts(self) -> np.ndarray:
        """Where the latent answer passes from one answer to the next."""
        return self.low + self.step * (np.arange(round((self.high - self.low) / self.step)) + 0.5)

    def answer(self, latent: np.ndarray) -> np.ndarray:
        """The answer nearest to what a person would say."""
        return self.low + self.step * np.searchsorted(self.cuts, latent)

    def mean(self, location: np.ndarray) -> np.ndarray:
        """The expected answer of people whose latent answer is normal around a location."""
        return self.low + self.step * ndtr((np.asarray(location)[:, None] - self.cuts) / self.spread).sum(axis=1)


def _yes(name: str, **rest: object) -> Item:
    return Item(name, 0.0, 1.0, 1.0, 1.0, **rest)


ITEMS = (
    _yes("health_general"),
    _yes("health_mental"),
    Item("care_use", 0.0, 11.0, 1.0, 1.8),
    Item("wellbeing", 1.0, 10.0, 1.0, 1.8),
    _yes("mastery"),
    Item("self_efficacy", 1.0, 5.0, 0.2, 1.0),
    Item("confidence_find_work", 1.0, 5.0, 0.5, 1.0, leans=False),
    Item("social_influence", 1.0, 5.0, 0.5, 1.1),
    Item("intrinsic_motivation", 1.0, 5.0, 0.5, 1.1),
    Item("search_intention", 1.0, 5.0, 1.0, 1.3),
    Item("know_what_work", 1.0, 5.0, 1.0, 1.2),
    Item("know_skills", 1.0, 5.0, 1.0, 1.2),
    Item("know_next_steps", 1.0, 5.0, 1.0, 1.2),
    Item("portal_grade", 1.0, 10.0, 1.0, 1.6, twice=False, share=0.5),
    _yes("satisfaction", twice=False, served=True, share=0.7),
    Item("conversation_grade", 0.0, 10.0, 1.0, 2.0, twice=False, served=True, share=0.8),
    _yes("help_social", twice=False, served=True, share=0.4),
    _yes("help_orientation", twice=False, served=True, share=0.4),
    _yes("help_search", twice=False, served=True, share=0.4),
)
BY_NAME = {item.name: item for item in ITEMS}
HEALTH = ("health_general", "health_mental", "care_use", "wellbeing")
TOLD_AS = {
    "know_what_work": "insight_what_work",
    "know_skills": "insight_fitting_work",
    "know_next_steps": "insight_steps",
}


def leaning(frame: pd.DataFrame, item: Item) -> np.ndarray:
    """What characteristics add to a person's location."""
    if not item.leans:
        return np.zeros(len(frame))
    return item.spread * sum(v * people.characteristic(frame, *group) for group, v in LEANS.items())


@cache
def first_stage() -> float:
    """Share of the experimental offices' people who take services only when assigned to them."""
    frame = people.population().query("arm != 'regular'")
    return taking(frame, people.asking(frame))


@cache
def level(name: str, arm: str) -> float:
    """Level after three years in an arm; of the controls where only the effect is printed, what it implies."""
    found = printed.level(arm, name)
    if found is not None:
        return found
    return level(name, "experiment") - first_stage() * printed.effect("experiment_vs_control", name)


@cache
def change(name: str) -> Mapping[str, float]:
    """Change between the waves in each arm.

    Mechanisms: Table 5.2's mean change and its differences between arms. Health and well-being: the differences of
    Table 4.16; the change in the experiment group is not printed and taken as nil.
    """
    if name in HEALTH:
        late, extra, basic = (printed.effect(c, name) for c in printed.COMPARISONS)
        stage = first_stage()
        differences = {"control": stage * late, "regular": reconciled(late, stage, extra, basic)[0]}
        return {arm: -differences.get(arm, 0.0) for arm in printed.ARMS}
    cells = published(printed.STUDY, "T5.2").where(outcome=TOLD_AS.get(name, name))
    against = {
        "control": cells.one(comparison="experiment_vs_control").number,
        "regular": cells.one(comparison="experiment_vs_regular").number,
    }
    size = {arm: rate(arm, "both") * printed.size(arm) for arm in printed.ARMS}
    mean = cells.one(statistic="change").number
    own = mean + sum(size[arm] * against[arm] for arm in against) / sum(size.values())
    return {arm: own - against.get(arm, 0.0) for arm in printed.ARMS}


@cache
def locations(name: str) -> Mapping[str, float]:
    """Location after three years with extra, no, and regular services, and of each arm at the start (``t0_``)."""
    item, frame = BY_NAME[name], people.population()
    by_arm = {arm: frame[frame["arm"] == arm] for arm in printed.ARMS}
    found = {arm: _location(item, by_arm[arm], level(name, arm)) for arm in ("experiment", "regular")}
    if not item.served:
        rows, share = by_arm["control"], people.asking(by_arm["control"])
        asks = share @ item.mean(found["experiment"] + leaning(rows, item))
        rest = level(name, "control") * len(rows) - asks
        found["control"] = _location(item, rows, rest / (1 - share).sum(), 1 - share)
    if item.twice:
        for arm in printed.ARMS:
            found[f"t0_{arm}"] = _location(item, by_arm[arm], level(name, arm) - change(name)[arm])
    return found


def _location(item: Item, frame: pd.DataFrame, wanted: float, weight: np.ndarray | None = None) -> float:
    lean = leaning(frame, item)
    width = item.high - item.low + 6 * item.spread
    return brentq(
        lambda c: np.average(item.mean(c + lean), weights=weight) - wanted, item.low - width, item.high + width
    )
