"""The guard that everything made from microdata passes before it reaches a page, a chart or a download (methods E).

The rules and their values are those of safe research services as the package ``acro`` has them (Green, Ritchie & Smith
2021): 10 people, 10 degrees of freedom, the (2, 90%) and the 10% rule. ``acro`` itself is not used. It prepares single
outputs for a human checker: it withholds no second number so that the first does not follow, and does not look across
the pages of a family. Nor does it run with the pandas of this book.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from watwerkt.disclosure import rules
from watwerkt.disclosure.cleared import Cleared, cleared
from watwerkt.disclosure.groups import Family
from watwerkt.disclosure.rules import PEOPLE, Rules
from watwerkt.errors import DisclosureError
from watwerkt.estimate.result import Result

Rests = Mapping[str, Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class Guard:
    """The settings of the guard.

    Attributes
    ----------
    minimum
        Fewer people than this are too few, and the range in which a withheld number can lie is at least this wide.
    largest, largest_share
        The (n, k) rule: the ``largest`` amounts make up at most this share of a sum.
    percent
        The p% rule: a sum without its two largest amounts is at least this share of the largest.
    dof
        Degrees of freedom that a model must leave.
    """

    minimum: int = 10
    largest: int = 2
    largest_share: float = 0.90
    percent: float = 0.10
    dof: int = 10

    def __post_init__(self) -> None:
        shares = 0 < self.largest_share < 1 and 0 < self.percent < 1
        if self.minimum < 2 or self.largest < 1 or self.dof < 1 or not shares:
            raise ValueError(f"a guard has a minimum of 2 or more and shares between 0 and 1, unlike {self}")

    def protect(
        self, family: Family, *, outcomes: Mapping[str, Sequence[str]] | None = None, amounts: Sequence[str] = ()
    ) -> Verdict:
        """Which numbers of a family of pages may be shown; the same answer, whichever page asks.

        Parameters
        ----------
        family
            All groups of all pages, see :func:`watwerkt.disclosure.family`.
        outcomes
            Measures by name, each with its columns of booleans. Those that say something of each other belong together
            (exits after 6 and after 12 months): measures are protected one by one.
        amounts
            Columns of amounts whose sums or means are shown; missing where a person has none.

        Raises
        ------
        DisclosureError
            An outcome that is not true or false for everyone; an amount below zero; a column in two measures.
        """
        measures = list((outcomes or {}).values())
        columns = [*(column for one in measures for column in one), *amounts]
        if twice := [column for column in columns if columns.count(column) > 1]:
            raise DisclosureError(f"{twice[0]!r} stands in two measures.\n  put what belongs together in one")
        known = rules.sizes(family, self.minimum)
        found = dict(known)
        for one in measures:
            found |= rules.outcomes(family, one, known=known, minimum=self.minimum)
        for column in amounts:
            found |= rules.amounts(
                family, column, known=known, minimum=self.minimum, largest=self.largest,
                largest_share=self.largest_share, percent=self.percent,
            )  # fmt: skip
        return Verdict(self, found)

    def clear(
        self, frame: pd.DataFrame, *, counts: Sequence[str], of: Mapping[str, str] | None = None,
        total: object = None, rounding: Mapping[str, float] | None = None,
    ) -> Cleared:  # fmt: skip
        """A table whose groups no other page shows: each row is a group of people, and no two overlap.

        A row with an unsafe count loses all its numbers. The sum of all rows is taken as known, so that the rows
        withheld hold together at least ``minimum`` of everything that is counted; the smallest row is added first.

        Parameters
        ----------
        frame
            One row per group, with an index without repetition. Texts stay.
        counts
            Columns with numbers of people.
        of
            For a number of people with an outcome, the column with all people: ``{"in_job": "people"}``.
        total
            The index label of the row that is the sum of the others, if there is one.
        rounding
            Columns that are rounded, and to multiples of what.

        Raises
        ------
        DisclosureError
            One row per person; a count that is missing, below zero or no whole number; more people with an outcome
            than people; a total that is not the sum.
        """
        of = dict(of or {})
        _check_counts(frame, counts, of, total)
        parts = frame if total is None else frame.drop(index=[total])
        broken = dict(zip(parts.index, self._rows(parts, counts, of), strict=True))
        if total is not None:
            broken[total] = str(self._single(frame.loc[[total]], counts, of)[0])
        numbers = [column for column in frame if pd.api.types.is_numeric_dtype(frame[column])]
        by_column = {column: [broken[label] for label in frame.index] for column in numbers}
        return cleared(frame, by_column, settings=asdict(self), rounding=rounding)

    def _single(self, frame: pd.DataFrame, counts: Sequence[str], of: Mapping[str, str]) -> np.ndarray:
        """The rule that each row breaks by itself."""
        broken = np.full(len(frame), "", dtype=object)
        for column in counts:
            number = frame[column].to_numpy(float)
            people = frame[of[column]].to_numpy(float) if column in of else np.full(len(frame), math.inf)
            alike = (column in of) & (people > 0) & ((number == 0) | (number == people))
            few = rules.few(number, self.minimum) | rules.few(people - number, self.minimum)
            broken = np.where(broken != "", broken, np.select([few, alike], ["few", "group"], ""))
        return broken

    def _rows(self, parts: pd.DataFrame, counts: Sequence[str], of: Mapping[str, str]) -> np.ndarray:
        """The rule by which each row is withheld."""
        broken = self._single(parts, counts, of)
        kinds = [parts[column].to_numpy(float) for column in counts]
        kinds += [(parts[people] - parts[column]).to_numpy(float) for column, people in of.items()]
        for row in sorted(range(len(parts)), key=lambda place: (kinds[0][place], str(parts.index[place]))):
            hidden = broken != ""
            if not hidden.any() or (hidden.sum() > 1 and all(kind[hidden].sum() >= self.minimum for kind in kinds)):
                break
            if not hidden[row] and kinds[0][row] > 0:
                broken[row] = "complementary"
        return broken

    def model(self, result: Result, *, design: pd.DataFrame, parameters: int | None = None) -> Cleared:
        """The estimates of a model, if enough people and degrees of freedom stand behind each.

        Parameters
        ----------
        result
            What the estimator returned.
        design
            The variables that the model was fitted on, one row per person: every variable with two values rests on the
            smaller group of the two.
        parameters
            How many parameters the model has; by default as many as the result names.

        Raises
        ------
        DisclosureError
            Too few people, degrees of freedom, or people behind a variable.
        """
        left = min(result.n - (len(result.names) if parameters is None else parameters), result.df)
        if result.n < self.minimum:
            raise DisclosureError(f"{result.method}: fewer than {self.minimum} people.\n  merge groups")
        if left < self.dof:
            raise DisclosureError(
                f"{result.method}: {left:g} degrees of freedom.\n"
                f"  allowed: at least {self.dof}; fit fewer parameters, or merge groups"
            )
        for column in design:
            values = design[column].value_counts()
            if len(values) == 2 and values.min() < self.minimum:
                raise DisclosureError(
                    f"{result.method}: {column!r} rests on fewer than {self.minimum} people.\n  merge categories"
                )
        tidy = result.tidy()
        shown = {column: [""] * len(tidy) for column in tidy.columns.drop("name")}
        return cleared(tidy, shown, settings=asdict(self))

    def quantiles(self, values: pd.Series, shares: Sequence[float]) -> Cleared:
        """Quantiles of an amount, each the mean of the ``minimum`` values around it, so that none is one person's.

        Raises
        ------
        DisclosureError
            A quantile with fewer than ``minimum`` people on either side: a least or greatest value always.
        """
        ordered = np.sort(values.dropna().to_numpy(float))
        rows = []
        for share in shares:
            aside = len(ordered) * min(share, 1 - share)
            if aside < self.minimum:
                raise DisclosureError(
                    f"the quantile {share:g} of {len(ordered)} people has {max(aside, 0):.0f} of them on one side.\n"
                    f"  allowed: at least {self.minimum}"
                )
            first = round(share * len(ordered) - self.minimum / 2)
            rows.append({"share": share, "quantile": ordered[first : first + self.minimum].mean(), "n": len(ordered)})
        shown = {column: [""] * len(rows) for column in ("quantile", "n")}
        return cleared(pd.DataFrame(rows), shown, settings=asdict(self))


@dataclass(frozen=True)
class Verdict:
    """Which numbers of a family may be shown. It holds no numbers itself.

    ``rules`` gives for each pair of group and column (empty for the size of the group) the rule by which the number is
    withheld, or nothing.
    """

    guard: Guard
    rules: Rules

    def shown(self, group: str, column: str = PEOPLE) -> bool:
        """True if the number may be shown."""
        if (group, column) not in self.rules:
            groups, columns = (sorted({key[i] for key in self.rules}) for i in (0, 1))
            raise DisclosureError(
                f"the verdict knows no number {column!r} of the group {group!r}.\n"
                f"  groups: {', '.join(groups[:12])}; columns: {', '.join(filter(None, columns))}"
            )
        return not self.rules[group, column]

    @property
    def frame(self) -> pd.DataFrame:
        """One row per number: group, column, status (shown, suppressed), rule."""
        return pd.DataFrame(
            [
                {"group": group, "column": column, "status": "suppressed" if rule else "shown", "rule": rule}
                for (group, column), rule in self.rules.items()
            ]
        )

    @property
    def name(self) -> str:
        """A short name of the verdict, the same on every page of the family."""
        told = "\n".join("\t".join((*key, rule)) for key, rule in sorted(self.rules.items()))
        return hashlib.sha256(f"{self.guard}\n{told}".encode()).hexdigest()[:12]

    def clear(self, frame: pd.DataFrame, rests: Rests, *, rounding: Mapping[str, float] | None = None) -> Cleared:
        """A table of a page of the family, without the numbers that rest on a withheld one.

        Parameters
        ----------
        frame
            Any table; texts stay.
        rests
            For each column of numbers, the numbers of the family that it rests on, as pairs of a group and a column. A
            group may be put together from the row's texts: ``{"effect": [("{group}, services", "job"), ("{group},
            control", "job")]}``.
        rounding
            Columns that are rounded, and to multiples of what.

        Raises
        ------
        DisclosureError
            A column of numbers that rests on nothing, or on a number that the verdict does not know.
        """
        numbers = [column for column in frame if pd.api.types.is_numeric_dtype(frame[column])]
        if loose := [column for column in numbers if not rests.get(column)]:
            raise DisclosureError(
                f"{loose[0]!r} does not say what it rests on.\n  add it to rests: {', '.join(numbers)}"
            )
        rows = frame.to_dict("records")
        by_column = {column: [self._rule(row, rests[column]) for row in rows] for column in numbers}
        return cleared(frame, by_column, settings=asdict(self.guard), rounding=rounding, family=self.name)

    def _rule(self, row: Mapping[str, object], behind: Sequence[tuple[str, str]]) -> str:
        places = [(group.format_map(row), column) for group, column in behind]
        withheld = [self.rules[place] for place in places if not self.shown(*place)]
        return withheld[0] if withheld else ""


def _check_counts(frame: pd.DataFrame, counts: Sequence[str], of: Mapping[str, str], total: object) -> None:
    missing = [column for column in (*counts, *of, *of.values()) if column not in frame]
    if missing or not counts or not set(of) | set(of.values()) <= set(counts):
        raise DisclosureError(
            f"the guard needs the counts behind every row; {missing[0] if missing else 'counts'!r} is not among them.\n"
            f"  allowed: columns of the table: {', '.join(map(str, frame.columns))}"
        )
    if not frame.index.is_unique:
        raise DisclosureError("the table names a row twice.\n  give each group one row and one index label")
    for column in counts:
        values = pd.to_numeric(frame[column])
        if values.isna().any() or (values < 0).any() or (values % 1 != 0).any():
            raise DisclosureError(f"{column!r} is no number of people in every row.\n  allowed: 0, 1, 2, …")
    for column, people in of.items():
        if (frame[column] > frame[people]).any():
            raise DisclosureError(f"{column!r} is above {people!r} somewhere.\n  give for each outcome its own people")
    if len(frame) > 1 and (frame[list(counts)].max(axis=1) == 1).all():
        raise DisclosureError("every row of the table is one person.\n  show groups")
    parts = frame if total is None else frame.drop(index=[total])
    if total is not None and not all(parts[column].sum() == frame.loc[total, column] for column in counts):
        raise DisclosureError(f"row {total!r} is not the sum of the others.\n  use a family for groups that overlap")
