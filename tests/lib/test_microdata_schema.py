"""The schemas of microdata: what they say of a column, and that a fault in one is named before any data are read."""

import copy

import pytest
from watwerkt.errors import MicrodataError
from watwerkt.microdata.schema import ForeignKey, load_schema, studies, study_schema

from tests.lib import microdata_files as files


@pytest.fixture
def small(tmp_path):
    with files.small_study(tmp_path) as path:
        yield path


def column(schema, name):
    return next(field for field in schema["persons"].fields if field.name == name)


# ---- what it says --------------------------------------------------------------------------------


@pytest.mark.parametrize("study", studies())
def test_the_schema_of_every_study_is_without_fault_and_gives_every_column_both_titles(study):
    for table in study_schema(study).tables.values():
        for field in table.fields:
            assert field.label("nl") and field.label("en")
            assert all(code.nl and code.en for code in field.codes.values())


def test_labels_of_codes_come_from_the_code_list_and_only_those_allowed(small):
    schema = study_schema(files.STUDY)
    assert {key: (code.nl, code.en) for key, code in column(schema, "sex").codes.items()} == {
        "female": ("Vrouwen", "Women"), "male": ("Mannen", "Men"), "unknown": ("Onbekend", "Sex unknown"),
    }  # fmt: skip
    assert list(column(schema, "population").codes) == ["nonwestern", "western", "none"]
    assert column(schema, "note").codes == {}


def test_a_column_of_the_key_is_required_without_saying_so_and_decides_the_type_in_memory(small):
    schema = study_schema(files.STUDY)
    assert {name: column(schema, name).required for name in ("person", "sex", "exit")} == {
        "person": True, "sex": True, "exit": False,
    }  # fmt: skip
    assert {field.name: field.dtype for field in schema["persons"].fields} == {
        "person": "int64", "sex": "str", "population": "str", "entry": "datetime64[us]", "exit": "datetime64[us]",
        "interviews": "Int64", "part_time": "float64", "wage": "float64", "assigned": "bool", "found_work": "boolean",
        "note": "str",
    }  # fmt: skip
    assert schema["spells"].foreign_keys == (ForeignKey(("person",), "persons", ("person",)),)


def test_a_table_and_a_study_that_do_not_exist_are_refused_with_those_that_do(small):
    with pytest.raises(MicrodataError, match=r"intensive has no table 'people'\.\n  tables: persons, spells"):
        study_schema(files.STUDY)["people"]
    with pytest.raises(MicrodataError, match=r"no schema for microdata of 'via'\.\n  studies: intensive"):
        study_schema("via")


# ---- faults --------------------------------------------------------------------------------------


def of_field(number, **values):
    return lambda schema: schema["tables"]["persons"]["fields"][number].update(values)


def of_table(name, **values):
    return lambda schema: schema["tables"][name].update(values)


def without(*path):
    def spoil(schema):
        for key in path[:-1]:
            schema = schema[key]
        del schema[path[-1]]

    return spoil


def rule(**values):
    return of_table("persons", rules=[{**files.PERSONS["rules"][0], **values}])


def reference(**values):
    return of_table(
        "spells", foreignKeys=[{"fields": ["person"], "reference": {"table": "persons", "fields": ["person"]} | values}]
    )


