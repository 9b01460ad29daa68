"""The simulation study: each estimator on made-up data whose truth is known, hundreds of times.

``python -m watwerkt.simulation`` makes all draws and writes ``data/simulation/draws.csv``. :func:`summary` and
:func:`false_alarms` say what they show, :func:`check` makes a few of them anew. Made-up data are never evidence.
"""

from watwerkt.simulation.design import Design, Draw, SimulationError
from watwerkt.simulation.register import DESIGNS
from watwerkt.simulation.study import AS_IT_SHOULD, check, check_all, false_alarms, summary

__all__ = [
    "AS_IT_SHOULD",
    "DESIGNS",
    "Design",
    "Draw",
    "SimulationError",
    "check",
    "check_all",
    "false_alarms",
    "summary",
]
