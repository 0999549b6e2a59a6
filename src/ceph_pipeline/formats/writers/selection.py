"""Whose points are written, and where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ceph_pipeline.formats.problems import AnnotationError
from ceph_pipeline.landmarks.tables import CONSENSUS, STAGES

MARK = ".ceph_pipeline_export"
"""File in every folder that is written, by which such a folder is told from somebody's own."""


def points_of_readers(landmarks: pd.DataFrame, readers: Sequence[str]) -> pd.DataFrame:
    """The rows of the readers, of the consensus where none is named.

    Raises:
        AnnotationError: a reader is not in the table.
    """
    return _of(landmarks, tuple(readers) or (CONSENSUS,))


def points_of_predictions(predictions: pd.DataFrame, stages: Sequence[str]) -> pd.DataFrame:
    """The rows of the stages, of the last one that the table has where none is named; a stage is a reader.

    Raises:
        AnnotationError: a stage is not in the table, or it is empty.
    """
    points = predictions.rename(columns={"stage": "reader"})
    present = set(points["reader"])
    return _of(points, tuple(stages) or tuple(stage for stage in STAGES if stage in present)[-1:] or STAGES[-1:])


def require_free(folder: Path, overwrite: bool) -> None:
    """Keep an earlier export, in which somebody may have moved points since, and whatever is none.

    Raises:
        AnnotationError: it is there and may not be replaced, or holds what no export has left.
    """
    if not folder.exists():
        return
    if not (folder / MARK).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise AnnotationError(
            f"{folder} is there already and is no earlier export (it has no {MARK}): it is not replaced. Move it away, or "
            "name another folder: `--params export_folder=PATH`."
        )
    if not overwrite:
        raise AnnotationError(
            f"{folder} is there already. Move it away, or replace it, and whatever was corrected in it, with "
            "`export.overwrite=true`."
        )


def _of(points: pd.DataFrame, readers: tuple[str, ...]) -> pd.DataFrame:
    absent = [reader for reader in readers if not (points["reader"] == reader).any()]
    if absent:
        found = ", ".join(sorted(set(points["reader"]))) or "no rows"
        raise AnnotationError(f"export.readers: no points of {absent[0]!r}; the table has {found}.")
    return points[points["reader"].isin(readers)]
