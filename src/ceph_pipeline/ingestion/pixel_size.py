"""Selection of a film's pixel size from several sources."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from ceph_pipeline.artifacts import pseudonym
from ceph_pipeline.formats.entries import PIXEL_SIZE, is_pixel_size
from ceph_pipeline.images import ImageReadError, RawFolder, read_header
from ceph_pipeline.ingestion.params import PixelSizeParams, PixelSizeSource
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.landmarks.tables import points_array, readings_of

logger = logging.getLogger(__name__)

UNKNOWN = "unknown"

Found = tuple[float, str]
"""Millimetres per pixel (NaN if unknown), and the source."""


def with_pixel_sizes(
    images: pd.DataFrame, landmarks: pd.DataFrame, facts: pd.DataFrame, raw: RawFolder, params: PixelSizeParams
) -> pd.DataFrame:
    """Set each image's pixel size from the first source that has one; `pixel_size_source` contains the source.

    Args:
        images: The images table, with the annotations' pixel sizes.
        landmarks: The readers' points; p1 and p2 are the ruler's marks.
        facts: Result of `read_film_sheet`.
        raw: Raw data set with the images, whose headers may contain a spacing.
        params: The sources in order of precedence.

    Returns:
        The table; if no source has a pixel size, `pixel_size_mm` is NaN and the source `unknown`. For a header, the source is the
        field, such as `dicom_imager_pixel_spacing`. This field is measured in the detector's plane, so that lengths computed from
        it include the projection's magnification of the skull.
    """
    sources: Mapping[PixelSizeSource, Callable[[pd.DataFrame], list[Found]]] = {
        "sheet": lambda rows: [(size, "sheet") for size in facts["pixel_size_mm"].reindex(rows["image_id"])],
        "annotations": lambda rows: [(size, "annotations") for size in rows["pixel_size_mm"]],
        "dicom": lambda rows: _of_headers(rows, raw, of_dicom=True),
        "file": lambda rows: _of_headers(rows, raw, of_dicom=False),
        "ruler": lambda rows: _of_rulers(rows, landmarks, params.ruler_mm),
        "number": lambda rows: [(params.number_mm or np.nan, "number")] * len(rows),
    }
    found: dict[str, Found] = {}
    for source in params.order:
        rows = images[~images["image_id"].isin(found)]
        sizes = zip(rows["image_id"], sources[source](rows), strict=True)
        found |= {image_id: size for image_id, size in sizes if np.isfinite(size[0])}
    chosen = [found.get(image_id, (np.nan, UNKNOWN)) for image_id in images["image_id"]]
    counts = Counter(name for _, name in chosen)
    logger.info("pixel sizes: %s", ", ".join(f"{count} from {name}" for name, count in counts.items()))
    return images.assign(
        pixel_size_mm=np.array([size for size, _ in chosen], np.float64), pixel_size_source=[name for _, name in chosen]
    )


def _of_headers(images: pd.DataFrame, raw: RawFolder, *, of_dicom: bool) -> list[Found]:
    """Spacings in the headers of DICOM files, or of all other files, in which they are often resolutions for printing."""
    with ThreadPoolExecutor() as threads:
        return list(threads.map(lambda path: _spacing(raw, path, of_dicom=of_dicom), images["path"]))


def _spacing(raw: RawFolder, path: str, *, of_dicom: bool) -> Found:
    nothing = (np.nan, UNKNOWN)
    try:
        header = read_header(raw.films / path)
    except ImageReadError:  # the film does not exist; damaged films have been rejected before
        return nothing
    if header.spacing_source is None or (header.kind == "dicom") != of_dicom:
        return nothing
    return header.pixel_size_mm, header.spacing_source


def _of_rulers(images: pd.DataFrame, landmarks: pd.DataFrame, ruler_mm: float) -> list[Found]:
    """Pixel sizes from the distance between p1 and p2, as the median over readers."""
    marks, image_ids = list(SCHEMAS["ruler"].names), list(images["image_id"])
    rows = readings_of(landmarks[landmarks["landmark"].isin(marks)])
    distances = [
        np.linalg.norm(np.diff(points_array(group, image_ids, marks), axis=1)[:, 0], axis=-1)
        for _, group in rows.groupby("reader")
    ]
    if not distances:
        return [(np.nan, UNKNOWN)] * len(images)
    median = pd.DataFrame(distances).replace(0, np.nan).median().to_numpy()
    sizes = ruler_mm / median
    for image_id, size in zip(image_ids, sizes, strict=True):
        if np.isfinite(size) and not is_pixel_size(size):
            message = "%s: the pixel size from p1 and p2 is %.4g mm, which is implausible; expected %s"
            logger.warning(message, pseudonym(image_id), size, PIXEL_SIZE)
    return [(size if is_pixel_size(size) else np.nan, "ruler") for size in sizes]
