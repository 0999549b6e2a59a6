"""Downloads of the page: the same files as `inference` and the export write."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from ceph_pipeline.formats import WRITERS
from ceph_pipeline.formats.writers import point_set
from ceph_pipeline.inference.measurements import measurement_rows
from ceph_pipeline.inference.report import film_page, picture

if TYPE_CHECKING:
    from ceph_pipeline.cephalometry import CephalometryParams
    from ceph_pipeline.page.correction import Correction

ANNOTATIONS = {"labelme": "labelme", "label_studio": "Label Studio", "coco": "COCO key points", "table": "table (CSV)"}
"""The annotation formats that need no copy of the film, with their titles; ingestion reads them under these keys."""
BY_A_PERSON = "corrected"
"""The reader of the points, in formats that contain the names of readers."""


class Download(NamedTuple):
    """A file's name and its bytes."""

    name: str
    content: bytes


def report_file(correction: Correction, norm_sets: tuple[str, ...]) -> Download:
    """The printable report of the film in its present state."""
    film = correction.film
    page = film_page(correction.report(norm_sets), picture(film.pixels, correction.points().predictions))
    return Download(f"{film.image_id}.html", page.encode())


def results_file(correction: Correction, cephalometry: CephalometryParams, norm_sets: tuple[str, ...]) -> Download:
    """All measurements as CSV, with the chosen norms."""
    film, size = correction.film, correction.calibration.pixel_size_mm
    params = cephalometry.model_copy(update={"compare_with": norm_sets})
    rows = measurement_rows(correction.points().predictions, {} if size is None else {film.image_id: size}, params)
    return Download(f"{film.image_id}_measurements.csv", rows.to_csv(index=False).encode())


def annotation_file(correction: Correction, format: str) -> Download:
    """The points in a format that `ceph_pipeline.formats.read` reads; a zip archive if the format has several files.

    Args:
        correction: The film with its points.
        format: A key of `ANNOTATIONS`.
    """
    film = correction.film
    images = pd.DataFrame(
        {
            "image_id": [film.image_id],
            "path": film.file,
            "split": "train",  # a corrected film is there to be learned from
            "width": film.size[0],
            "height": film.size[1],
            "pixel_size_mm": correction.calibration.pixel_size_mm or math.nan,
            "machine": "unknown",
        }
    )
    points = correction.points().predictions.assign(reader=BY_A_PERSON)
    files = list(WRITERS[format].files(point_set(images, points)))
    if len(files) == 1:
        ((name, text),) = files
        path = PurePosixPath(name)
        of_film = path.name if format == "labelme" else f"{film.image_id}_{format}{path.suffix}"  # labelme finds films by name
        return Download(of_film, text.encode())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in files:
            target.writestr(name, text)
    return Download(f"{film.image_id}_{format}.zip", archive.getvalue())
