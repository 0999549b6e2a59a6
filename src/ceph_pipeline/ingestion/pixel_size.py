"""Which of several sources says how long a film's pixels are."""

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
"""Millimetres per pixel, NaN where it is unknown, and what says so."""


def with_pixel_sizes(
    images: pd.DataFrame, landmarks: pd.DataFrame, facts: pd.DataFrame, raw: RawFolder, params: PixelSizeParams
) -> pd.DataFrame:
    """Give each image the pixel size of the first source that has one, and say which in the column `pixel_size_source`.

    Args:
        images: The images table, with the annotations' pixel sizes.
        landmarks: Points of the readers, in which p1 and p2 are a ruler's marks.
        facts: Of `read_film_sheet`.
        raw: Where the images are, whose headers may hold a spacing.
        params: The sources in their order.

    Returns:
        The table; `pixel_size_mm` NaN and the source `unknown` where no source has a size. A header's source is the field it
        is from, such as `dicom_imager_pixel_spacing`, measured in the detector's plane: lengths by it are those of the head's
        magnified shadow.
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
    logger.info("pixel sizes: %s", ", ".join(f"{count} by {name}" for name, count in counts.items()))
    return images.assign(
        pixel_size_mm=np.array([size for size, _ in chosen], np.float64), pixel_size_source=[name for _, name in chosen]
    )


def _of_headers(images: pd.DataFrame, raw: RawFolder, *, of_dicom: bool) -> list[Found]:
    """Spacings that the image files have; of DICOM files, or of all others, in which it is often a printer's resolution."""
    with ThreadPoolExecutor() as threads:
        return list(threads.map(lambda path: _spacing(raw, path, of_dicom=of_dicom), images["path"]))


def _spacing(raw: RawFolder, path: str, *, of_dicom: bool) -> Found:
    nothing = (np.nan, UNKNOWN)
    try:
        header = read_header(raw.films / path)
    except ImageReadError:  # a film that is not at hand; a damaged one has been refused before
        return nothing
    if header.spacing_source is None or (header.kind == "dicom") != of_dicom:
        return nothing
    return header.pixel_size_mm, header.spacing_source


def _of_rulers(images: pd.DataFrame, landmarks: pd.DataFrame, ruler_mm: float) -> list[Found]:
    """By the distance of p1 and p2, the median over readers."""
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
            message = "%s: by p1 and p2 a pixel is %.4g mm, which is not believed; expected %s"
            logger.warning(message, pseudonym(image_id), size, PIXEL_SIZE)
    return [(size if is_pixel_size(size) else np.nan, "ruler") for size in sizes]
