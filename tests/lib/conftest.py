"""A fixture of the audit's tests: rules put to a board made by hand."""

from textwrap import dedent, indent

import pytest
from watwerkt.audit.relations import relations

from tests.lib.boards import HEAD


@pytest.fixture
def applied(data_copy):
    """Called with the text of a rule and a board, gives the relations; the rule stands in ``data/audit/via.yml``."""

    def apply(text, printed, *, head=HEAD):
        data_copy.write("audit/via.yml", head + indent(dedent(text).strip("\n"), "  "))
        return relations(printed)

    return apply
