"""What a chart or table carries to the build, which refuses those made from microdata without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from watwerkt.errors import DisclosureError


class Passed(Protocol):
    """What the guard returns: :class:`watwerkt.disclosure.Cleared`, which charts and tables need not know."""

    @property
    def stamp(self) -> Mapping[str, object]: ...

    @property
    def statement(self) -> str: ...


def stamped(note: str, cleared: Passed | None, public: str) -> dict[str, object]:
    """The note and the stamp of a chart or table.

    Parameters
    ----------
    note
        The note so far; what the guard withheld is added to it.
    cleared
        What the guard returned.
    public
        Instead of ``cleared``: why nothing in it comes from microdata.

    Raises
    ------
    DisclosureError
        Both or neither are given.
    """
    if (cleared is None) == (not public):
        raise DisclosureError(
            "a chart or table passes with what the guard cleared, or with the reason why it is public.\n"
            "  give one of the two: .passed(cleared), or .passed(public='made from published numbers')"
        )
    if cleared is None:
        return {"note": note, "cleared": {"public": public}}
    return {"note": " ".join(part for part in (note, cleared.statement) if part), "cleared": dict(cleared.stamp)}
