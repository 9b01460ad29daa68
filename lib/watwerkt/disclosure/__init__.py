"""The disclosure guard: what may be shown of numbers made from microdata (methods E).

A table of separate groups passes :meth:`Guard.clear`. Pages that speak of overlapping groups are a family: every page
gives :func:`family` the same people and groups, asks :meth:`Guard.protect` for the verdict, and passes its tables
through :meth:`Verdict.clear`. A model passes :meth:`Guard.model`, quantiles :meth:`Guard.quantiles`. Each returns
:class:`Cleared`, whose ``stamp`` a chart or table carries to the build.

What is not covered: two measures that say something of each other and are protected one by one, and groups that are
neither on a page, nor the difference of two that are, nor told apart by the same characteristics as one that is.
"""

from watwerkt.disclosure.cleared import Cleared
from watwerkt.disclosure.groups import Family, family
from watwerkt.disclosure.guard import Guard, Verdict

__all__ = ["Cleared", "Family", "Guard", "Verdict", "family"]
