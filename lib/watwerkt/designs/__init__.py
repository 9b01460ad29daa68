"""What each study's design says about the standard errors of its effects: group sizes, follow-up, first stages.

One module per study, each with ``se_sources(cell)``: what is known of the standard error of the printed effect
``cell``, apart from its significance mark, best source first.
"""

from types import ModuleType

from watwerkt.designs import intensive
from watwerkt.errors import CodeError

_DESIGNS = {"intensive": intensive}


def design(study: str) -> ModuleType:
    """The design module of a study; CodeError if it has none."""
    if study not in _DESIGNS:
        raise CodeError(f"no design is known for the study {study!r}.\n  known: {', '.join(_DESIGNS)}")
    return _DESIGNS[study]
