"""The linear predictor of a model on cells: dummies for profiles on one side, for month and states on the other.

Every cell belongs to one profile (covariates) and one situation (month, states, and the covariates that change what a
service does). Terms that look at one side only are kept on that side, so that sums over a million cells are sums over
a few thousand profiles and situations, joined by one sparse matrix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

from watwerkt.compress import EXITS, Plan, unpacked
from watwerkt.errors import EstimationError

Interactions = Mapping[str, Sequence[str]]


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells with their design.

    Attributes
    ----------
    people
        One row per profile: its covariates (places in the plan) and ``people``, how many entered with it.
    situations
        One row per situation: month, states, modifiers.
    x_people, x_situations
        Dummies: profiles × k₁ and situations × k₂.
    profile, situation
        For each cell the row of ``people`` and of ``situations``.
    n, exits
        For each cell the person-months, and those that ended in each exit (cells × 2).
    names
        The k₁ + k₂ names of the columns, as in ``age=55-60``, ``month=3``, ``jobhunting=late``.
    """

    plan: Plan
    interactions: Mapping[str, tuple[str, ...]]
    people: pd.DataFrame
    situations: pd.DataFrame
    x_people: np.ndarray
    x_situations: sparse.csr_array
    profile: np.ndarray
    situation: np.ndarray
    n: np.ndarray
    exits: np.ndarray
    names: tuple[str, ...]

    @cached_property
    def _rows(self) -> np.ndarray:
        """Where the cells of each profile begin: they stand in the order of the profiles."""
        return np.searchsorted(self.profile, np.arange(len(self.people) + 1))

    def predictor(self, coefficients: np.ndarray) -> np.ndarray:
        """The linear predictor of every cell, for k coefficients."""
        split = self.x_people.shape[1]
        on_people = self.x_people @ coefficients[:split]
        return on_people[self.profile] + (self.x_situations @ coefficients[split:])[self.situation]

    def total(self, weights: np.ndarray) -> np.ndarray:
        """X′w: for each column the sum of the weights of its cells."""
        by_profile = np.bincount(self.profile, weights, len(self.people))
        by_situation = np.bincount(self.situation, weights, len(self.situations))
        return np.concatenate([self.x_people.T @ by_profile, self.x_situations.T @ by_situation])

    def cross(self, weights: np.ndarray) -> np.ndarray:
        """X′WX for one weight per cell, k × k."""
        by_profile = np.bincount(self.profile, weights, len(self.people))
        by_situation = np.bincount(self.situation, weights, len(self.situations))
        shape = (len(self.people), len(self.situations))
        joined = sparse.csr_array((weights, self.situation, self._rows), shape)
        upper = self.x_people.T @ (by_profile[:, None] * self.x_people)
        lower = (self.x_situations.T @ (sparse.diags_array(by_situation) @ self.x_situations)).toarray()
        corner = (joined.T @ self.x_people).T @ self.x_situations
        return np.block([[upper, corner], [corner.T, lower]])


def cells_of(
    cells: pd.DataFrame, profiles: pd.DataFrame, plan: Plan, *, interactions: Interactions | None = None
) -> Cells:
    """Cells and profiles of :mod:`watwerkt.compress` with their design.

    ``interactions`` names the services (or interviews) whose effect differs by covariate:
    ``{"jobhunting": ["population"]}``.

    Raises
    ------
    EstimationError
        No cells; a column of the design that no cell or every cell has; a service or covariate that the plan lacks.
    """
    if not len(cells):
        raise EstimationError("there are no person-months.\n  look at months_observed in persons")
    cells = cells.sort_values("profile", kind="stable") if not cells["profile"].is_monotonic_increasing else cells
    chosen = _chosen(interactions or {}, plan)
    sizes = {name: len(values) for name, values in plan.covariates.items()}
    people = unpacked(profiles["profile"].to_numpy(), sizes).assign(people=profiles["people"].to_numpy())
    profile = np.searchsorted(profiles["profile"].to_numpy(), cells["profile"].to_numpy())
    modifiers = list(dict.fromkeys(name for names in chosen.values() for name in names))
    situations, situation = _situations(cells, plan, people, profile, modifiers)
    x_people, names_people = _people_dummies(people, plan)
    x_situations, names_situations = _situation_dummies(situations, plan, chosen)
    made = Cells(
        plan, chosen, people, situations, x_people, x_situations, profile, situation,
        cells["n"].to_numpy(float), cells[list(EXITS)].to_numpy(float), (*names_people, *names_situations),
    )  # fmt: skip
    _check_used(made)
    return made


