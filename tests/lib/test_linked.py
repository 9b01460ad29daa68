"""Linked data: only terms of schema.org, each on a type that may carry it, and files that are there as described."""

import hashlib
import json
import re

import pytest
from watwerkt import linked
from watwerkt.paths import data_dir

# The terms of schema.org (29.0) that the file may use: which types may carry them, and what kind of value they take.
# A Dataset is a CreativeWork, a DataDownload a MediaObject and so a CreativeWork; all are Things.
THINGS = {"Dataset", "DataDownload", "DataCatalog", "CreativeWork", "Organization"}
WORKS = THINGS - {"Organization"}
TERMS = {
    "name": (THINGS, str),
    "description": (THINGS, str),
    "identifier": (THINGS, str),
    "url": (THINGS, str),
    "license": (WORKS, str),
    "creator": (WORKS, "Organization"),
    "publisher": (WORKS, "Organization"),
    "inLanguage": (WORKS, str),
    "isAccessibleForFree": (WORKS, bool),
    "keywords": (WORKS, str),
    "spatialCoverage": (WORKS, str),
    "temporalCoverage": (WORKS, str),
    "isBasedOn": (WORKS, "CreativeWork"),  # or Product or URL; a bare text belongs in citation
    "citation": (WORKS, str),
    "version": (WORKS, str),
    "dateModified": (WORKS, str),
    "hasPart": (WORKS, "Dataset"),
    "isPartOf": (WORKS, "Dataset"),
    "variableMeasured": ({"Dataset"}, str),
    "distribution": ({"Dataset"}, "DataDownload"),
    "includedInDataCatalog": ({"Dataset"}, "DataCatalog"),
    "contentUrl": ({"DataDownload"}, str),
    "contentSize": ({"DataDownload"}, str),
    "encodingFormat": (WORKS, str),
    "sha256": ({"DataDownload"}, str),
}
REQUIRED = {
    "Dataset": {"@id", "name", "description", "license", "creator", "distribution"},
    "DataDownload": {"name", "contentUrl", "encodingFormat"},
    "DataCatalog": {"name"},
    "CreativeWork": {"name"},
    "Organization": {"name"},
}


