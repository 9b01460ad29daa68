"""What each study's design says about the standard errors of its effects: group sizes, follow-up, first stages.

One module per study, each with ``se_sources(cell)``: what is known of the standard error of the printed effect
``cell``, apart from its significance mark, best source first.
"""

from importlib import import_module
from types import ModuleType


def design(study: str) -> ModuleType:
    """The design module of a study."""
    return import_module(f"watwerkt.designs.{study}")
