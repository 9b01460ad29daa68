"""The people: who they are, how long they are followed, when they leave the benefit and whether they come back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from watwerkt.published import prose, published
from watwerkt.synthetic.intensive import exits, levels
from watwerkt.synthetic.whole import EQUAL, by_quota, quota, solve, spread

POPULATIONS = ("nonwestern", "none", "western", "unknown")
TRAITS = ("age", "household", "office")
OLDER = ("under_35", "35-44", "45_over")
AGE_TIES = 0.2  # how much of the order by age is the order by exit; the rest is chance
BACK = (0.5, 0.8)  # of the days after the exit: when people who come back are on benefit again
LEAST_BACK = 60  # days after the exit that are seen of people who come back
TILT = (0.2, 5.0)  # power that moves exits within their bins to earlier or later days


def persons(rng: np.random.Generator, people: int) -> pd.DataFrame:
    """All people, without identification, in blocks by arm and population."""
    sizes = [(arm, population, levels.size(population, arm)) for arm in levels.ARMS for population in POPULATIONS]
    scaled = quota([size for *_, size in sizes], people)
    found = {(arm, population): int(n) for (arm, population, _), n in zip(sizes, scaled, strict=True)}
    blocks = []
    for arm in levels.ARMS:
        blocks += [_block(rng, arm, {name: found[arm, name]}, name) for name in ("nonwestern", "none")]
        blocks.append(_block(rng, arm, {name: found[arm, name] for name in ("western", "unknown")}, "none"))
    return pd.concat([block for block in blocks if len(block)], ignore_index=True)


def cell_levels(frame: pd.DataFrame, outcome: str, now: np.ndarray | None = None) -> pd.Series:
    """A level of an outcome for each row of a block, one for each sex and generation, from the printed levels.

    With two splits the four levels are the nearest, to the means of ``now`` or else to what the differences of both
    splits add up to, that give the printed levels of everyone and of each part.
    """
    pattern, arm = frame["pattern"].iloc[0], frame["arm"].iloc[0]

    def printed(dimension: str = "all", category: str = "all") -> float:
        return levels.level(pattern, arm, outcome, dimension=dimension, category=category)

    by = levels.SPLITS[pattern]
    if len(by) == 1:
        return frame[by[0]].map({part: printed(by[0], part) for part in levels.PARTS[by[0]]})
    cell = frame.groupby(list(by)).size() / len(frame)
    parts = [("all", "all"), *((split, part) for split in by for part in levels.PARTS[split])]
    among = np.array([[split == "all" or key[by.index(split)] == part for key in cell.index] for split, part in parts])
    mean = among * cell.to_numpy() / (among @ cell.to_numpy())[:, None]
    wanted = np.array([printed(*part) for part in parts])
    near = among.T @ wanted - 2 * wanted[0]
    if now is not None:
        near = pd.Series(now, index=frame.index).groupby([frame[split] for split in by]).mean().to_numpy()
    rows = np.vstack([EQUAL * mean, np.diag(np.sqrt(cell))])
    moved = np.linalg.lstsq(rows, np.concatenate([EQUAL * (wanted - mean @ near), np.zeros(len(cell))]), rcond=None)[0]
    found = pd.Series(near + moved, index=cell.index)
    return pd.Series(found.reindex(pd.MultiIndex.from_frame(frame[list(by)])).to_numpy(), index=frame.index)


def cells(frame: pd.DataFrame) -> list[np.ndarray]:
    """Places of the people of a block in each sex and generation for which levels are printed."""
    by = list(levels.SPLITS[frame["pattern"].iloc[0]])
    return list(frame.groupby(by, sort=True).indices.values())


def _block(rng: np.random.Generator, arm: str, sizes: Mapping[str, int], pattern: str) -> pd.DataFrame:
    """People of one arm whose exits follow one population's pattern."""
    people = sum(sizes.values())
    if not people:
        return pd.DataFrame()
    by_bin = exits.counts(pattern, arm, people)
    place = np.repeat(np.arange(len(by_bin)), by_bin)
    frame = pd.DataFrame({"arm": arm, "pattern": pattern, "population": by_quota(rng, sizes, people), "bin": place})
    for dimension in levels.SPLITS[pattern]:
        first, second = levels.PARTS[dimension]
        count = exits.first_counts(pattern, arm, dimension, people)
        frame[dimension] = np.where(_rank(rng, place) < count[place], first, second)
    if pattern != "nonwestern":
        share = levels.first_share("nonwestern", "generation", arm)
        parts = dict(zip(levels.PARTS["generation"], (share, 1 - share), strict=True))
        frame["generation"] = by_quota(rng, parts, people)
        frame.loc[frame["population"].isin(["none", "unknown"]), "generation"] = None
    frame["position"] = (_rank(rng, place) + 0.5) / by_bin[place]
    frame = frame.assign(**_followed(rng, place))
    frame["reentry"] = _returns(rng, frame)
    return _characteristics(rng, _days(frame))


