"""Configuration values that the look depends on, so that the generated conf.py need not know them."""

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

from book.sphinx_ext.citation import BOOK

THEME = Path(__file__).resolve().parent.parent / "theme" / "watwerkt"

VALUES = {
    "html_title": BOOK,
    "html_theme": "watwerkt",
    # The book theme's own buttons, search box and links are replaced in layout.html.
    "html_theme_options": {
        "use_download_button": False,
        "use_fullscreen_button": False,
        "use_source_button": False,
        "use_edit_page_button": False,
        "use_repository_button": False,
        "use_issues_button": False,
        "shorten_urls": False,
        "enable_search_shortcuts": False,  # Sphinx's take the Escape key away from drawers; ours are in site.js
        "launch_buttons": {},
    },
    "html_sidebars": {"**": []},  # layout.html has its own; the theme would render one that no page shows
    "html_logo": None,
    "html_favicon": None,
    "html_math_renderer": "mathml",
    "html_permalinks_icon": "#",
    "html_copy_source": False,  # chapter sources are shipped by `stage`
    "html_show_sourcelink": False,
    "html_use_index": False,
    "html_domain_indices": False,
    "html_search_language": "en",
    "html_last_updated_fmt": None,
    "language": "en",
    "nb_code_prompt_show": "Show the code",
    "nb_code_prompt_hide": "Hide the code",
    "numfig": True,
    "numfig_format": {"figure": "Figure %s", "table": "Table %s", "code-block": "Listing %s", "section": "Section %s"},
}


def setup(app: Sphinx) -> None:
    app.add_html_theme("watwerkt", str(THEME))
    app.connect("config-inited", _set_values, priority=100)
    app.connect("builder-inited", _declare_parallel_safe)


def _set_values(app: Sphinx, config: Config) -> None:
    for name, value in VALUES.items():
        setattr(config, name, value)


def _declare_parallel_safe(app: Sphinx) -> None:
    """Both only work before or after all pages are read, but do not say that they are safe.

    Without this, ``sphinx-build -j`` reads every page in one process.
    """
    for name in ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex"):
        extension = app.extensions.get(name)
        if extension is not None:
            extension.parallel_read_safe = True
            extension.parallel_write_safe = True
