"""Person-months compressed to cells: nothing lost, nothing counted twice, whatever the order of the rows."""

import numpy as np
import pandas as pd
import pytest
from watwerkt.compress import EXITS, compressed, unpacked
from watwerkt.errors import EstimationError

from tests.lib.months import PLAN, expanded, tables


@pytest.fixture(scope="module")
def given():
    return tables(1200, np.random.default_rng(7))


@pytest.fixture(scope="module")
def cells(given):
    return compressed(given, PLAN)[0]


def by_cell(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    counted = frame.groupby(keys, observed=True)[["n", *EXITS]].sum()
    return counted.sort_index()


def test_the_cells_count_what_a_plain_expansion_of_the_person_months_counts(given, cells):
    rows = expanded(given).assign(n=1)
    for kind in EXITS:
        rows[kind] = (rows["outcome"] == kind).astype(int)
    for name, values in PLAN.covariates.items():
        rows[name] = rows[name].map(values.index)
    sizes = {name: len(values) for name, values in PLAN.covariates.items()}
    plain = pd.concat([unpacked(cells["profile"], sizes), unpacked(cells["state"], PLAN.states), cells], axis=1)
    keys = [*PLAN.covariates, "month", *PLAN.states]
    found, wanted = by_cell(plain.astype(dict.fromkeys(keys, "int64")), keys), by_cell(rows, keys)
    pd.testing.assert_frame_equal(found, wanted, check_index_type=False)


def test_the_order_of_the_rows_changes_nothing(given, cells):
    shuffled = {name: table.sample(frac=1, random_state=3) for name, table in given.items()}
    pd.testing.assert_frame_equal(compressed(shuffled, PLAN)[0], cells)


def test_profiles_count_every_person_once(given):
    profiles = compressed(given, PLAN)[1]
    assert profiles["people"].sum() == len(given["persons"])


def test_only_the_first_start_of_a_service_counts(given, cells):
    again = given["services"].assign(start_month=lambda frame: frame["start_month"] + 1)
    twice = {**given, "services": pd.concat([given["services"], again])}
    pd.testing.assert_frame_equal(compressed(twice, PLAN)[0], cells)


def test_packed_numbers_are_taken_apart_into_what_was_packed():
    sizes = {"a": 3, "b": 4, "c": 2}
    rng = np.random.default_rng(1)
    parts = {name: rng.integers(0, size, 50) for name, size in sizes.items()}
    packed = parts["a"] + 3 * parts["b"] + 12 * parts["c"]
    found = unpacked(packed, sizes)
    assert all((found[name] == parts[name]).all() for name in sizes)


def test_a_value_that_the_plan_does_not_name_is_refused_by_column_and_value(given):
    wrong = given["persons"].assign(sex="unknown")
    with pytest.raises(EstimationError, match=r"column 'sex': 1200 people .* 'unknown'[\s\S]*allowed: female, male"):
        compressed({**given, "persons": wrong}, PLAN)


@pytest.mark.parametrize("months", [0, 9])
def test_follow_up_outside_the_horizon_is_refused(given, months):
    wrong = given["persons"].assign(months_observed=months)
    with pytest.raises(EstimationError, match=f"months_observed.*{months}[\\s\\S]*1 to 8"):
        compressed({**given, "persons": wrong}, PLAN)
