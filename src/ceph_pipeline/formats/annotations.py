"""Result of reading a data set of any format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np
import pandas as pd

from ceph_pipeline.formats.problems import Problem
from ceph_pipeline.landmarks.tables import SPLITS

IMAGE_COLUMNS = ("image_id", "path", "split", "subset", "width", "height", "pixel_size_mm", "machine", "dataset")
LANDMARK_COLUMNS = ("image_id", "reader", "landmark", "x", "y")
CVM_COLUMNS = ("image_id", "stage")

Point = tuple[float, float]
Row = tuple[object, ...]
MISSING: Point = (np.nan, np.nan)


@dataclass(frozen=True)
class Annotations:
    """A data set as tables (see `ceph_pipeline.landmarks.tables`).

    Attributes:
        images: One row per image; `path` is relative to the folder of the images.
        landmarks: The readers' points in pixels of the original image, without a consensus.
        cvm: Cervical vertebral maturation stages, one row per image that has a stage.
        quarantine: Quarantined items and notes, with the columns `item, reason, file, outcome`.
    """

    images: pd.DataFrame
    landmarks: pd.DataFrame
    cvm: pd.DataFrame
    quarantine: pd.DataFrame


@dataclass(frozen=True)
class Reading:
    """A data set as parsed by a format's module, before `on_bad_item` is applied.

    Bad items are already left out (bad points are NaN); `problems` lists them.

    Attributes:
        images: Rows of `IMAGE_COLUMNS`.
        landmarks: Rows of `LANDMARK_COLUMNS`.
        cvm: Rows of `CVM_COLUMNS`.
        problems: The items that were left out, with the reasons.
        sources: Annotation file by (image, reader), for messages.
        blank_shows_none: Whether an image without any marked point counts as showing none of the landmarks.
    """

    images: pd.DataFrame
    landmarks: pd.DataFrame
    cvm: pd.DataFrame
    problems: tuple[Problem, ...] = ()
    sources: Mapping[tuple[str, str], str] = field(default_factory=dict)
    blank_shows_none: bool = False


def image_table(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows of `IMAGE_COLUMNS` as a table, in the order train, valid, test, then by identifier."""
    table = pd.DataFrame(list(rows), columns=list(IMAGE_COLUMNS)).astype({"pixel_size_mm": float, "width": int, "height": int})
    order = table["split"].map({split: i for i, split in enumerate(SPLITS)})
    return table.assign(order=order).sort_values(["order", "image_id"], ignore_index=True).drop(columns="order")


def landmark_table(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows of `LANDMARK_COLUMNS` as a table."""
    return pd.DataFrame(list(rows), columns=list(LANDMARK_COLUMNS)).astype({"x": float, "y": float})


def cvm_table(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows of `CVM_COLUMNS` as a table, by identifier."""
    return pd.DataFrame(list(rows), columns=list(CVM_COLUMNS)).astype({"stage": int}).sort_values("image_id", ignore_index=True)


def landmark_rows(image_id: str, reader: str, points: Mapping[str, Point], names: Sequence[str]) -> list[Row]:
    """One row for each of `names`; a landmark that is missing from `points` has NaN coordinates."""
    return [(image_id, reader, name, *points.get(name, MISSING)) for name in names]


def is_coordinate(value: Any) -> TypeGuard[float]:
    """Whether a value from a JSON file can be a coordinate: a finite number of plausible size, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e9
