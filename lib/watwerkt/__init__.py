"""The shared library of "Wat werkt voor wie?": published data, uncertainty, tables, charts and glue for its chapters.

Import the modules that a chapter needs (``from watwerkt import evidence, charts``): a page is executed anew when one
of the modules it imports changes, and only then.
"""
