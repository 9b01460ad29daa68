"""Microdata of a study, synthetic or supplied: what its files must hold, reading and checking them, loading them.

A chapter needs :func:`load`; the build calls :func:`save` or :func:`take_in` before any page runs.
"""

from watwerkt.microdata.schema import study_schema
from watwerkt.microdata.store import Microdata, load, save, studies_in, take_in

__all__ = ["Microdata", "load", "save", "studies_in", "study_schema", "take_in"]
