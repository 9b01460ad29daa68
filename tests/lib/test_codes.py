"""Code lists: every code that the data use has a Dutch and an English label and a definition."""

import csv
from functools import cache

import pytest
from watwerkt import codes
from watwerkt.errors import CodeError
from watwerkt.paths import data_dir

CODED_COLUMNS = (
    "study", "population", "dimension", "arm", "comparison", "service", "outcome", "statistic", "unit", "status",
)  # fmt: skip


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def published_rows():
    return [row for path in sorted((data_dir() / "published").rglob("T*.csv")) for row in rows(path)]


def listed(name):
    return rows(data_dir() / "codes" / f"{name}.csv")


@pytest.mark.parametrize("column", CODED_COLUMNS)
def test_every_code_in_the_data_stands_in_its_code_list(column):
    used = {row[column] for row in published_rows()} - {""}
    assert used, f"no row has a {column}: this test checks nothing"
    assert used <= {row["code"] for row in listed(column)}


def test_every_category_in_the_data_stands_in_the_list_under_its_dimension():
    used = {(row["dimension"], row["category"]) for row in published_rows()}
    assert used <= {(row["dimension"], row["code"]) for row in listed("category")}


def test_every_dimension_of_a_category_is_a_dimension():
    assert {row["dimension"] for row in listed("category")} == {row["code"] for row in listed("dimension")}


@pytest.mark.parametrize("name", sorted(path.stem for path in (data_dir() / "codes").glob("*.csv")))
def test_every_code_has_both_labels_and_a_definition(name):
    for row in listed(name):
        lacking = [column for column in ("nl", "en", "definition") if not row[column].strip()]
        assert not lacking, f"{row['code']} has no {lacking}"
        assert row["definition"].endswith("."), f"the definition of {row['code']} is not a sentence"


@pytest.mark.parametrize("name", sorted(path.stem for path in (data_dir() / "codes").glob("*.csv")))
@pytest.mark.parametrize("language", ["nl", "en"])
def test_two_codes_of_a_list_do_not_share_a_label_so_that_no_chart_merges_them(name, language):
    labels = [(row.get("dimension", ""), row[language]) for row in listed(name)]
    assert len(labels) == len(set(labels))


def test_labels_come_in_both_languages():
    assert codes.label("outcome", "fraction_job") == "Job fraction"
    assert codes.label("outcome", "fraction_job", language="nl") == "Baanfractie"


def test_a_subgroup_is_named_with_its_population():
    assert codes.group_label("nonwestern", "sex", "female") == "Women, non-western background"
    assert codes.group_label("none", "sex", "male", language="nl") == "Mannen, geen migratieachtergrond"


def test_a_population_without_split_is_named_alone():
    assert codes.group_label("none", "all", "all") == "No migration background"


def test_the_same_category_code_in_two_dimensions_keeps_its_own_label():
    assert codes.label("category", "none", dimension="background") == "No migration background"
    assert codes.code("category", "female", dimension="sex").dimension == "sex"
    with pytest.raises(CodeError, match=r"'female' .* of dimension 'age'\.\n  allowed: 16-25, .*under_35, .*45_over"):
        codes.code("category", "female", dimension="age")


def test_an_unknown_code_list_is_refused_with_the_lists_that_exist():
    with pytest.raises(CodeError, match=r"no code list 'colour'\.\n  code lists: arm, category, .*unit"):
        codes.codes("colour")


def test_an_unknown_code_is_refused_with_the_codes_that_exist():
    with pytest.raises(CodeError, match=r"'interview_9m' .*service\.csv\.\n  allowed: interview, .*all_contacts"):
        codes.label("service", "interview_9m")


def test_the_grid_of_a_code_list_keeps_its_order():
    assert codes.grid("arm") == [{"arm": row["code"]} for row in listed("arm")]
    assert [code.order for code in codes.codes("arm").values()] == list(range(len(listed("arm"))))