PERSON, SEX, ENTRY, WAGE, NOTE = 0, 1, 3, 7, 10
FAULTS = {
    "a study of another name": (lambda s: s.update(study="wga"), "study is 'wga'.\n  write 'intensive'"),
    "no title": (without("title"), "missing: title.\n  required: study, title, tables"),
    "tables as a list": (lambda s: s.update(tables=[]), "tables is [].\n  allowed: a JSON object"),
    "a key misspelt in a table": (
        of_table("persons", primarykey=["person"]),
        "tables.persons: unknown: primarykey.\n  allowed: title, title_nl",
    ),
    "no key": (without("tables", "spells", "primaryKey"), "tables.spells: missing: primaryKey"),
    "a key that is no column": (
        of_table("spells", primaryKey=["id"]),
        "primaryKey is ['id'].\n  allowed: columns among person",
    ),
    "an empty key": (of_table("spells", primaryKey=[]), "primaryKey is []"),
    "a key misspelt in a column": (
        of_field(SEX, code={}),
        "tables.persons.fields[1]: unknown: code.\n  allowed: name, type",
    ),
    "a column without Dutch title": (
        without("tables", "persons", "fields", WAGE, "title_nl"),
        "tables.persons.fields[7]: missing: title_nl",
    ),
    "a column that stands twice": (of_field(NOTE, name="wage"), "wage stands twice"),
    "a type that does not exist": (
        of_field(WAGE, type="float"),
        "fields[7] 'wage': type is 'float'.\n  allowed: integer, number, string",
    ),
    "a unit that no list knows": (
        of_field(WAGE, unit="euro"),
        "unit is 'euro', no code in data/codes/unit.csv.\n  allowed: count",
    ),
    "a code list that does not exist": (
        of_field(SEX, codes={"list": "gender"}),
        "'sex'.codes: there is no code list 'gender'.\n  code lists: arm",
    ),
    "a dimension that does not exist": (
        of_field(SEX, codes={"list": "category", "dimension": "gender"}),
        "category has no codes of dimension 'gender'.\n  dimensions: age",
    ),
    "categories without dimension": (
        of_field(SEX, codes={"list": "category"}),
        "category has no codes of dimension ''",
    ),
    "an allowed code that does not exist": (
        of_field(SEX, allowed=["female", "man"]),
        "'man' not in the list category.\n  allowed: female, male, unknown",
    ),
    "allowed codes without list": (of_field(NOTE, allowed=["a"]), "allowed without codes"),
    "codes of another type than text": (of_field(SEX, type="integer"), "codes with the type 'integer'"),
    "a constraint misspelt": (
        of_field(WAGE, constraints={"min": 0}),
        "'wage'.constraints: unknown: min.\n  allowed: required",
    ),
    "a constraint of the wrong type": (
        of_field(WAGE, constraints={"required": "yes"}),
        "required is 'yes'.\n  allowed: a JSON true or false",
    ),
    "a limit that is no number": (
        of_field(WAGE, constraints={"minimum": "0"}),
        "minimum is '0', in a column of type number",
    ),
    "a limit that is no date": (
        of_field(ENTRY, constraints={"minimum": "1-1-2012"}),
        "minimum is '1-1-2012'.\n  write dates as",
    ),
    "limits of a text": (of_field(NOTE, constraints={"minimum": 1}), "minimum with the type 'string'"),
    "limits the wrong way round": (of_field(WAGE, constraints={"minimum": 2, "maximum": 1}), "minimum above maximum"),
    "a list of values beside codes": (
        of_field(SEX, constraints={"enum": ["female"]}),
        "enum beside codes, or with a type that has none",
    ),
    "a list of values of another type": (
        of_field(PERSON, constraints={"enum": ["1"]}),
        "enum is '1', in a column of type integer",
    ),
    "a rule of an unknown column": (rule(left="start"), "rules[0]: left, right is ['start', 'exit']"),
    "a rule that cannot be compared": (rule(op="before"), "op is 'before'.\n  allowed: <, <=, ==, >=, >"),
    "a rule between types": (rule(right="wage"), "entry and wage are of different types"),
    "a reference to no table": (reference(table="people"), "there is no table 'people'.\n  allowed: persons, spells"),
    "a reference to no column": (reference(fields=["id"]), "reference.fields is ['id']"),
    "a reference to another type": (reference(fields=["sex"]), "columns of different number or type"),
    "a reference to more columns": (reference(fields=["person", "sex"]), "columns of different number or type"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_schema_is_named_with_file_and_place(fault, small):
    spoil, says = FAULTS[fault]
    schema = copy.deepcopy(files.SCHEMA)
    spoil(schema)
    files.use(schema, small)
    with pytest.raises(MicrodataError) as caught:
        load_schema(small)
    assert str(caught.value).startswith("data/schemas/microdata/intensive.json")
    assert says in str(caught.value)
    assert "\n  " in str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"\xe9", b"[]"])
def test_a_schema_that_is_no_json_object_is_named(content, small):
    small.write_bytes(content)
    with pytest.raises(
        MicrodataError, match=r"^data/schemas/microdata/intensive\.json: (cannot be read as JSON|is no obj)"
    ):
        study_schema(files.STUDY)
