"""Synthetic microdata of ``instruments`` (SEO 2020): never evidence, only something to run the report's method on.

People enter unemployment benefit with the characteristics of Table 1. In each month since then some start a service
(Tables 3–5, 19 and 20), and then some leave, to work or otherwise (Table 2), by a multinomial logit in which month,
characteristics, and the services begun so far shift the log-odds. The shifts are such that services change the exits
within 18 months as Tables 6–18 print it, where that is possible and where the tables agree with each other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from watwerkt.synthetic.instruments.figures import margins, targets
from watwerkt.synthetic.instruments.groups import POPULATIONS, size
from watwerkt.synthetic.instruments.known import truth
from watwerkt.synthetic.instruments.model import Effects, population
from watwerkt.synthetic.instruments.simulate import simulated
from watwerkt.synthetic.intensive.whole import quota

PEOPLE = sum(size(name) for name in POPULATIONS)

__all__ = ["PEOPLE", "generate", "margins", "targets", "truth"]


def generate(
    rng: np.random.Generator, *, people: int = PEOPLE, exact: bool = True, effects: Effects = "background"
) -> dict[str, pd.DataFrame]:
    """Synthetic persons, services and interviews that fit ``data/schemas/microdata/instruments.json``.

    Parameters
    ----------
    rng
        Source of chance; the same state gives the same people.
    people
        How many, 18% of them with a non-western background as in Table 1.
    exact
        ``True``: quotas, so that margins equal the printed figures as nearly as whole people allow. ``False``:
        independent draws from the same population.
    effects
        ``background``: effects of services differ by background and moment of deployment, so that a model with these
        interactions, fitted to each population, is the true one. ``characteristics``: by characteristic as well (Tables
        8–18), additively; a model without them then finds the effects of ``background`` to first order only.

    Source of the method: Heyma & Vervliet (2020); what they do not print is assumed, in ``groups`` and ``model``.
    """
    shares = [size(name) for name in POPULATIONS]
    numbers = quota(shares, people) if exact else rng.multinomial(people, np.array(shares) / sum(shares))
    parts = [
        simulated(population(name, effects), int(number), rng, exact=exact)
        for name, number in zip(POPULATIONS, numbers, strict=True)
    ]
    ids = rng.permutation(people) + 1
    found, first = {}, np.concatenate([[0], np.cumsum(numbers)])
    for table, key in (("persons", "person"), ("services", "service"), ("interviews", "number")):
        rows = [part[table].assign(person=ids[at + part[table]["person"]]) for part, at in zip(parts, first, strict=False)]
        by = ["person"] if key == "person" else ["person", key]
        found[table] = pd.concat(rows, ignore_index=True).sort_values(by, ignore_index=True)
    return found