def _chosen(interactions: Interactions, plan: Plan) -> dict[str, tuple[str, ...]]:
    for state, modifiers in interactions.items():
        for name, allowed in ((state, plan.states), *((modifier, plan.covariates) for modifier in modifiers)):
            if name not in allowed:
                raise EstimationError(f"interactions: there is no {name!r}.\n  allowed: {', '.join(allowed)}")
    return {state: tuple(modifiers) for state, modifiers in interactions.items() if modifiers}


def _situations(
    cells: pd.DataFrame, plan: Plan, people: pd.DataFrame, profile: np.ndarray, modifiers: Sequence[str]
) -> tuple[pd.DataFrame, np.ndarray]:
    """The distinct situations, and for each cell which one it is."""
    stride = int(np.prod([len(plan.covariates[name]) for name in modifiers]))
    place = np.zeros(len(people), np.int64)
    for name in modifiers:
        place = place * len(plan.covariates[name]) + people[name].to_numpy()
    packed = (cells["state"].to_numpy() * plan.horizon + cells["month"].to_numpy()) * stride + place[profile]
    found, situation = np.unique(packed, return_inverse=True)
    rest, modifier = np.divmod(found, stride)
    state, month = np.divmod(rest, plan.horizon)
    frame = unpacked(state, plan.states).assign(month=month)
    for name in reversed(modifiers):
        modifier, frame[name] = np.divmod(modifier, len(plan.covariates[name]))
    return frame, situation


def _people_dummies(people: pd.DataFrame, plan: Plan) -> tuple[np.ndarray, list[str]]:
    """One dummy per value of a covariate that somebody has, but the base."""
    named = {
        f"{name}={value}": people[name].to_numpy() == place
        for name, values in plan.covariates.items()
        for place, value in list(enumerate(values))[1:]
    }
    kept = {name: column for name, column in named.items() if column.any()}
    return np.column_stack([np.zeros((len(people), 0)), *kept.values()]).astype(float), list(kept)


def _situation_dummies(
    situations: pd.DataFrame, plan: Plan, interactions: Mapping[str, tuple[str, ...]]
) -> tuple[sparse.csr_array, list[str]]:
    """A dummy for every month (so there is no constant), for every class of a state, and for its interactions."""
    named = {f"month={month}": situations["month"] == month for month in range(plan.horizon)}
    for state in plan.states:
        for value, label in enumerate(class_labels(plan, state), start=1):
            active = situations[state] == value
            named[f"{state}{label}"] = active
            for modifier in interactions.get(state, ()):
                for place, other in list(enumerate(plan.covariates[modifier]))[1:]:
                    named[f"{state}{label}:{modifier}={other}"] = active & (situations[modifier] == place)
    kept = {name: column.to_numpy() for name, column in named.items() if column.any()}
    return sparse.csr_array(np.column_stack(list(kept.values())).astype(float)), list(kept)


def class_labels(plan: Plan, state: str) -> list[str]:
    """What is added to a state's name for each of its classes: the moment of deployment; nothing if there is one."""
    classes = plan.states[state] - 1
    if classes == 1:
        return [""]
    return [f"={name}" for name in (("early", "normal", "late") if classes == 3 else range(1, classes + 1))]


def _check_used(made: Cells) -> None:
    """Refuse dummies that follow from each other: they make the design singular."""
    weight = made.total(made.n)
    if (weight <= 0).any():
        unused = [name for name, found in zip(made.names, weight, strict=True) if found <= 0]
        raise EstimationError(f"nobody has {', '.join(unused)}.\n  leave it out of the plan")
