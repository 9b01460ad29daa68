"""A house of a few lines in a temporary folder, with a library of its own, for tests of expanding and executing."""

from collections.abc import Mapping
from pathlib import Path

from book.pages import House

LIBRARY = {
    "__init__.py": "",
    "errors.py": "class WatWerktError(Exception):\n    pass\n",
    "paths.py": "from pathlib import Path\n\nDATA = Path(__file__).resolve().parents[2] / 'data'\n",
    "codes.py": (
        "import csv\n"
        "from watwerkt.errors import WatWerktError\n"
        "from watwerkt.paths import DATA\n\n\n"
        "def grid(name):\n"
        "    path = DATA / 'codes' / f'{name}.csv'\n"
        "    if not path.exists():\n"
        "        raise WatWerktError(f'there is no code list {name!r}.')\n"
        "    with path.open(encoding='utf-8') as file:\n"
        "        return [{name: row['code']} for row in csv.DictReader(file)]\n"
    ),
    "published.py": (
        "import csv\n"
        "from watwerkt.paths import DATA\n\n\n"
        "def rows(study):\n"
        "    with (DATA / 'published' / f'{study}.csv').open(encoding='utf-8') as file:\n"
        "        return list(csv.DictReader(file))\n\n\n"
        "def grid(study, where, by):\n"
        "    found = [row for row in rows(study) if all(row[key] == value for key, value in where.items())]\n"
        "    return [dict(zip(by, values)) for values in dict.fromkeys(tuple(row[b] for b in by) for row in found)]\n"
    ),
    "helper.py": "FACTOR = 2\n",
    "charts.py": "from watwerkt import helper\n\n\ndef double(value):\n    return helper.FACTOR * value\n",
    "unused.py": "NOTHING = 0\n",
}
DATA = {
    "codes/service.csv": "code,en\ntraining,Training\nmediation,Mediation\n",
    "published/trial.csv": "who,sex,value\nnew,f,1\nnew,m,2\nold,f,3\n",
    "published/other.csv": "who,sex,value\nnew,f,5\n",
}


def make_house(
    root: Path,
    chapters: Mapping[str, str],
    *,
    library: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
    toc: str | None = None,
) -> House:
    """Write a house; `chapters` are texts by path from the root, listed in that order after the front page."""
    files = {
        "book/matter/index.md": "# The book\n",
        "requirements.txt": "nothing==1\n",
        "_toc.yml": toc or toc_of(chapters),
        **chapters,
        **{f"lib/watwerkt/{name}": text for name, text in {**LIBRARY, **(library or {})}.items()},
        **{f"data/{name}": text for name, text in {**DATA, **(data or {})}.items()},
    }
    for name, text in files.items():
        write(root, name, text)
    (root / "chapters").mkdir(exist_ok=True)
    return House(root.resolve())


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def toc_of(chapters: Mapping[str, str]) -> str:
    entries = "".join(f"- file: {path.removesuffix('.md')}\n" for path in chapters)
    return "format: jb-book\nroot: book/matter/index\n" + (f"chapters:\n{entries}" if entries else "")


def chapter(*cells: str, front: str = "", parameters: str = "") -> str:
    """A chapter with these code cells; its front matter is three lines without `front`, as many more with it."""
    fences = [f"```{{code-cell}} ipython3\n{cell}\n```\n" for cell in cells]
    if parameters:
        fences.insert(0, f"```{{code-cell}} ipython3\n:tags: [parameters]\n{parameters}\n```\n")
    return f"---\nkernelspec: {{name: python3}}\n{front}---\n# Title\n\n" + "\n".join(fences)
