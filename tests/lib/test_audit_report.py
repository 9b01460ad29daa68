"""Findings for readers."""

import pytest
from watwerkt.audit import audit, findings, report
from watwerkt.errors import AuditError


def test_every_finding_stands_on_the_page_of_its_study_under_its_name():
    html = report.listing("wga")._repr_html_()
    for finding in findings("wga"):
        assert f'id="{finding.id}"' in html


def test_chart_and_table_count_every_finding_once():
    assert report.chart(audit()).data["count"].sum() == len(audit())
    shown = report.by_rule(audit()).shown
    assert sum(int(text) for text in shown.to_numpy().ravel() if text != "–") == len(audit())


def test_the_ten_findings_that_matter_most_are_findings_with_a_reason():
    listing = report.consequential()
    assert len(listing.found) == 10 == len({f.id for f in listing.found})
    assert all(listing.why[f.id] for f in listing.found)


def test_a_consequence_that_the_audit_does_not_find_is_an_error(data_copy):
    data_copy.change("audit/consequences.yml", lambda text: text.replace("relation: repeated_row", "relation: gone", 1))
    with pytest.raises(AuditError, match=r"consequences\.yml: the audit of 'instruments' has no finding by 'gone'"):
        report.consequential()


def test_numbers_in_findings_have_a_real_minus_sign():
    html = report.listing("instruments")._repr_html_()
    assert "−13.3" in html and " -13.3" not in html


def test_findings_by_severity_add_up():
    counts = report.counts()
    assert counts["all"] == counts["certain"] + counts["likely"] + counts["suspicion"] == len(audit())
