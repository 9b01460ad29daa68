"""Charts of one theme: each call gives a wide and a narrow picture, a text alternative, and the data behind it.

``alt_text`` is what the picture shows, in words; the values in it are added to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import altair as alt
import pandas as pd

from watwerkt import codes, formats
from watwerkt.evidence import Effects
from watwerkt.published import Cells
from watwerkt.stamps import Passed, stamped

MIME = "application/vnd.watwerkt.chart+json"

INK, MUTED, RULE, PAPER = "#1f2328", "#5b6169", "#d4d0c8", "#fffdf9"
BLUE, ORANGE, GREEN, PURPLE, GREY = "#1f5f99", "#b4530a", "#2f6f4f", "#6b4b8a", "#6f7680"
POPULATION_COLOURS = {"nonwestern": ORANGE, "none": BLUE, "western": GREEN, "all": GREY, "unknown": GREY}
SEVERITY_COLOURS = {"certain": ORANGE, "likely": BLUE, "suspicion": GREY}
ARM_COLOURS = {"intensive": GREEN, "basic": GREY, "all": INK}
POPULATION_SHAPES = {"nonwestern": "circle", "none": "square", "western": "diamond", "all": "triangle-up"}

WIDE, NARROW = 680, 330
FONT = "Helvetica Neue, Arial, Liberation Sans, DejaVu Sans, sans-serif"


@dataclass(frozen=True)
class Chart:
    """A chart for readers and the data behind it; ``alt`` says in words what the picture shows."""

    name: str
    alt: str
    wide: dict
    narrow: dict
    data: pd.DataFrame
    note: str = ""
    cleared: Mapping[str, object] | None = None

    def passed(self, cleared: Passed | None = None, *, public: str = "") -> Chart:
        """The chart with the disclosure guard's stamp; see :func:`watwerkt.stamps.stamped`."""
        return replace(self, **stamped(self.note, cleared, public))

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        rows = self.data.astype(object).where(self.data.notna(), None).to_numpy().tolist()
        payload = {
            "name": self.name,
            "alt": self.alt,
            "wide": self.wide,
            "narrow": self.narrow,
            "data": {"columns": list(self.data.columns), "rows": rows},
            "note": self.note,
        }
        payload |= {"cleared": dict(self.cleared)} if self.cleared else {}
        return {MIME: payload, "text/plain": self.alt}


def intervals(
    found: Effects,
    *,
    name: str,
    rows: str,
    alt_text: str,
    facet: str | None = None,
    note: str = "",
) -> Chart:
    """Effects as points with 95% intervals, coloured by population; a hollow point has no known interval.

    ``rows`` and ``facet`` name a label of :func:`labelled`: ``horizon``, ``outcome``, ``group``, ``interview``.
    """
    axis = f"Effect, {_unit_in_words(found)}"
    frame = labelled(found)
    columns = [rows, "population", "population_label", "effect", "low", "high", "shown", *([facet] if facet else [])]
    order = list(dict.fromkeys(frame[rows]))
    extent = _padded(frame[["low", "high", "effect"]])
    pictures = [
        _finish(
            _interval_layers(frame[list(dict.fromkeys(columns))], rows, order, axis, extent, width, facet), facet, width
        )
        for width in (WIDE, NARROW)
    ]
    details = [f"{row[rows]}, {row.population_label}: {row.shown}" for _, row in frame.iterrows()]
    return Chart(name, _alt(alt_text, details), *pictures, found.frame, note)


def _unit_in_words(found: Effects) -> str:
    units = {effect.cell.unit for effect in found}
    return codes.label("unit", units.pop()) if len(units) == 1 else "each in its own unit"


def labelled(found: Effects) -> pd.DataFrame:
    """Effects with the labels that charts use, in printed units."""
    rows = []
    for effect in found:
        cell, estimate = effect.cell, effect.estimate
        rows.append(
            {
                "effect": estimate.estimate / cell.scale,
                "low": estimate.low / cell.scale if effect.determined else None,
                "high": estimate.high / cell.scale if effect.determined else None,
                "shown": f"{formats.used(cell)} ({formats.effect_interval(effect)})",
                "population": cell.population,
                "population_label": codes.label("population", cell.population),
                "horizon": f"{cell.horizon_months:.0f} months" if cell.horizon_months else "whole period",
                "outcome": codes.label("outcome", cell.outcome),
                "group": cell.group,
                "interview": codes.label("service", cell.service) if cell.service else "",
            }
        )
    return pd.DataFrame(rows)


