"""Nodes of the export pipeline."""

import logging
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from ceph_pipeline import formats
from ceph_pipeline.artifacts import recover
from ceph_pipeline.errors import counted
from ceph_pipeline.formats import ExportParams
from ceph_pipeline.formats.writers.selection import points_of_predictions, points_of_readers, require_free
from ceph_pipeline.images import RawFolder

logger = logging.getLogger(__name__)


def write_points(
    images: pd.DataFrame,
    cvm: pd.DataFrame,
    landmarks: Callable[[], pd.DataFrame],
    predictions: Callable[[], pd.DataFrame],
    raw_cephalograms: RawFolder,
    folder: Path,
    params: ExportParams,
) -> pd.DataFrame:
    """Write the chosen points into a folder named after the format, and list the images with their names in the export."""
    for name in formats.WRITERS:
        recover(folder / name)
    target = folder / params.format
    require_free(target, params.overwrite)
    if params.table == "landmarks":
        points = points_of_readers(landmarks(), params.readers)
    else:
        points = points_of_predictions(predictions(), params.readers)
    written = formats.write(
        target,
        params.format,
        images[images["split"].isin(params.splits)],
        points,
        cvm=cvm,
        films=raw_cephalograms.films if params.copy_films else None,
        image_address=params.image_address,
    )
    readers = ", ".join(written.readers)
    number, films = counted(len(written.landmarks), "landmark"), counted(len(written.films), "image")
    logger.info("%s of %s on %s are in %s", number, readers, films, target)
    return pd.DataFrame([(film.image_id, film.file) for film in written.films], columns=["image_id", "file"])
