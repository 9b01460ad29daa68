"""Interviews: for whom they were due, which were held and how, with the counts of Tables 2.6–2.9.

An interview of a kind is due on a day of its own for each person, if the benefit has not ended by then; the tables
count people for whom it was due. People who did not get theirs leave, after that day, as those in the basic group do,
so that what assignment does to exits it does through the interviews.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from watwerkt.designs.intensive import HELD, INTERVIEWS
from watwerkt.replication.intensive_outcomes import windows
from watwerkt.synthetic.intensive import levels
from watwerkt.synthetic.whole import quota, spread

NOT_HELD = "interview_none"
AFTER = ("job", "other", "stay")


def interviews(rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """One row per person and kind that was due: place of the person, kind, form, held, and the day if it was held."""
    found = []
    for _, block in people.groupby(["pattern", people["population"] == "none"], sort=False):
        arms = {arm: block[block["arm"] == arm] for arm in levels.ARMS}
        for number in range(len(INTERVIEWS)):
            due = {arm: _due(rng, part, number) for arm, part in arms.items() if len(part)}
            basic = due.get("basic")
            usual = basic["then"].value_counts() if basic is not None and len(basic) else None
            found += [_held(rng, rows, number, usual if arm == "intensive" else None) for arm, rows in due.items()]
    every = pd.concat(found, ignore_index=True)
    return every.sort_values(["person", "order"], ignore_index=True)[["person", "kind", "day", "form", "held"]]


def _due(rng: np.random.Generator, people: pd.DataFrame, number: int) -> pd.DataFrame:
    """People for whom an interview is due, the day, and what they do from then until the next one starts.

    Days are draws to a power, and the power is such that the count is the printed one.
    """
    start, end = windows()[number]
    last = people["exit_day"].fillna(np.inf).clip(upper=people["followed_days"]).to_numpy()
    room = np.minimum((last - start) / (end - start), 1.0)
    draw = spread(rng, len(people))
    least = np.where(room > 0, np.log(np.maximum(room, 1e-9)) / np.log(draw), np.inf)
    order = np.sort(least)
    count = min(_count(people, number, "people"), int(np.isfinite(least).sum()))
    if not count:
        return pd.DataFrame({"person": [], "arm": [], "pattern": [], "day": [], "then": []})
    after = order[count] if count < len(order) else np.inf
    power = (order[count - 1] + after) / 2 if np.isfinite(after) else order[count - 1]
    among = people[least <= power]
    day = start + np.floor(draw[least <= power] ** power * (end - start))
    then = np.where(among["exit_day"] <= end, among["kind"], "stay")
    return pd.DataFrame(
        {
            "person": among.index,
            "arm": among["arm"],
            "pattern": among["pattern"],
            "day": day,
            "then": then,
        }
    )


def _held(rng: np.random.Generator, due: pd.DataFrame, number: int, usual: pd.Series | None) -> pd.DataFrame:
    """Which interviews were held, and in what form; ``usual`` counts what the basic group does, by kind of exit."""
    forms = dict.fromkeys((NOT_HELD, *HELD), 0)
    if len(due):
        pattern, arm = due["pattern"].iloc[0], due["arm"].iloc[0]
        printed = [levels.count(pattern, arm, INTERVIEWS[number], name) for name in forms]
        forms = dict(zip(forms, quota(printed, len(due)), strict=True))
    treated = forms["interview_individual"] + forms["interview_held"]
    with_it = _treated(rng, due["then"].to_numpy(), int(treated), usual)
    others = rng.permutation(np.flatnonzero(~with_it))
    rest = [name for name in (NOT_HELD, "interview_group", "interview_form_unclear") for _ in range(forms[name])]
    form = np.full(len(due), "interview_individual", object)
    form[others] = rest
    held = form != NOT_HELD
    return pd.DataFrame(
        {
            "person": due["person"].to_numpy(), "kind": INTERVIEWS[number], "order": number, "held": held,
            "day": np.where(held, due["day"], np.nan), "form": np.where(held, form, None),
        }
    )  # fmt: skip


def _treated(rng: np.random.Generator, then: np.ndarray, treated: int, usual: pd.Series | None) -> np.ndarray:
    """Who had the interview: by chance, or such that those without it leave as is usual, as far as numbers allow."""
    chosen = np.ones(len(then), bool)
    without = len(then) - treated
    if usual is None:
        chosen[rng.permutation(len(then))[:without]] = False
        return chosen
    there = np.array([(then == what).sum() for what in AFTER])
    wanted = np.minimum(quota([usual.get(what, 0) + 1e-9 for what in AFTER], without), there)
    for place in np.argsort(wanted - there):
        wanted[place] += min(without - wanted.sum(), there[place] - wanted[place])
    for what, number in zip(AFTER, wanted, strict=True):
        chosen[rng.permutation(np.flatnonzero(then == what))[:number]] = False
    return chosen


def _count(people: pd.DataFrame, number: int, what: str) -> int:
    """The printed count for an interview, on the scale of the people there are."""
    pattern, arm = people["pattern"].iloc[0], people["arm"].iloc[0]
    return round(levels.count(pattern, arm, INTERVIEWS[number], what) * len(people) / levels.size(pattern, arm))
