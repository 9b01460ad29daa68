"""Least squares on cells: to the last digits what the rows give, and nothing for cells that cannot be."""

import numpy as np
import pandas as pd
import pytest
from watwerkt.compress import duckdb, in_memory, statistics
from watwerkt.errors import EstimationError
from watwerkt.estimate import grouped, linear

SAME = 1e-9  # sums of a few thousand rows in another order


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(4)
    people = 6000
    frame = pd.DataFrame(
        {
            "assigned": rng.integers(0, 2, people).astype(float),
            "age": rng.choice(["18-29", "30-39", "40-49"], people),
            "office": rng.choice([f"o{number:02d}" for number in range(35)], people),
        }
    )
    eager = rng.random(people)
    frame["services"] = ((eager < 0.3 + 0.5 * frame["assigned"]) & (eager > 0.05)).astype(float)
    frame["wage"] = 12 + 0.4 * frame["services"] + eager + rng.normal(0, 1, people)
    return frame


@pytest.fixture(scope="module")
def cells(rows):
    found = statistics(in_memory(rows), "wage", by=["assigned", "services", "age", "office"])
    return duckdb().to_pyarrow(found).to_pandas()


def assert_same(one, two):
    assert one.names == two.names or set(one.names) == set(two.names)
    for name in one.names:
        first, second = one.of(name), two.of(name)
        assert first.estimate == pytest.approx(second.estimate, rel=SAME)
        assert first.se == pytest.approx(second.se, rel=SAME)
        assert first.p == pytest.approx(second.p, rel=1e-6, abs=1e-300)
    assert one.n == two.n


@pytest.mark.parametrize("cluster", [None, "office"])
def test_two_stage_least_squares_on_cells_is_that_on_rows(rows, cells, cluster):
    ours = grouped.iv(cells, endogenous="services", instrument="assigned", controls=["age"], cluster=cluster)
    theirs = linear.iv(rows, "wage", endogenous="services", instruments="assigned", controls=["age"], cluster=cluster)
    assert_same(ours, theirs)
    assert ours.diagnostics["first_stage_f"] == pytest.approx(theirs.diagnostics["first_stage_f"], rel=1e-7)


@pytest.mark.parametrize("cluster", [None, "office"])
def test_least_squares_on_cells_is_that_on_rows(rows, cells, cluster):
    ours = grouped.ols(cells, of="assigned", controls=["age"], cluster=cluster)
    assert_same(ours, linear.ols(rows, "wage", of="assigned", controls=["age"], cluster=cluster))


def test_cells_are_fewer_than_rows_and_keep_all_people(rows, cells):
    assert len(cells) < len(rows) / 10
    assert cells["n"].sum() == len(rows)
    assert cells["total"].sum() == pytest.approx(rows["wage"].sum())


def test_cells_whose_sums_cannot_be_are_refused(cells):
    wrong = cells.assign(squares=0.0)
    with pytest.raises(EstimationError, match=r"cell 0: .* cannot be"):
        grouped.ols(wrong, of="assigned")


def test_a_weak_instrument_is_said_to_be_weak(rows):
    rng = np.random.default_rng(5)
    weak = rows.assign(coin=rng.integers(0, 2, len(rows)).astype(float))
    table = statistics(in_memory(weak), "wage", by=["coin", "services"])
    found = grouped.iv(duckdb().to_pyarrow(table).to_pandas(), endogenous="services", instrument="coin")
    assert "weak" in found.warnings[0]
    assert found.diagnostics["first_stage_f"] < grouped.WEAK


def test_a_column_that_never_varies_is_named(cells):
    with pytest.raises(EstimationError, match="'assigned' never varies"):
        grouped.ols(cells.query("assigned == 1"), of="assigned")
