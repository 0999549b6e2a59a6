"""Correction of pixel sizes per device, for data sets with implausible pixel sizes."""

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.errors import CephError, counted
from ceph_pipeline.ingestion.params import DeviceScaleParams
from ceph_pipeline.landmarks import RULER_MARKS
from ceph_pipeline.landmarks.tables import points_array, reader_points

logger = logging.getLogger(__name__)

_MARKS = {"ruler": RULER_MARKS, "sella_nasion": ["Sella", "Nasion"]}


class DeviceScaleError(CephError, ValueError):
    """A correction is impossible, for instance because its device does not exist."""


def with_device_scale(images: pd.DataFrame, landmarks: pd.DataFrame, params: DeviceScaleParams) -> pd.DataFrame:
    """The images with corrected pixel sizes; the `pixel_size_source` of corrected images is `device_` and the correction.

    Args:
        images: Rows of `ImageTable`, with the column `pixel_size_source`.
        landmarks: Rows of `LandmarkTable` with a consensus.
        params: The correction; devices without a correction keep their pixel sizes.

    Raises:
        DeviceScaleError: the table contains an unknown device, or no device can be corrected.
    """
    if params.correction == "none":
        return images
    sizes = images["pixel_size_mm"].to_numpy(np.float64, copy=True)
    source = images["pixel_size_source"].to_numpy(object, copy=True)
    machines = images["machine"].to_numpy(str)
    for machine, new in _new_sizes(images, landmarks, params).items():
        rows = (machines == machine) & np.isfinite(new)
        sizes[rows] = new[rows]
        source[rows] = f"device_{params.correction}"
    return images.assign(pixel_size_mm=sizes, pixel_size_source=source)


def _new_sizes(images: pd.DataFrame, landmarks: pd.DataFrame, params: DeviceScaleParams) -> Mapping[str, NDArray[np.float64]]:
    """By device, the corrected pixel sizes `(N,)` of its images."""
    machines = sorted(images["machine"].unique())
    if params.correction == "table":
        if unknown := sorted(set(params.table_mm) - set(machines)):
            raise DeviceScaleError(
                f"ingestion.device_scale.table_mm: no image has the device {unknown[0]!r}; the devices are {machines}."
            )
        return {machine: np.full(len(images), size) for machine, size in params.table_mm.items()}
    true_mm = params.ruler_mm if params.correction == "ruler" else params.sella_nasion_mm
    points = points_array(reader_points(landmarks), images["image_id"].tolist(), list(_MARKS[params.correction]))
    own = images["pixel_size_mm"].to_numpy(np.float64)
    lengths_mm = np.linalg.norm(points[:, 0] - points[:, 1], axis=-1) * own
    found = {}
    for machine in machines:
        known = lengths_mm[(images["machine"] == machine).to_numpy() & (lengths_mm > 0)]
        if len(known) >= params.min_images:
            found[machine] = own * (true_mm / np.median(known))
        else:
            logger.warning(
                "%s keeps its pixel sizes: only %s with the length, but %d required",
                machine,
                counted(len(known), "image"),
                params.min_images,
            )
    if not found:
        raise DeviceScaleError(
            f"ingestion.device_scale.correction is {params.correction}, but no device has {params.min_images} images with "
            f"{' and '.join(_MARKS[params.correction])} and a pixel size. Annotate them, or set it to none."
        )
    return found
