"""Findings for readers: a chart, a table by rule, and each finding as a block of words with links to its tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape

import numpy as np
import pandas as pd
import yaml

from watwerkt import charts, codes, formats, tables
from watwerkt.audit import agreeing, audit, findings, quality
from watwerkt.audit.agreeing import FalseAlarms
from watwerkt.audit.findings import SEVERITIES, Finding, FoundCell, frame
from watwerkt.audit.quality import Detection
from watwerkt.errors import AuditError
from watwerkt.paths import data_dir, shown

SHOWN_CELLS = 8


def chart(found: Sequence[Finding], *, name: str = "findings", by: str = "rule") -> charts.Chart:
    """Number of findings by rule (or study) and severity, the most frequent first."""
    counts = frame(found).groupby([by, "severity"]).size()
    totals = counts.groupby(level=0).sum().sort_values(ascending=False, kind="stable")
    rows = [
        {
            "label": codes.label(by, key),
            "part": codes.label("severity", severity),
            "count": int(counts.get((key, severity), 0)),
        }
        for key in totals.index
        for severity in SEVERITIES
    ]
    colours = {codes.label("severity", s): charts.SEVERITY_COLOURS[s] for s in SEVERITIES}
    lead = f"Findings of the audit by {'rule' if by == 'rule' else 'study'} and how sure they are."
    return charts.stacked(pd.DataFrame(rows), name=name, colours=colours, axis="Findings", alt_text=lead)


def by_rule(found: Sequence[Finding]) -> tables.Table:
    """What each rule asks, and how many findings of each severity it gives."""
    counts = frame(found).groupby(["rule", "severity"]).size()
    present = [code for code in codes.codes("rule") if code in counts.index.get_level_values(0)]
    rows = [[int(counts.get((rule, severity), 0)) for severity in SEVERITIES] for rule in present]
    named = [tables.Label(codes.label("rule", rule), codes.code("rule", rule).definition, lang="") for rule in present]
    heads = [codes.label("severity", s) for s in SEVERITIES]
    shown_rows = pd.DataFrame([[str(n or "–") for n in row] for row in rows], columns=heads, index=pd.Index(named))
    data = pd.DataFrame([[rule, *row] for rule, row in zip(present, rows, strict=True)], columns=["rule", *SEVERITIES])
    return tables.show(shown_rows, name="rules", label="Findings by rule and severity", data=data)


class Listing:
    """Findings as blocks of words, grouped by severity, each with an anchor of its own."""

    def __init__(self, found: Iterable[Finding], *, root: str, why: dict[str, str] | None = None):
        self.found = list(found)
        self.root = root
        self.why = why or {}

    def _repr_html_(self) -> str:
        return f'<div class="ww-findings">{"".join(self._one(f) for f in self.found)}</div>'

    def _one(self, f: Finding) -> str:
        rule, severity = codes.label("rule", f.rule), codes.label("severity", f.severity)
        why = f'<p class="ww-why">{escape(self.why[f.id])}</p>' if f.id in self.why else ""
        study = f"{codes.label('study', f.study)} · " if self.why else ""
        return (
            f'<article class="ww-finding" id="{f.id}"><p class="ww-finding-head"><strong class="ww-{f.severity}">'
            f"{severity}</strong> <span>{study}{escape(rule)}</span></p>"
            f"<p>{_text(f.note)}</p>{why}"
            f"<details><summary>Cells and what would fit</summary><p>Would fit: {_text(f.expected)}.</p>"
            f"<ul>{self._cells(f)}</ul></details></article>"
        )

    def _cells(self, f: Finding) -> str:
        rest = len(f.cells) - SHOWN_CELLS
        more = f"<li>and {rest} more: see audit.json</li>" if rest > 0 else ""
        return "".join(f"<li>{self._cell(f.study, cell)}</li>" for cell in f.cells[:SHOWN_CELLS]) + more

    def _cell(self, study: str, cell: FoundCell) -> str:
        printed = _text(cell.printed) or "not printed"
        page = f"text/{study}" if cell.table == "prose" else f"table/{study}-{cell.table}"
        name = "Text" if cell.table == "prose" else f"Table {cell.table.removeprefix('T')}"
        return f'<a href="{self.root}data/{page}.html">{name}</a>: {printed} <code>{escape(cell.cell)}</code>'


def _text(text: str) -> str:
    return escape(formats.with_minus(text))


def listing(study: str) -> Listing:
    """All findings of a study, for its page."""
    return Listing(findings(study), root="../../")


def consequential() -> Listing:
    """The findings that ``data/audit/consequences.yml`` names, with why they matter."""
    chosen = [(_one(entry), entry["why"]) for entry in _consequences()]
    return Listing([f for f, _ in chosen], root="../", why={f.id: why for f, why in chosen})


@cache
def _consequences() -> list[dict]:
    return yaml.safe_load((data_dir() / "audit" / "consequences.yml").read_text(encoding="utf-8"))


def _one(entry: dict) -> Finding:
    fits = [
        f
        for f in findings(entry["study"])
        if f.relation == entry["relation"] and entry.get("cell") in (None, f.cells[0].cell)
    ]
    if not fits:
        path = shown(data_dir() / "audit" / "consequences.yml")
        raise AuditError(
            f"{path}: the audit of {entry['study']!r} has no finding by {entry['relation']!r}.\n  take the entry out"
        )
    return fits[0]


def counts(study: str | None = None) -> dict[str, int]:
    """Findings by severity, and in all, of a study or of all studies."""
    found = findings(study) if study else audit()
    return {"all": len(found), **{s: sum(f.severity == s for f in found) for s in SEVERITIES}}


def measured(*, count: int = 1000, times: int = 10, seed: int = 2026) -> tuple[Detection, FalseAlarms]:
    """What the audit finds of so many planted errors, and in evidence bases that agree, each made so many times."""
    bases = [quality.base(study) for study in quality.STUDIES]
    planted = quality.plant(bases, count=count, generator=np.random.default_rng(seed))
    alarms = agreeing.false_alarms(bases, times=times, generator=np.random.default_rng(seed))
    return quality.detection(bases, planted), alarms


def detection_chart(found: Detection) -> charts.Chart:
    """What became of planted errors by kind: found, missed although a rule compares the numbers, out of reach."""
    parts = {"Found": charts.GREEN, "Missed": charts.ORANGE, "No rule reaches it": charts.GREY}
    rows = [
        {"label": row.kind_label, "part": part, "count": int(count)}
        for row in found.by_kind.itertuples()
        for part, count in zip(
            parts, (row.detected, row.covered - row.detected, row.planted - row.covered), strict=True
        )
    ]
    lead = "Planted errors by kind, and whether the audit found them."
    return charts.stacked(pd.DataFrame(rows), name="planted", colours=parts, axis="Planted errors", alt_text=lead)


def _fates(row) -> tuple[int, int, int]:
    return row.detected, row.covered - row.detected, row.planted - row.covered


def detection_table(found: Detection) -> tables.Table:
    """Planted, within reach of a rule, and found, by kind and in all."""
    frame_ = found.by_kind.set_index("kind_label")[["planted", "covered", "detected"]]
    frame_.loc["All"] = frame_.sum()
    shown_rows = pd.DataFrame(
        {
            "Planted": frame_["planted"].map(str),
            "In reach": frame_["covered"].map(str),
            "Found": frame_["detected"].map(str),
            "Found, % of all": [f"{100 * r.detected / r.planted:.0f}" for r in frame_.itertuples()],
            "% of those in reach": [f"{100 * r.detected / r.covered:.0f}" for r in frame_.itertuples()],
        },
        index=pd.Index(frame_.index, name="Kind of error"),
    )
    data = frame_.assign(
        rate=100 * frame_["detected"] / frame_["planted"], rate_covered=100 * frame_["detected"] / frame_["covered"]
    ).reset_index()
    return tables.show(shown_rows, name="planted-by-kind", label="Planted errors by kind", data=data)


def alarm_table(found: FalseAlarms) -> tables.Table:
    """Questions and false alarms by rule."""
    rows = found.frame
    shown_rows = pd.DataFrame(
        {"Questions": [f"{n:,}" for n in rows["asked"]], "False alarms": [str(n) for n in rows["alarms"]]},
        index=pd.Index(rows["rule_label"], name="Rule"),
    )
    return tables.show(shown_rows, name="false-alarms", label="False alarms by rule", data=rows)
