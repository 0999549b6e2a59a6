"""Pixel sizes in millimetres from the ruler's marks p1 and p2."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.errors import CephError
from ceph_pipeline.formats import Annotations
from ceph_pipeline.formats.entries import is_pixel_size
from ceph_pipeline.landmarks import RULER_MARKS
from ceph_pipeline.landmarks.tables import points_array


class CalibrationError(CephError, ValueError):
    """There are no data for the calibration."""


def mm_per_pixel(p1: ArrayLike, p2: ArrayLike, ruler_mm: float = 10.0) -> NDArray[np.float64]:
    """Pixel size from the two marks.

    Args:
        p1: First mark `(..., 2)`, px.
        p2: Second mark `(..., 2)`, px.
        ruler_mm: True distance of the marks.

    Returns:
        `(...)` mm; NaN if a mark is missing or both marks coincide.
    """
    distance = np.linalg.norm(np.asarray(p1, dtype=np.float64) - np.asarray(p2, dtype=np.float64), axis=-1)
    return ruler_mm / np.where(distance > 0, distance, np.nan)


def calibrate(marks: Annotations, images: pd.DataFrame, ruler_mm: float, tolerated_deviation_pct: float) -> pd.DataFrame:
    """Compare the ruler's pixel size with the data set's pixel size for each image.

    If several readers annotated an image, their median distance is used, as in ingestion. If an image was annotated at a
    different size, the marks are scaled to the data set's image.

    Args:
        marks: Points named p1 and p2.
        images: The data set's images.
        ruler_mm: True distance of the marks.
        tolerated_deviation_pct: Larger deviations are flagged, as are implausible pixel sizes.

    Returns:
        Rows `image_id, machine, n_readers, ruler_px, mm_per_pixel, table_mm_per_pixel, deviation_pct, is_suspect` of the images
        with both marks. Lengths are in px of the data set's image; the deviation is that of the ruler's value from the table's.

    Raises:
        CalibrationError: no image has both marks.
    """
    known = images.set_index("image_id")
    by_reader = _distances_by_reader(marks).dropna(how="all")
    if by_reader.empty:
        aside = f" {len(marks.quarantine)} are quarantined; {marks.quarantine['reason'].iloc[0]}" if len(marks.quarantine) else ""
        raise CalibrationError(f"no image of the export has both p1 and p2: label the ruler's two marks with these names.{aside}")
    annotated_width = marks.images.set_index("image_id")["width"].reindex(by_reader.index)
    width = known["width"].reindex(by_reader.index).fillna(annotated_width)
    mm = ruler_mm / by_reader.median(axis=1) * annotated_width / width
    table_mm = known["pixel_size_mm"].reindex(by_reader.index)
    deviation = 100 * (mm / table_mm - 1)
    table = pd.DataFrame(
        {
            "machine": known["machine"].reindex(by_reader.index).fillna("unknown"),
            "n_readers": by_reader.notna().sum(axis=1),
            "ruler_px": ruler_mm / mm,
            "mm_per_pixel": mm,
            "table_mm_per_pixel": table_mm,
            "deviation_pct": deviation,
            "is_suspect": (deviation.abs() > tolerated_deviation_pct) | ~is_pixel_size(mm),
        }
    )
    return table.rename_axis("image_id").reset_index()


def summarise_by_machine(calibration: pd.DataFrame) -> pd.DataFrame:
    """One row per device: number of images, pixel sizes from the ruler and from the table, and their deviation."""
    grouped = calibration.groupby("machine")
    return pd.DataFrame(
        {
            "n_images": grouped.size(),
            "mm_per_pixel": grouped["mm_per_pixel"].median(),
            "mm_per_pixel_sd": grouped["mm_per_pixel"].std(),
            "table_mm_per_pixel": grouped["table_mm_per_pixel"].median(),
            "deviation_pct": grouped["deviation_pct"].median(),
            "n_suspect": grouped["is_suspect"].sum(),
        }
    ).reset_index()


def _distances_by_reader(marks: Annotations) -> pd.DataFrame:
    """Distance from p1 to p2 in annotated px, NaN if both coincide: one row per image, one column per reader."""
    image_ids = [str(image_id) for image_id in marks.images["image_id"]]
    distances = {}
    for reader, rows in marks.landmarks[marks.landmarks["landmark"].isin(RULER_MARKS)].groupby("reader"):
        points = points_array(rows, image_ids, RULER_MARKS)
        distances[reader] = np.linalg.norm(points[:, 1] - points[:, 0], axis=-1)
    return pd.DataFrame(distances, index=image_ids).replace(0, np.nan)
