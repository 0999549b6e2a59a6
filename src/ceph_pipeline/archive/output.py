"""The output of an archive: data sets with one file per part, and a record of the complete parts."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pandas as pd

from ceph_pipeline.archive.parts import Part
from ceph_pipeline.artifacts import Folder, alone_at
from ceph_pipeline.detector.inputs import DetectorError

logger = logging.getLogger(__name__)

TABLES = ("films", "points", "plausibility", "cvm", "pixel_sizes", "measurements", "quarantine")
"""Data sets of an archive's output: folders with one Parquet file per part. If no film of a part can be read, the part has only
`films` and `quarantine`."""
DONE = "parts"
"""Data set with one row per part, which is written last and marks the part as complete."""


@contextmanager
def alone_in(output: Folder) -> Iterator[None]:
    """Lock an output folder on a disk against other runs; object storage has no locks.

    Raises:
        FolderError: another run writes to the folder.
    """
    if not output.is_local:
        yield
        return
    with alone_at(output.path, output.path / ".lock"):
        yield


def write_part(output: Folder, part: Part, tables: Mapping[str, pd.DataFrame], seconds: float) -> None:
    """Write the data sets of one part and replace those of an earlier run; the row that marks it as complete is written last.

    Args:
        output: Output folder of the archive.
        part: The part.
        tables: Tables by name; at least `films` and `quarantine`.
        seconds: Duration of the work.
    """
    for name in TABLES:
        if name in tables:
            _write(output, name, part, tables[name])
        elif output.exists(file := f"{name}/{part.name}.parquet"):
            output.remove([file])
    row = {
        "part": part.name,
        "n_films": len(part.films),
        "n_located": int(tables["films"]["is_located"].sum()),
        "n_quarantined": len(tables["quarantine"]),
        "seconds": seconds,
    }
    _write(output, DONE, part, pd.DataFrame([row]))


def delete_stale(output: Folder, expected: set[str]) -> set[str]:
    """Delete the files of parts that are not expected; their rows in `parts` are deleted first.

    Returns:
        The names of the complete parts.
    """
    complete: set[str] = set()
    n_stale = 0
    for table in (DONE, *TABLES):
        names = {Path(name).stem: f"{table}/{name}" for name in _within(output, table).names() if name.startswith("part-")}
        stale = [name for part, name in names.items() if part not in expected]
        output.remove(stale)
        if table == DONE:
            complete, n_stale = set(names) & expected, len(stale)
    if n_stale:
        logger.info("%d parts are deleted, because their films or networks have changed", n_stale)
    return complete


def summary_of(output: Folder, part: Part) -> pd.DataFrame:
    """The row of a complete part.

    Raises:
        DetectorError: the file is damaged.
    """
    file = f"{DONE}/{part.name}.parquet"
    try:
        return pd.read_parquet(BytesIO(output.read(file)))
    except ValueError as error:
        raise DetectorError(f"{output.url}/{file}: damaged ({error}). Delete the file and run again.") from None


def _within(folder: Folder, name: str) -> Folder:
    return Folder(f"{folder.url}/{name}", folder.options)


def _write(output: Folder, name: str, part: Part, table: pd.DataFrame) -> None:
    content = BytesIO()
    table.to_parquet(content, index=False)
    output.write(f"{name}/{part.name}.parquet", content.getvalue())
