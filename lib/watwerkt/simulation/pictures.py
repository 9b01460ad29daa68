"""The simulation study for readers: charts of coverage and bias, and tables of what was found and what was made up."""

from __future__ import annotations

import altair as alt
import pandas as pd

from watwerkt import charts, formats, tables
from watwerkt.charts import BLUE, GREY, MUTED, NARROW, ORANGE, RULE, WIDE, Chart
from watwerkt.simulation.register import DESIGNS
from watwerkt.simulation.study import AS_IT_SHOULD, CHANCE, HIGH, LOW, WANTED
from watwerkt.tables import Label, Table

VERDICTS = (AS_IT_SHOULD, CHANCE, LOW, HIGH)
COLOURS = {AS_IT_SHOULD: BLUE, CHANCE: GREY, LOW: ORANGE, HIGH: ORANGE}
SHAPES = {AS_IT_SHOULD: "circle", CHANCE: "square", LOW: "triangle-down", HIGH: "triangle-up"}
Z95 = 1.96
PAD = 0.5


def coverage_chart(found: pd.DataFrame) -> Chart:
    """Share of 95% intervals that hold the truth, with its Wilson interval, and the wanted range as a band.

    ``found`` as :func:`watwerkt.simulation.summary` returns it.
    """
    frame = _percent(found, "coverage", "coverage_low", "coverage_high").assign(
        wanted_low=100 * WANTED[0], wanted_high=100 * WANTED[1], verdict=list(found["verdict"])
    )
    extent = [min(float(frame["low"].min()), 100 * WANTED[0]) - PAD, 100.0]
    band = (100 * WANTED[0], 100 * WANTED[1])
    lead = f"Coverage of 95% intervals by estimator, wanted between {band[0]:.0f}% and {band[1]:.0f}%."
    return _chart(frame, "coverage", "Intervals that hold the truth, %", extent, band, lead, decimals=1)


def bias_chart(found: pd.DataFrame) -> Chart:
    """Bias as a share of the standard deviation of the estimates, with its 95% Monte Carlo interval.

    Estimators without a point estimate are left out. ``found`` as for :func:`coverage_chart`.
    """
    known = found[found["bias"].notna()]
    spread = known["bias_se"] * known["draws"] ** 0.5
    share, reach = known["bias"] / spread, Z95 * known["bias_se"] / spread
    frame = _percent(known.assign(share=share, low=share - reach, high=share + reach), "share", "low", "high")
    extent = [float(frame["low"].min()) - PAD, float(frame["high"].max()) + PAD]
    lead = "Bias by estimator, as a percentage of the standard deviation of its estimates."
    return _chart(frame, "bias", "Bias, % of the standard deviation", extent, (0.0, 0.0), lead, decimals=0)


def coverage_table(found: pd.DataFrame) -> Table:
    """Truth, bias, RMSE, standard errors and coverage, one row per estimator."""
    rows = [
        {
            "Truth": _digits(row.truth),
            "Bias (Monte Carlo SE)": "–" if row.bias != row.bias else f"{_digits(row.bias)} ({_digits(row.bias_se)})",
            "RMSE": "–" if row.rmse != row.rmse else _digits(row.rmse),
            "SE / spread": "–" if row.se_ratio != row.se_ratio else formats.number(row.se_ratio, 2),
            "Coverage, %": f"{formats.number(100 * row.coverage)} "
            f"({formats.interval(100 * row.coverage_low, 100 * row.coverage_high)})",
            "Verdict": row.verdict,
        }
        for row in found.itertuples()
    ]
    label = "Bias, RMSE and coverage by estimator"
    return tables.show(_labelled(found, rows), name="estimators", label=label, data=found, numeric=list(rows[0])[:-1])


def alarms_table(found: pd.DataFrame) -> Table:
    """How often each test raised a false alarm; ``found`` as :func:`watwerkt.simulation.false_alarms` returns it."""
    rows = [
        {
            "Allowed, %": formats.number(100 * row.allowed, 0),
            "False alarms, %": f"{formats.number(100 * row.rate)} "
            f"({formats.interval(100 * row.rate_low, 100 * row.rate_high)})",
            "Verdict": row.verdict,
        }
        for row in found.itertuples()
    ]
    label = "False alarms by test"
    return tables.show(_labelled(found, rows), name="alarms", label=label, data=found, numeric=list(rows[0])[:-1])