@pytest.fixture(scope="module")
def evidence():
    return json.loads((data_dir() / linked.FILE).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def package():
    return json.loads((data_dir() / "datapackage.json").read_text(encoding="utf-8"))


def things(found):
    """Every thing in the file, however deep."""
    if isinstance(found, dict):
        yield found
        for value in found.values():
            yield from things(value)
    if isinstance(found, list):
        for value in found:
            yield from things(value)


def test_the_file_is_what_the_data_package_gives(evidence, package):
    assert linked.dataset(package) == evidence


def test_the_context_stands_once_and_is_that_of_schema_org(evidence):
    assert evidence["@context"] == "https://schema.org/"
    assert [thing for thing in things(evidence) if "@context" in thing] == [evidence]


def test_every_type_is_one_that_schema_org_knows(evidence):
    assert {thing.get("@type") for thing in things(evidence)} <= THINGS


def test_every_property_is_a_term_that_its_type_may_carry(evidence):
    for thing in things(evidence):
        for name in thing.keys() - {"@context", "@type", "@id"}:
            assert name in TERMS, f"{name} is no term that this file may use"
            assert thing["@type"] in TERMS[name][0], f"a {thing['@type']} has no {name}"


def test_every_value_is_of_the_kind_that_its_property_takes(evidence):
    for thing in things(evidence):
        for name in thing.keys() & TERMS.keys():
            kind = TERMS[name][1]
            for value in thing[name] if isinstance(thing[name], list) else [thing[name]]:
                fits = value["@type"] == kind if isinstance(kind, str) else isinstance(value, kind)
                assert fits, f"{name} of {thing.get('@id', thing['@type'])} is {value!r}"
                assert value != "", f"{name} of {thing.get('@id', thing['@type'])} is empty"


def test_every_thing_has_what_a_reader_of_the_catalogue_needs(evidence):
    for thing in things(evidence):
        lacking = REQUIRED[thing["@type"]] - {name for name, value in thing.items() if value}
        assert not lacking, f"{thing.get('@id', thing['@type'])} lacks {sorted(lacking)}"


def test_ids_are_unique_and_fragments_of_the_file_itself(evidence):
    ids = [thing["@id"] for thing in things(evidence) if "@id" in thing]
    assert len(ids) == len(set(ids)) == 1 + len(evidence["hasPart"])
    assert [one for one in ids if not re.fullmatch(r"#[a-z0-9.-]+", one)] == []


def test_every_file_is_there_with_the_size_and_hash_that_are_told(evidence):
    told = [thing for part in evidence["hasPart"] for thing in part["distribution"]]
    assert len(told) > 100
    for download in told:
        raw = (data_dir() / download["contentUrl"]).read_bytes()
        assert download["sha256"] == hashlib.sha256(raw).hexdigest(), download["contentUrl"]
        assert download["contentSize"] == f"{len(raw)} B", download["contentUrl"]


def test_the_whole_can_be_had_as_files_that_are_here_or_that_the_build_makes(evidence):
    """What stands in data/evidence on the site is made by the build from these tables."""
    addresses = [download["contentUrl"] for download in evidence["distribution"]]
    assert "datapackage.json" in addresses
    for address in addresses:
        assert address.startswith("evidence/") or (data_dir() / address).is_file(), address


def test_addresses_stay_in_the_folder_of_the_file_and_say_what_kind_of_file_they_lead_to(evidence):
    suffixes = {"text/csv": ".csv", "application/json": ".json", "application/zip": ".zip",
                "application/vnd.duckdb.file": ".duckdb"}  # fmt: skip
    addresses = [thing["contentUrl"] for thing in things(evidence) if thing["@type"] == "DataDownload"]
    assert len(addresses) == len(set(addresses))
    for thing in things(evidence):
        if thing["@type"] == "DataDownload":
            address = thing["contentUrl"]
            assert not re.match(r"[a-z]+:|/|\.\.", address), f"{address} leaves the folder of the file"
            assert address.endswith(suffixes[thing["encodingFormat"]])


def test_every_resource_of_the_data_package_is_a_part_and_no_other(evidence, package):
    files = [part["distribution"][0]["contentUrl"] for part in evidence["hasPart"]]
    assert files == [resource["path"] for resource in package["resources"]]


def test_a_printed_table_is_known_by_study_and_number_and_told_from_which_report(evidence):
    parts = {part["@id"]: part for part in evidence["hasPart"]}
    table = parts["#intensive-t3.2"]
    assert table["identifier"] == "intensive T3.2"
    assert [work["name"] for work in table["isBasedOn"] if "SEOR" in work["name"] and "2020" in work["name"]]
    identifiers = [part["identifier"] for part in evidence["hasPart"] if "identifier" in part]
    assert len(identifiers) == len(set(identifiers))
    assert "identifier" not in parts["#codes-arm"]


def test_licences_are_addresses_and_the_file_holds_nothing_of_this_machine(evidence):
    assert {t["license"] for t in things(evidence) if "license" in t} == {
        "https://creativecommons.org/licenses/by/4.0/"
    }
    text = json.dumps(evidence)
    assert str(data_dir()) not in text
    assert "localhost" not in text


# ---- on a page -----------------------------------------------------------------------------------


def on_page(text):
    """What stands in a script of a page."""
    found = re.fullmatch(r'<script type="application/ld\+json">(.*)</script>', text, flags=re.DOTALL)
    assert found, text
    assert "</" not in found[1], "a browser would end the script here"
    return json.loads(found[1])


def test_a_dataset_on_a_page_is_the_same_with_addresses_seen_from_there(evidence):
    part = next(part for part in evidence["hasPart"] if part["@id"] == "#intensive-t3.2")
    found = on_page(linked.script(part, root="../../"))
    assert found["distribution"][0].pop("contentUrl") == "../../data/published/intensive/T3.2.csv"
    assert found.pop("@context") == "https://schema.org/"
    expected = {**part, "distribution": [{k: v for k, v in part["distribution"][0].items() if k != "contentUrl"}]}
    assert found == expected


def test_every_address_of_the_whole_is_seen_from_the_page(evidence):
    found = on_page(linked.script(evidence, root="../"))
    told = [thing["contentUrl"] for thing in things(evidence) if "contentUrl" in thing]
    assert [thing["contentUrl"] for thing in things(found) if "contentUrl" in thing] == [f"../data/{a}" for a in told]


def test_a_text_that_would_end_the_script_does_not(evidence):
    part = {**evidence["hasPart"][0], "name": "</script><script>alert(1)</script>"}
    assert on_page(linked.script(part, root=""))["name"] == "</script><script>alert(1)</script>"


def test_placing_a_dataset_on_a_page_does_not_change_it(evidence):
    before = json.dumps(evidence)
    linked.script(evidence, root="../")
    assert json.dumps(evidence) == before


def test_every_part_of_the_linked_data_is_described_at_the_length_that_search_engines_want():
    parts = json.loads((data_dir() / "dataset.jsonld").read_text(encoding="utf-8"))["hasPart"]
    assert [part["@id"] for part in parts if len(part["description"]) < 50] == []
