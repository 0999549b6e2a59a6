"""What an archive leaves: data sets whose files are a part each, and which parts are complete."""

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
"""Data sets of an archive's output, each a folder with a Parquet file a part; a part none of whose films can be read has two."""
DONE = "parts"
"""Beside them: a row a part, written last, by which it is complete."""


@contextmanager
def alone_in(output: Folder) -> Iterator[None]:
    """Keep other runs out of an output on a disk; object storage has no locks.

    Raises:
        FolderError: another run writes there.
    """
    if not output.is_local:
        yield
        return
    with alone_at(output.path, output.path / ".lock"):
        yield


def write_part(output: Folder, part: Part, tables: Mapping[str, pd.DataFrame], seconds: float) -> None:
    """Leave one part's data sets, what an earlier run has left of it replaced, the row that says that it is complete last.

    Args:
        output: Of the archive.
        part: Its films.
        tables: By name; `films` and `quarantine` at least.
        seconds: What it took.
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
        "n_set_aside": len(tables["quarantine"]),
        "seconds": seconds,
    }
    _write(output, DONE, part, pd.DataFrame([row]))


def delete_stale(output: Folder, expected: set[str]) -> set[str]:
    """Delete the files of parts that are not expected, their claim to be complete first.

    Returns:
        The parts that are complete.
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
        logger.info("%d parts of films or networks that have changed since are deleted", n_stale)
    return complete


def summary_of(output: Folder, part: Part) -> pd.DataFrame:
    """The row of a part that is complete.

    Raises:
        DetectorError: its file is damaged.
    """
    file = f"{DONE}/{part.name}.parquet"
    try:
        return pd.read_parquet(BytesIO(output.read(file)))
    except ValueError as error:
        raise DetectorError(f"{output.url}/{file}: damaged ({error}). Delete it, and run again.") from None


def _within(folder: Folder, name: str) -> Folder:
    return Folder(f"{folder.url}/{name}", folder.options)


def _write(output: Folder, name: str, part: Part, table: pd.DataFrame) -> None:
    content = BytesIO()
    table.to_parquet(content, index=False)
    output.write(f"{name}/{part.name}.parquet", content.getvalue())
