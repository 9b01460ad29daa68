"""Where the data stand."""

import os
from pathlib import Path


def data_dir() -> Path:
    """The ``data/`` folder: ``WATWERKT_DATA`` if set, else the one beside ``lib/`` in the source tree."""
    override = os.environ.get("WATWERKT_DATA")
    return Path(override) if override else Path(__file__).resolve().parents[2] / "data"


def shown(path: Path) -> str:
    """The path as messages show it: relative to the folder that holds ``data/``, with forward slashes."""
    root = data_dir().parent.resolve()
    path = path.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
