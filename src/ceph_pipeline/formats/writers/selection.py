"""Selection of the points to write, and check of the output folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ceph_pipeline.formats.problems import AnnotationError
from ceph_pipeline.landmarks.tables import CONSENSUS, STAGES

MARK = ".ceph_pipeline_export"
"""File in every written folder, which identifies the folder as an export."""


def points_of_readers(landmarks: pd.DataFrame, readers: Sequence[str]) -> pd.DataFrame:
    """The rows of the readers; by default, of the consensus.

    Raises:
        AnnotationError: a reader is not in the table.
    """
    return _of(landmarks, tuple(readers) or (CONSENSUS,))


def points_of_predictions(predictions: pd.DataFrame, stages: Sequence[str]) -> pd.DataFrame:
    """The rows of the stages; by default, of the last stage in the table. The stage becomes the reader.

    Raises:
        AnnotationError: a stage is not in the table, or the table is empty.
    """
    points = predictions.rename(columns={"stage": "reader"})
    present = set(points["reader"])
    return _of(points, tuple(stages) or tuple(stage for stage in STAGES if stage in present)[-1:] or STAGES[-1:])


def require_free(folder: Path, overwrite: bool) -> None:
    """Protect an earlier export, which may contain corrected points, and any other folder from being replaced.

    Raises:
        AnnotationError: the folder exists and may not be replaced, or is not an export.
    """
    if not folder.exists():
        return
    if not (folder / MARK).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise AnnotationError(
            f"{folder} exists and is not an earlier export (it has no {MARK}), so it is not replaced. Move the folder, or "
            "name another one: `--params export_folder=PATH`."
        )
    if not overwrite:
        raise AnnotationError(
            f"{folder} already exists. Move the folder, or replace it, including any corrections in it, with "
            "`export.overwrite=true`."
        )


def _of(points: pd.DataFrame, readers: tuple[str, ...]) -> pd.DataFrame:
    absent = [reader for reader in readers if not (points["reader"] == reader).any()]
    if absent:
        found = ", ".join(sorted(set(points["reader"]))) or "no rows"
        raise AnnotationError(f"export.readers: no points of {absent[0]!r}; the table contains {found}.")
    return points[points["reader"].isin(readers)]