def _rank(rng: np.random.Generator, place: np.ndarray) -> np.ndarray:
    """Rank among the people of a bin, in random order; people come sorted by bin."""
    order = np.lexsort((rng.random(len(place)), place))
    rank = np.empty(len(place), int)
    rank[order] = np.arange(len(place)) - np.searchsorted(place, place[order])
    return rank


def _followed(rng: np.random.Generator, place: np.ndarray) -> dict[str, np.ndarray]:
    """Days followed, and the bin's kind and edges; who leaves in the last bin is followed long enough to leave."""
    known = [exits.bins()[n] for n in place]
    cohort = np.array([b.cohort for b in known])
    low, kind = np.array([b.low for b in known]), np.array([b.kind for b in known])
    high = np.array([np.nan if b.high is None else b.high for b in known])
    days = np.empty(len(place), int)
    for name in exits.COHORTS:
        among, span = cohort == name, exits.followed(name)
        days[among] = span.start + (spread(rng, among.sum()) * len(span)).astype(int)
    last = np.isnan(high) & (kind != "stay")
    days = np.where(last, np.maximum(days, low + 2), days)
    return {"followed_days": days, "low": low, "kind": kind, "high": np.where(np.isnan(high), days - 1, high)}


def _returns(rng: np.random.Generator, frame: pd.DataFrame) -> np.ndarray:
    """Who comes back on benefit: the shares by sex printed for people without a migration background, in all groups."""
    back = np.zeros(len(frame), bool)
    seen = (frame["kind"] != "stay") & (frame["followed_days"] - frame["high"] >= LEAST_BACK)
    for sex, among in frame.groupby("sex"):
        share = levels.level("none", frame["arm"].iloc[0], "reentry", dimension="sex", category=sex)
        able = among.index[seen[among.index]]
        back[rng.permutation(able)[: round(share * len(among))]] = True
    return back


def _days(frame: pd.DataFrame) -> pd.DataFrame:
    """Exit days within the bins that give each sex and generation its benefit fraction; with returns to benefit."""
    wanted = cell_levels(frame, "fraction_benefit", _benefit(_with_tilt(frame, 1.0))).to_numpy()
    found = []
    for rows in cells(frame):
        part = frame.iloc[rows]
        tilt = solve(
            lambda power, part=part: -_benefit(_with_tilt(part, power)).mean(),
            -wanted[rows[0]],
            low=TILT[0],
            high=TILT[1],
        )
        found.append(_with_tilt(part, tilt))
    return pd.concat(found).sort_index().drop(columns=["low", "high", "position"])


def _with_tilt(frame: pd.DataFrame, tilt: float) -> pd.DataFrame:
    """Exits on days of their bins, evenly spread with tilt 1, earlier with a smaller one, later with a larger one."""
    span = (frame["high"] - frame["low"]).to_numpy()
    day = frame["low"].to_numpy() + np.ceil(frame["position"].to_numpy() ** (1 / tilt) * span)
    leaves, back = (frame["kind"] != "stay").to_numpy(), frame["reentry"].to_numpy()
    end = frame["followed_days"].to_numpy()
    start, stop = (np.where(back, day + np.floor(part * (end - day)), np.nan) for part in BACK)
    return frame.assign(exit_day=np.where(leaves, day, np.nan), back_from=start, back_to=stop)


def _benefit(frame: pd.DataFrame) -> np.ndarray:
    """Share of the observation period on benefit, per person."""
    entry = levels.starts()[0]
    again = (frame["back_to"] - frame["back_from"]).fillna(0)
    until = frame["exit_day"].fillna(frame["followed_days"])
    return ((until - entry + again) / (frame["followed_days"] - entry)).to_numpy()


def _characteristics(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    """Age, household and office with the shares of Table 3.1.

    Who leaves later is rather older: an assumption, so that controlling for age explains something.
    """
    arm, pattern = frame["arm"].iloc[0], frame["pattern"].iloc[0]
    found = {trait: by_quota(rng, _composition(pattern, arm, trait), len(frame)) for trait in TRAITS}
    late = frame["exit_day"].fillna(frame["followed_days"]).rank(pct=True).to_numpy()
    order = np.argsort(AGE_TIES * late + (1 - AGE_TIES) * rng.random(len(frame)))
    age = np.empty(len(frame), object)
    age[order] = sorted(found["age"], key=OLDER.index)
    end = np.datetime64(prose(levels.STUDY)["observation_end"].date)
    start = end - frame["followed_days"].to_numpy() * np.timedelta64(1, "D")
    return frame.assign(**found | {"age": age, "benefit_start": start})


def _composition(pattern: str, arm: str, trait: str) -> dict[str, float]:
    """Shares by category; for people without a non-western background, what is left of the total group."""
    table = published(levels.STUDY, "T3.1").where(dimension=trait, arm=arm)

    def shares(population: str) -> dict[str, float]:
        return {cell.category: cell.number for cell in table.where(population=population)}

    inside = shares("nonwestern")
    if pattern == "nonwestern":
        return inside
    whole, part = levels.size("all", arm), levels.size("nonwestern", arm)
    return {name: (share * whole - inside[name] * part) / (whole - part) for name, share in shares("all").items()}