def levels(cells: Cells, *, name: str, alt_text: str, axis: str = "Left benefit, %", note: str = "") -> Chart:
    """Levels by horizon, one line per arm, one panel per group and outcome: slopes that show when arms part."""
    frame = pd.DataFrame(
        {
            "months": [cell.horizon_months for cell in cells],
            "level": [cell.number / cell.scale for cell in cells],
            "arm": [codes.label("arm", cell.arm) for cell in cells],
            "panel": [f"{codes.label('outcome', cell.outcome)}: {cell.group}" for cell in cells],
        }
    )
    pictures = []
    for width in (WIDE, NARROW):
        base = alt.Chart().encode(
            x=alt.X(
                "months:Q",
                title="Months since the benefit began",
                axis=alt.Axis(values=sorted(set(frame.months)), grid=False),
            ),
            y=alt.Y("level:Q", title=axis, scale=alt.Scale(domain=[0, _ceiling(frame["level"])])),
            color=_arm_colour(),
            strokeDash=alt.StrokeDash(
                "arm:N", legend=alt.Legend(title=None), scale=alt.Scale(domain=_arm_labels(), range=[[1, 0], [5, 3]])
            ),
            tooltip=[alt.Tooltip("panel:N", title="Who"), "arm:N", "months:Q", alt.Tooltip("level:Q", format=".1f")],
        )
        panel = {"width": (width - 90) // 2 if width == WIDE else width - 70, "height": 150}
        layered = alt.layer(
            base.mark_line(strokeWidth=2), base.mark_point(filled=True, size=45), data=frame
        ).properties(**panel)
        pictures.append(_finish(layered, "panel", width, order=list(dict.fromkeys(frame.panel))))
    details = [f"{row.panel}, {row.arm}, {row.months:.0f} months: {row.level:.1f}%" for row in frame.itertuples()]
    return Chart(name, _alt(alt_text, details), *pictures, cells.frame, note)


def paired_bars(frame: pd.DataFrame, *, name: str, alt_text: str, axis: str, note: str = "") -> Chart:
    """Bars in pairs, one per arm. ``frame`` holds ``label``, ``arm`` (code) and ``value``."""
    frame = frame.assign(arm_label=[codes.label("arm", arm) for arm in frame["arm"]])
    frame["shown"] = [formats.number(value, 0) for value in frame["value"]]
    order = list(dict.fromkeys(frame["label"]))
    pictures = []
    for width in (WIDE, NARROW):
        base = alt.Chart().encode(
            y=alt.Y("label:N", sort=order, title=None, axis=_row_axis()),
            yOffset=alt.YOffset("arm_label:N", sort=_arm_labels()),
            x=alt.X("value:Q", title=axis, scale=alt.Scale(domain=[0, _ceiling(frame["value"]) * 1.1])),
            tooltip=["label:N", alt.Tooltip("arm_label:N", title="Group"), alt.Tooltip("value:Q", format=".0f")],
        )
        bars = base.mark_bar(height={"band": 0.85}).encode(color=_arm_colour("arm_label"))
        texts = base.mark_text(align="left", dx=4, fontSize=11, color=MUTED).encode(text="shown:N")
        layered = alt.layer(bars, texts, data=frame).properties(width=width - 190, height=alt.Step(14))
        pictures.append(_finish(layered, None, width))
    details = [f"{row.label}, {row.arm_label}: {row.shown}" for row in frame.itertuples()]
    return Chart(name, _alt(alt_text, details), *pictures, frame.drop(columns="shown"), note)


def stacked(
    frame: pd.DataFrame, *, name: str, colours: dict[str, str], axis: str, alt_text: str, note: str = ""
) -> Chart:
    """Counts as stacked bars. ``frame`` holds ``label``, ``part`` and ``count``; ``colours`` has a colour per part."""
    frame = frame[frame["count"] > 0]
    order = list(dict.fromkeys(frame["label"]))
    places = {part: place for place, part in enumerate(colours)}
    frame = frame.assign(order=[places[part] for part in frame["part"]])
    pictures = []
    for width in (WIDE, NARROW):
        bars = (
            alt.Chart(frame)
            .mark_bar(height={"band": 0.7})
            .encode(
                y=alt.Y("label:N", sort=order, title=None, axis=_row_axis()),
                x=alt.X("sum(count):Q", title=axis, axis=alt.Axis(tickMinStep=1)),
                color=alt.Color("part:N", scale=_scale(colours, list(colours)), legend=alt.Legend(title=None)),
                order=alt.Order("order:Q"),
                tooltip=["label:N", "part:N", "count:Q"],
            )
            .properties(width=width - 190, height=alt.Step(24))
        )
        pictures.append(_finish(bars, None, width))
    details = [f"{row.label}, {row.part.lower()}: {row.count}" for row in frame.itertuples(name="Bar")]
    return Chart(name, _alt(alt_text, details), *pictures, frame[["label", "part", "order", "count"]], note)


def flow(frame: pd.DataFrame, *, name: str, alt_text: str, note: str = "") -> Chart:
    """Flow of participants: people still on benefit at each step, and how many of them had the interview.

    ``frame`` holds ``step``, ``arm`` (code), ``people``, ``held`` (missing where the step has no interview).
    """
    frame = frame.assign(arm_label=[codes.label("arm", arm) for arm in frame["arm"]])
    frame["shown"] = [_flow_text(row.people, row.held) for row in frame.itertuples()]
    order = list(dict.fromkeys(frame["step"]))
    pictures = []
    for width in (WIDE, NARROW):
        columns = 2 if width == WIDE else 1
        y = alt.Y("step:N", sort=order, title=None, axis=_row_axis())
        scale = alt.Scale(domain=[0, float(frame["people"].max()) * 1.02])
        people_axis = alt.X("people:Q", title="People", scale=scale, axis=alt.Axis(grid=False, tickCount=4))
        base = alt.Chart().encode(y=y, tooltip=["step:N", "arm_label:N", "people:Q", "held:Q"])
        people = base.mark_bar(color=RULE, height=22).encode(x=people_axis)
        held = base.mark_bar(height=22).encode(x="held:Q", color=_arm_colour("arm_label", legend=False))
        texts = base.mark_text(align="left", dy=19, fontSize=11, color=MUTED).encode(x=alt.value(0), text="shown:N")
        layered = alt.layer(people, held, texts, data=frame).properties(
            width=(width - 150 * columns - 20) // columns, height=alt.Step(48)
        )
        pictures.append(_finish(layered, "arm_label", width))
    details = [f"{row.step}, {row.arm_label}: {row.shown}" for row in frame.itertuples()]
    return Chart(name, _alt(alt_text, details), *pictures, frame[["step", "arm", "people", "held"]], note)


def timeline(frame: pd.DataFrame, *, name: str, alt_text: str, note: str = "") -> Chart:
    """Periods as bars along a calendar. ``frame`` holds ``what``, ``start`` and ``end`` (dates)."""
    frame = frame.assign(start=frame["start"].astype(str), end=frame["end"].astype(str))
    frame["shown"] = frame["start"] + " to " + frame["end"]
    pictures = []
    for width in (WIDE, NARROW):
        y = alt.Y("what:N", sort=list(frame["what"]), title=None, axis=_row_axis())
        ticks = alt.Axis(format="%b %Y", tickCount={"interval": "month", "step": 3 if width == WIDE else 9}, grid=False)
        bars = (
            alt.Chart(frame)
            .mark_bar(color=BLUE, height=12)
            .encode(y=y, x=alt.X("start:T", title=None, axis=ticks), x2="end:T", tooltip=["what:N", "shown:N"])
            .properties(width=width - (190 if width == WIDE else 150), height=alt.Step(34))
        )
        pictures.append(_finish(bars, None, width))
    details = [f"{row.what}: {row.shown}" for row in frame.itertuples()]
    return Chart(name, _alt(alt_text, details), *pictures, frame[["what", "start", "end"]], note)


def curve(
    frame: pd.DataFrame, *, name: str, x: str, y: str, x_title: str, y_title: str, alt_text: str, note: str = ""
) -> Chart:
    """One line per ``population`` (code) of ``y`` against ``x``."""
    frame = frame.assign(population_label=[codes.label("population", code) for code in frame["population"]])
    pictures = []
    for width in (WIDE, NARROW):
        line = (
            alt.Chart(frame)
            .mark_line(strokeWidth=2)
            .encode(
                x=alt.X(f"{x}:Q", title=x_title),
                y=alt.Y(f"{y}:Q", title=y_title),
                color=_population_colour(frame["population"]),
                tooltip=["population_label:N", f"{x}:Q", alt.Tooltip(f"{y}:Q", format=".1f")],
            )
            .properties(width=width - 80, height=220)
        )
        pictures.append(_finish(line, None, width))
    return Chart(name, alt_text, *pictures, frame, note)


def compared(
    frame: pd.DataFrame, *, name: str, alt_text: str, axis: str, against: str = "Truth", note: str = ""
) -> Chart:
    """Estimates with 95% intervals, and as a diamond what they are held against: the truth, or what is printed.

    ``frame`` holds ``label``, ``estimate``, ``low``, ``high`` and ``truth`` (may be missing), in printed units.
    """
    what = ["Estimate, 95% interval", against]
    frame = frame.assign(
        shown=[
            f"{formats.number(row.estimate, 2)} ({formats.interval(row.low, row.high, 2)})"
            for row in frame.itertuples()
        ]
    )
    order = list(frame["label"])
    extent = _padded(frame[["low", "high", "estimate", "truth"]].astype(float))
    pictures = []
    for width in (WIDE, NARROW):
        x = alt.X("low:Q", title=axis, scale=alt.Scale(domain=extent, nice=True))
        tooltip = ["label:N", alt.Tooltip("shown:N", title="Estimate"), alt.Tooltip("truth:Q", format=".2f")]
        base = alt.Chart().encode(y=alt.Y("label:N", sort=order, title=None, axis=_row_axis()), tooltip=tooltip)
        zero = alt.Chart().mark_rule(color=MUTED, strokeDash=[3, 3]).encode(x=alt.datum(0))
        colour = alt.Color("what:N", scale=_scale(dict(zip(what, (BLUE, ORANGE), strict=True)), what), title=None)
        shape = alt.Shape("what:N", scale=alt.Scale(domain=what, range=["circle", "diamond"]), title=None)
        bar = base.mark_rule(strokeWidth=2, color=BLUE).encode(x=x, x2="high:Q")
        dot = base.transform_calculate(what=f"'{what[0]}'").mark_point(filled=True, size=60, opacity=1)
        diamond = base.transform_filter("isValid(datum.truth)").transform_calculate(what=f"'{what[1]}'")
        layers = [
            zero, bar, dot.encode(x="estimate:Q", color=colour, shape=shape),
            diamond.mark_point(filled=False, size=90, strokeWidth=2).encode(x="truth:Q", color=colour, shape=shape),
        ]  # fmt: skip
        panel = width - (230 if width == WIDE else 150)
        layered = alt.layer(*layers, data=frame).properties(width=panel, height=alt.Step(34))
        pictures.append(_finish(layered, None, width))
    details = [
        f"{r.label}: {r.shown}" + ("" if pd.isna(r.truth) else f", {against.lower()} {formats.number(r.truth, 2)}")
        for r in frame.itertuples()
    ]
    return Chart(name, _alt(alt_text, details), *pictures, frame.drop(columns="shown"), note)


def paths(
    frame: pd.DataFrame, *, name: str, x: str, y: str, x_title: str, y_title: str, alt_text: str, note: str = ""
) -> Chart:
    """One line of ``y`` against ``x`` for each ``path``, told apart by colour and dashes."""
    names = list(dict.fromkeys(frame["path"]))
    colours = dict(zip(names, (GREY, GREEN, BLUE, ORANGE), strict=False))
    dashes = dict(zip(names, ([5, 3], [1, 0], [2, 2], [8, 3]), strict=False))
    pictures = []
    for width in (WIDE, NARROW):
        line = (
            alt.Chart(frame[[x, y, "path"]])
            .mark_line(strokeWidth=2)
            .encode(
                x=alt.X(f"{x}:Q", title=x_title, axis=alt.Axis(grid=False, tickMinStep=1)),
                y=alt.Y(f"{y}:Q", title=y_title, scale=alt.Scale(domain=[0, _ceiling(frame[y])])),
                color=alt.Color("path:N", scale=_scale(colours, names), legend=alt.Legend(title=None)),
                strokeDash=alt.StrokeDash("path:N", scale=_scale(dashes, names), legend=alt.Legend(title=None)),
                tooltip=["path:N", f"{x}:Q", alt.Tooltip(f"{y}:Q", format=".1f")],
            )
            .properties(width=width - 80, height=220)
        )
        pictures.append(_finish(line, None, width))
    details = [f"{row['path']}, {row[x]:g}: {row[y]:.1f}" for _, row in frame.iterrows()]
    return Chart(name, _alt(alt_text, details), *pictures, frame[[x, y, "path"]], note)


def growth(frame: pd.DataFrame, *, name: str, alt_text: str, axis: str, note: str = "") -> Chart:
    """How a quantity grows with the number of rows, one line per way; both axes by powers of ten.

    ``frame`` holds ``way``, ``rows`` and ``value``.
    """
    frame = frame[["way", "rows", "value"]]
    ways = list(dict.fromkeys(frame["way"]))
    colours = dict(zip(ways, (BLUE, ORANGE, GREEN, PURPLE), strict=False))
    pictures = []
    for width in (WIDE, NARROW):
        rows = alt.Axis(format="~s", grid=False, values=_powers(frame["rows"]))
        base = alt.Chart(frame).encode(
            x=alt.X("rows:Q", title="Rows", scale=alt.Scale(type="log"), axis=rows),
            y=alt.Y("value:Q", title=axis, scale=alt.Scale(type="log"), axis=alt.Axis(values=_powers(frame["value"]))),
            color=alt.Color("way:N", scale=_scale(colours, ways), legend=alt.Legend(title=None)),
            shape=alt.Shape("way:N", scale=alt.Scale(domain=ways), legend=alt.Legend(title=None)),
            tooltip=["way:N", alt.Tooltip("rows:Q", format=",.0f"), alt.Tooltip("value:Q", format=".3~g")],
        )
        layered = (base.mark_line(strokeWidth=2) + base.mark_point(filled=True, size=55)).properties(
            width=width - 90, height=240
        )
        pictures.append(_finish(layered, None, width))
    details = [f"{row.way}, {row.rows:,.0f} rows: {row.value:.3g}" for row in frame.itertuples()]
    return Chart(name, _alt(alt_text, details), *pictures, frame, note)


def _interval_layers(
    frame: pd.DataFrame, rows: str, order: list, axis: str, extent: list[float], width: int, facet: str | None
) -> alt.LayerChart:
    columns = frame[facet].nunique() if facet and width == WIDE else 1
    populations = list(dict.fromkeys(frame["population"]))
    y = alt.Y(f"{rows}:N", sort=order, title=None, axis=_row_axis())
    paired = bool(frame.groupby(rows)["population"].nunique().gt(1).any())
    offset = {"yOffset": alt.YOffset("population:N", sort=populations)} if paired else {}
    tooltip = [
        alt.Tooltip(f"{rows}:N", title="Row"),
        alt.Tooltip("population_label:N", title="Who"),
        alt.Tooltip("shown:N", title="Effect (95% interval)"),
    ]
    colour = _population_colour(populations)
    base = alt.Chart().encode(y=y, tooltip=tooltip, **offset)
    zero = alt.Chart().mark_rule(color=MUTED, strokeDash=[3, 3]).encode(x=alt.datum(0))
    x = alt.X("low:Q", title=axis, scale=alt.Scale(domain=extent, nice=True))
    bar = base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q", color=colour)
    known, unknown = "isValid(datum.low)", "!isValid(datum.low)"
    shape = alt.Shape("population:N", legend=None, scale=_scale(POPULATION_SHAPES, populations))
    point = (
        base.transform_filter(known)
        .mark_point(filled=True, size=70, opacity=1)
        .encode(x="effect:Q", color=colour, shape=shape)
    )
    hollow = (
        base.transform_filter(unknown)
        .mark_point(size=70, strokeWidth=1.5)
        .encode(x="effect:Q", color=colour, shape=shape)
    )
    layers = [zero, bar, point, hollow] if frame["low"].isna().any() else [zero, bar, point]
    step = 18 if paired else 34 if frame[rows].str.contains(", ").any() else 26
    panel_width = (width - 190) // columns if width == WIDE else width - 150
    return alt.layer(*layers, data=frame).properties(width=panel_width, height=alt.Step(step))


def _finish(chart, facet: str | None, width: int, *, order: list | None = None) -> dict:
    if facet:
        header = alt.Header(title=None, labelFontSize=13, labelFontWeight=600, labelAnchor="start", labelColor=INK)
        columns = 2 if width == WIDE else 1
        field = alt.Facet(f"{facet}:N", header=header, sort=order or alt.Undefined)
        chart = chart.facet(facet=field, columns=columns, spacing=18)
    # A test holds every kind of chart against the schema; to do so for each chart takes longer than to draw it.
    return chart.configure(**_theme(width)).to_dict(validate=False)


def _alt(lead: str, details: Sequence[str]) -> str:
    """A text alternative: what the picture shows, then every value in it."""
    return f"{lead} {'; '.join(details)}."


def _row_axis() -> alt.Axis:
    """Row labels without line or ticks; what follows a comma goes on a line of its own."""
    return alt.Axis(
        labelLimit=200, labelExpr="split(datum.label, ', ')", labelPadding=8, ticks=False, domain=False, grid=False
    )


def _theme(width: int) -> dict:
    label = {"labelColor": MUTED, "labelFont": FONT, "labelFontSize": 12}
    return {
        "background": "transparent",
        "font": FONT,
        "view": alt.ViewConfig(stroke=None),
        "axis": alt.AxisConfig(
            **label, titleColor=MUTED, titleFont=FONT, titleFontSize=12, titleFontWeight="normal",
            gridColor=RULE, gridOpacity=0.6, domainColor=RULE, tickColor=RULE, tickCount=6,
        ),
        "legend": alt.LegendConfig(
            **label, title=None, orient="top", symbolSize=90, labelLimit=320, offset=10,
            direction="horizontal" if width == WIDE else "vertical", columns=0 if width == WIDE else 1,
        ),
    }  # fmt: skip


def _scale(table: dict[str, str], populations: Sequence[str]) -> alt.Scale:
    return alt.Scale(domain=list(populations), range=[table[code] for code in populations])


def _population_colour(populations: Sequence[str]) -> alt.Color:
    present = list(dict.fromkeys(populations))
    labels = [codes.label("population", code) for code in present]
    scale = alt.Scale(domain=labels, range=[POPULATION_COLOURS[code] for code in present])
    legend = alt.Legend(title=None) if len(present) > 1 else None
    return alt.Color("population_label:N", scale=scale, legend=legend)


def _arm_labels() -> list[str]:
    return [codes.label("arm", arm) for arm in ("intensive", "basic")]


def _arm_colour(field: str = "arm", *, legend: bool = True) -> alt.Color:
    scale = alt.Scale(domain=_arm_labels(), range=[ARM_COLOURS["intensive"], ARM_COLOURS["basic"]])
    return alt.Color(f"{field}:N", scale=scale, legend=alt.Legend(title=None) if legend else None)


def _powers(values: pd.Series) -> list[float]:
    """The powers of ten around and among these values."""
    first, last = math.floor(math.log10(values.min())), math.ceil(math.log10(values.max()))
    return [10.0**power for power in range(first, last + 1)]


def _padded(frame: pd.DataFrame) -> list[float]:
    low, high = min(float(frame.min().min()), 0.0), max(float(frame.max().max()), 0.0)
    pad = 0.04 * (high - low)
    return [low - pad, high + pad]


def _ceiling(values: pd.Series) -> float:
    top = float(values.max())
    return 100.0 if 80 < top <= 100 else top * 1.08


def _flow_text(people: float, held: float | None) -> str:
    if held is None or pd.isna(held):
        return f"{people:,.0f} people"
    return f"{people:,.0f} people, {held:,.0f} had the interview ({100 * held / people:.0f}%)"
