"""A film's pixel size as text for reports."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

SOURCES = {"ruler": "the ruler in the film", "file": "the film's file, a sheet, or inference.pixel_size_mm"}


@dataclass(frozen=True)
class Calibration:
    """A film's pixel size.

    Attributes:
        pixel_size_mm: Millimetres per pixel; None where unknown.
        source: Source of the pixel size, or the reason why there is none, as text.
        se_mm: Standard error of the pixel size; None where unknown.
        is_suspect: Whether the sources of the pixel size disagree.
    """

    pixel_size_mm: float | None
    source: str
    se_mm: float | None = None
    is_suspect: bool = False

    def __str__(self) -> str:
        if self.pixel_size_mm is None:
            return f"No pixel size ({self.source}): values in millimetres are omitted."
        spread = "" if self.se_mm is None else f" ± {self.se_mm:.2g}"
        return f"{self.pixel_size_mm:.4g}{spread} mm per pixel, from {self.source}."


def calibrations(sizes: pd.DataFrame) -> dict[str, Calibration]:
    """Each image's calibration.

    Args:
        sizes: From `calibration.pixel_sizes`. An anatomical estimate is mentioned, but not used for millimetres.
    """
    return {str(row["image_id"]): _calibration(row) for row in sizes.to_dict("records")}


def _calibration(row: Mapping[Hashable, Any]) -> Calibration:
    source, mm, se, refusal = (
        str(row["source"]),
        float(row["mm_per_pixel"]),
        float(row["mm_per_pixel_se"]),
        str(row.get("refusal", "")),
    )
    if source == "anatomical":
        return Calibration(None, f"only an estimate from S–N, {mm:.2g} mm per pixel")
    if math.isnan(mm):
        passed_over = [name for name in SOURCES if not math.isnan(float(row.get(f"{name}_mm_per_pixel", math.nan)))]
        if passed_over:
            return Calibration(None, f"calibration.sources excludes {' and '.join(SOURCES[name] for name in passed_over)}")
        ruler = (
            f"the ruler in the film was rejected as {refusal}, and the file contains none"
            if refusal
            else "neither a ruler nor the file provides one"
        )
        return Calibration(None, f"{ruler}, and inference.pixel_size_mm is not set")
    return Calibration(mm, SOURCES[source], None if math.isnan(se) else se, bool(row["is_suspect"]))
