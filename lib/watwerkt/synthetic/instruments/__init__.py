"""Synthetic microdata of ``instruments`` (SEO 2020). Never evidence: only something to run the report's method on.

People enter unemployment benefit with the characteristics of Table 1. In each month since then some start a service
(Tables 3–5, 19 and 20), and then some leave, to work or otherwise (Table 2), by a multinomial logit in which month,
characteristics, and the services begun so far shift the log-odds. The shifts are such that services change the exits
within 18 months as the report prints it: for everyone (Tables 6 and 7), and for early and normal moments (Tables 8–14).

What is assumed, because the report does not print it:

- How exits run over the months, the year of entry and labour-market history (``model``, ``groups``); given Table 1 and
  what the text says of young people, characteristics do not depend on each other.
- The month of start behind the effect of a moment: the second month for early, the fifth for normal. Services start
  six (bought in), three (UWV) and two (first interview) months after entry on average, as the notes to the tables say
  of typical use.
- An interview works alone and for two months: the one it is held in and the next.
- People of unknown education leave as everyone does; people without a non-western background use services alike.
- Trial placements and services for the self-employed change nothing; the report could not establish their effects.
- Whether a service starts depends on nothing but the characteristics and being on benefit.

What cannot be met, because the report contradicts itself:

- A start after six months is a late one, so the late moment has the overall effect of Table 6, not its own.
- Effects of the second interview by moment lie all far from the overall effect of Table 7, which is met.
- Many effects by characteristic ask for more exits than there are people left, or rest on a handful of users. They are
  only aimed at with ``effects="characteristics"``, after moving them until they average to the overall effect.
- Exits of Table 2 do not always add up; the nearest that do are met.

What is suppressed in Table 5 (use of two services below 45) stays so: both groups get what the rest of the total leaves
them together.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from watwerkt.errors import MicrodataError
from watwerkt.synthetic.instruments.figures import margins, targets
from watwerkt.synthetic.instruments.groups import POPULATIONS, size
from watwerkt.synthetic.instruments.known import truth
from watwerkt.synthetic.instruments.model import Effects, population
from watwerkt.synthetic.instruments.simulate import simulated
from watwerkt.synthetic.whole import quota

PEOPLE = sum(size(name) for name in POPULATIONS)
KEYS = {"persons": ["person"], "services": ["person", "service"], "interviews": ["person", "number"]}

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

    Source of the method: Heyma & Vervliet (2020). Raises MicrodataError for fewer than one person.
    """
    if people < 1:
        raise MicrodataError(f"people is {people}.\n  allowed: 1 and more; {PEOPLE} are as many as in the study")
    shares = [size(name) for name in POPULATIONS]
    numbers = quota(shares, people) if exact else rng.multinomial(people, np.array(shares) / sum(shares))
    parts = [
        simulated(population(name, effects), int(number), rng, exact=exact)
        for name, number in zip(POPULATIONS, numbers, strict=True)
    ]
    ids = rng.permutation(people) + 1
    numbered = zip(parts, (0, int(numbers[0])), strict=True)
    parts = [{name: t.assign(person=ids[first + t["person"]]) for name, t in part.items()} for part, first in numbered]
    return {
        table: pd.concat([part[table] for part in parts], ignore_index=True).sort_values(key, ignore_index=True)
        for table, key in KEYS.items()
    }
