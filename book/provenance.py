"""What a build was made from: version, commit, date, data hash, and where its sources can be edited."""

import hashlib
import os
import re
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_SOURCES = ("_config.yml", "_toc.yml", "book", "chapters", "data", "lib", "requirements.txt")
_HOSTS = ("github.com", "gitlab.com", "codeberg.org")
_REMOTE = re.compile(r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)(?P<host>[^/:]+)[/:](?P<path>[^/]+/.+?)(?:\.git)?/?$")


@dataclass(frozen=True)
class Provenance:
    version: str
    commit: str | None
    modified: bool  # the sources differ from the commit
    date: str  # ISO, UTC: of the commit, of SOURCE_DATE_EPOCH, or else of the newest source file
    data_hash: str
    repository: str | None  # https address
    branch: str

    @property
    def epoch(self) -> int:
        return int(datetime.fromisoformat(self.date).timestamp())

    def as_dict(self) -> dict:
        """The keys that `_meta.json` and `build.json` share."""
        return {
            "version": self.version,
            "commit": self.commit,
            "commit_short": self.commit and self.commit[:7],
            "modified": self.modified,
            "date": self.date,
            "data_hash": self.data_hash,
            "repository": self.repository,
            "branch": self.branch,
        }


def provenance(root: Path, environ: Mapping[str, str] = os.environ) -> Provenance:
    """Read it from pyproject.toml, git (if `root` is a repository of its own), the data and the environment."""
    status = _git(root, "status", "--porcelain=v2", "--branch") if (root / ".git").exists() else None
    head = dict(re.findall(r"^# branch\.(\w+) (.*)$", status or "", flags=re.M))
    commit = head.get("oid") if head.get("oid") != "(initial)" else None
    return Provenance(
        version=_version(root),
        commit=commit,
        modified=bool(commit and re.search(r"^[^#]", status or "", flags=re.M)),
        date=_date(root, commit, environ),
        data_hash=data_hash(root),
        repository=_repository(root, environ) if commit else None,
        branch=environ.get("GITHUB_HEAD_REF") or environ.get("GITHUB_REF_NAME") or _branch(head),
    )


def data_hash(root: Path) -> str:
    """sha256 over the path and content of every file in ``data/`` that chapters can read (not the double entry)."""
    digest = hashlib.sha256()
    files = (path for path in (root / "data").rglob("*") if path.is_file())
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in files):
        if not name.startswith("data/entry/"):
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _version(root: Path) -> str:
    pyproject = root / "pyproject.toml"
    return tomllib.loads(pyproject.read_text("utf-8"))["project"]["version"] if pyproject.exists() else "0"


def _branch(head: Mapping[str, str]) -> str:
    name = head.get("head", "main")
    return "main" if name == "(detached)" else name


def _date(root: Path, commit: str | None, environ: Mapping[str, str]) -> str:
    if environ.get("SOURCE_DATE_EPOCH", "").isdigit():
        epoch = int(environ["SOURCE_DATE_EPOCH"])
    elif commit:
        epoch = int((_git(root, "show", "--no-patch", "--format=%ct", commit) or "0").strip())
    else:
        epoch = int(max((path.stat().st_mtime for path in _source_files(root)), default=0))
    return datetime.fromtimestamp(epoch, UTC).isoformat()


def _source_files(root: Path) -> list[Path]:
    files = []
    for path in (root / name for name in _SOURCES):
        inside = path.rglob("*") if path.is_dir() else [path]
        files += [file for file in inside if file.is_file() and "__pycache__" not in file.parts]
    return files


def _repository(root: Path, environ: Mapping[str, str]) -> str | None:
    if environ.get("GITHUB_SERVER_URL") and environ.get("GITHUB_REPOSITORY"):
        return f"{environ['GITHUB_SERVER_URL']}/{environ['GITHUB_REPOSITORY']}"
    remote = _REMOTE.match((_git(root, "config", "--get", "remote.origin.url") or "").strip())
    if remote and remote["host"] in _HOSTS:
        return f"https://{remote['host']}/{remote['path']}"
    return None


def _git(root: Path, *arguments: str) -> str | None:
    """What git prints, or None where git or the answer is missing."""
    try:
        done = subprocess.run(
            ["git", "-C", root, *arguments], capture_output=True, text=True, encoding="utf-8", check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
