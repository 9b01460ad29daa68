"""Writes nsw_treated.csv and cps.csv.gz from the pip package causaldata 0.1.5 (MIT licence), then runs make.R.

Usage, from within this folder: ``python make.py <folder with nsw_mixtape.dta and cps_mixtape.dta>``.
"""

import gzip
import subprocess
import sys
from pathlib import Path

import pandas as pd

COLUMNS = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75", "re78"]


def table(path: Path) -> pd.DataFrame:
    frame = pd.read_stata(path)
    frame = frame.astype({name: float if name.startswith("re7") else int for name in COLUMNS})
    return frame.round({"re74": 2, "re75": 2, "re78": 2})


if __name__ == "__main__":
    source = Path(sys.argv[1])
    nsw, cps = table(source / "nsw_mixtape.dta"), table(source / "cps_mixtape.dta")
    nsw.loc[nsw["treat"] == 1, COLUMNS].to_csv("nsw_treated.csv", index=False)
    with gzip.GzipFile("cps.csv.gz", "wb", mtime=0) as file:  # no date inside, so that the file is the same each time
        file.write(cps[COLUMNS].to_csv(index=False).encode())
    subprocess.run(["Rscript", "make.R"], check=True)
