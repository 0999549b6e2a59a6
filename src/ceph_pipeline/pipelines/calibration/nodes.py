"""Nodes of the calibration pipeline."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from ceph_pipeline.artifacts import pseudonym
from ceph_pipeline.calibration import CalibrationParams, calibrate
from ceph_pipeline.errors import counted

logger = logging.getLogger(__name__)


def calibrate_images(ruler_export: Path, images: pd.DataFrame, params: CalibrationParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the ruler's marks and compare the resulting pixel sizes with the data set's."""
    from ceph_pipeline.formats import ReadOptions, read

    options = ReadOptions(landmarks="ruler", labels=params.labels, only_landmarks=True, blank_shows_none=True)
    marks = read(ruler_export, "label_studio", on_bad_item=params.on_bad_item, options=options)
    strangers = sorted(set(marks.images["image_id"]) - set(images["image_id"]))
    if strangers:
        some = ", ".join(map(pseudonym, strangers[:3]))
        logger.warning(
            "%d of %d images of the export are not in the data set; their pixel sizes cannot be compared: %s",
            len(strangers), len(marks.images), some,
        )  # fmt: skip
    table = calibrate(marks, images, params.ruler_mm, params.tolerated_deviation_pct)
    logger.info("rulers of %s; tasks or points quarantined: %d", counted(len(table), "image"), len(marks.quarantine))
    compared = table["deviation_pct"].dropna()
    if compared.empty:
        logger.warning("no image with a ruler has a pixel size in the data set: there is nothing to compare")
    else:
        logger.info(
            "median deviation from the pixel sizes of the data set %.1f %% (%s), %d above %g %% or impossible",
            compared.median(), counted(len(compared), "image"), table["is_suspect"].sum(), params.tolerated_deviation_pct,
        )  # fmt: skip
    return table, marks.quarantine


def draw_deviation(calibration: pd.DataFrame, params: CalibrationParams) -> Any:
    """Draw the deviations of the ruler's pixel sizes from the data set's."""
    from ceph_pipeline.calibration.figure import deviation_figure

    return deviation_figure(calibration, params.tolerated_deviation_pct)
