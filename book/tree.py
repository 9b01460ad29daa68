"""A folder of files while it is a plan: comparable by digest, and written without touching what has not changed."""

import hashlib
from collections.abc import Mapping
from pathlib import Path


class Tree:
    """Relative path (forward slashes) -> content, or the file to copy it from."""

    def __init__(self, files: Mapping[str, bytes | Path] | None = None) -> None:
        self._files: dict[str, bytes | Path] = {}
        for name, content in (files or {}).items():
            self.add(name, content)

    def add(self, name: str, content: bytes | str | Path) -> None:
        """Put a file in; two files in one place are a defect of the plan."""
        if name in self._files:
            raise ValueError(f"{name} is planned twice")
        self._files[name] = content.encode() if isinstance(content, str) else content

    def add_folder(self, folder: Path, under: str) -> None:
        """Put in every file of a folder, if it exists."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.add(f"{under}/{path.relative_to(folder).as_posix()}", path)

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def __iter__(self):
        return iter(sorted(self._files))

    def read(self, name: str) -> bytes:
        content = self._files[name]
        return content.read_bytes() if isinstance(content, Path) else content

    def digest(self) -> str:
        """sha256 over all paths and contents."""
        digest = hashlib.sha256()
        for name in self:
            digest.update(f"{name}\0{hashlib.sha256(self.read(name)).hexdigest()}\n".encode())
        return digest.hexdigest()

    def write(self, folder: Path) -> None:
        """Make `folder` hold exactly these files; one that is already right keeps its modification time."""
        if folder.is_dir():
            self._drop_others(folder)
        for name in self:
            path = folder / name
            content = self.read(name)
            if not (path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def _drop_others(self, folder: Path) -> None:
        for path in sorted(folder.rglob("*"), reverse=True):  # files before the folders they lie in
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path.relative_to(folder).as_posix() not in self:
                path.unlink()
