"""Annotation files that inference leaves beside its tables."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from ceph_pipeline.artifacts import recover
from ceph_pipeline.formats import WRITERS
from ceph_pipeline.formats.writers.selection import MARK


def delete_annotations(folder: Path, keep: Collection[str]) -> None:
    """Delete what an earlier run has written, of other films; a folder without this project's mark is somebody's own.

    Args:
        folder: Has a folder for each format.
        keep: Formats that stay.
    """
    for name in WRITERS.keys() - set(keep):
        recover(folder / name)
        if (folder / name / MARK).is_file():
            shutil.rmtree(folder / name)
