"""The build program: turns chapters into executed pages, and pages into one checked site (``python -m book --help``).

The steps, each in its own module: ``expand`` (chapters to pages), ``run`` (pages to executed notebooks), ``stage`` (a
complete Jupyter Book source tree), ``draw`` (static pictures of charts), ``bind`` (Sphinx), ``check``, ``report`` and
``release``. ``build`` calls them in that order. Nothing here is imported by ``lib``, ``data`` or ``chapters``.
"""
