"""The Sphinx side of the site: look, numbering, formulas, small roles, and what each page says of itself.

conf.py only has to list ``book.sphinx_ext`` as the last of its extensions; the values that the look depends on are set
in :mod:`book.sphinx_ext.settings`.
"""

from sphinx.application import Sphinx

from book.sphinx_ext import assets, context, figures, markup, mathml, navigation, search, settings, text

PARTS = (settings, assets, figures, markup, mathml, text, navigation, context, search)


def setup(app: Sphinx) -> dict[str, object]:
    for part in PARTS:
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