def designs_table() -> Table:
    """What was made up for each design, and what is known to limit the estimator there."""
    designs = list(DESIGNS.values())
    shown = pd.DataFrame(
        {"Made-up data": [one.process for one in designs], "Known limit": [one.limit or "–" for one in designs]},
        index=pd.Index([Label(one.estimator, one.quantity, "") for one in designs], name="Estimator"),
    )
    fields = ("name", "study", "function", "estimator", "quantity", "process", "measures", "limit")
    data = pd.DataFrame([{field: getattr(one, field) for field in fields} for one in designs])
    return tables.show(shown, name="designs", label="What was made up for each estimator", data=data, numeric=())


def _percent(found: pd.DataFrame, value: str, low: str, high: str) -> pd.DataFrame:
    """What a chart shows of each design: its estimator, and a value with its ends in percent."""
    ends = {"value": 100 * found[value], "low": 100 * found[low], "high": 100 * found[high]}
    return pd.DataFrame({"label": found["estimator"], **ends})


def _chart(
    frame: pd.DataFrame, name: str, axis: str, extent: list[float], band: tuple[float, float], lead: str, *,
    decimals: int,
) -> Chart:  # fmt: skip
    texts = [
        f"{formats.number(row.value, decimals)} ({formats.interval(row.low, row.high, decimals)})"
        for row in frame.itertuples()
    ]
    frame = frame.assign(shown=texts)
    pictures = [charts._finish(_layers(frame, axis, extent, band, width), None, width) for width in (WIDE, NARROW)]
    verdicts = frame["verdict"] if "verdict" in frame else [""] * len(frame)
    details = [
        ", ".join(part for part in (f"{label}: {text}", verdict) if part)
        for label, text, verdict in zip(frame["label"], texts, verdicts, strict=True)
    ]
    return Chart(name, charts._alt(lead, details), *pictures, frame.drop(columns="shown"))


def _layers(
    frame: pd.DataFrame, axis: str, extent: list[float], band: tuple[float, float], width: int
) -> alt.LayerChart:
    """The band (a rule where it has no width), then an interval and a dot per row."""
    tooltip = [alt.Tooltip("label:N", title="Estimator"), alt.Tooltip("shown:N", title=axis)]
    y = alt.Y("label:N", sort=list(frame["label"]), title=None, axis=charts._row_axis())
    base = alt.Chart().encode(y=y, tooltip=tooltip)
    wanted = alt.Chart(alt.Data(values=[{"from": band[0], "to": band[1]}]))
    ground = wanted.mark_rect(color=RULE, opacity=0.5) if band[0] < band[1] else wanted.mark_rule(color=MUTED)
    ends = {"x2": "to:Q"} if band[0] < band[1] else {}
    x = alt.X("low:Q", title=axis, scale=alt.Scale(domain=extent, nice=False, zero=False))
    look = _verdicts(frame)
    layers = (
        ground.encode(x=alt.X("from:Q", title=axis), **ends),
        base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q", color=look["color"]),
        base.mark_point(filled=True, size=60, opacity=1).encode(x="value:Q", **look),
    )
    return alt.layer(*layers, data=frame).properties(width=width - (230 if width == WIDE else 180), height=alt.Step(34))


def _verdicts(frame: pd.DataFrame) -> dict[str, object]:
    """Colour and shape by verdict; one of each where there are no verdicts."""
    if "verdict" not in frame:
        return {"color": alt.value(BLUE), "shape": alt.value("circle")}
    present = [verdict for verdict in VERDICTS if verdict in set(frame["verdict"])]
    colours = alt.Scale(domain=present, range=[COLOURS[one] for one in present])
    shapes = alt.Scale(domain=present, range=[SHAPES[one] for one in present])
    legend = alt.Legend(title=None)
    return {
        "color": alt.Color("verdict:N", scale=colours, legend=legend),
        "shape": alt.Shape("verdict:N", scale=shapes, legend=legend),
    }


def _labelled(found: pd.DataFrame, rows: list[dict[str, str]]) -> pd.DataFrame:
    """Rows under the name of their estimator and what it estimates."""
    names = [Label(row.estimator, row.quantity, "") for row in found.itertuples()]
    return pd.DataFrame(rows, index=pd.Index(names, name="Estimator"))


def _digits(value: float) -> str:
    """Three decimals, or four for what would be a row of noughts."""
    return formats.number(value, 4 if abs(value) < 0.1 else 3)
