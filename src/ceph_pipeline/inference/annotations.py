"""Annotation files that inference writes next to its tables."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from ceph_pipeline.artifacts import recover
from ceph_pipeline.formats import WRITERS
from ceph_pipeline.formats.writers.selection import MARK


def delete_annotations(folder: Path, keep: Collection[str]) -> None:
    """Delete annotations that an earlier run has written, except in the formats `keep`.

    A folder without this project's marker file belongs to the user and is not touched.

    Args:
        folder: Contains a folder for each format.
        keep: Formats that are not deleted.
    """
    for name in WRITERS.keys() - set(keep):
        recover(folder / name)
        if (folder / name / MARK).is_file():
            shutil.rmtree(folder / name)
