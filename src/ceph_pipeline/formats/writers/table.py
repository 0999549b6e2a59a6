"""A tidy sheet, `landmarks.csv`: one row per film, reader and landmark; a missing point has empty x and y.

`raw_format=table` reads the sheet without any options.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator

from ceph_pipeline.formats.table import TIDY_COLUMNS
from ceph_pipeline.formats.writers.point_set import PointSet

FILMS = "images"


def table_files(points: PointSet) -> Iterator[tuple[str, str]]:
    """Name and content of the file."""
    symbols = {landmark.name: landmark.symbol for landmark in points.landmarks}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TIDY_COLUMNS)
    for film in points.films:
        front = (film.image_id, film.file, film.split, *film.size, _cell(film.pixel_size_mm))
        for reader, found in film.points.items():
            for name, point in found.items():
                values = map(_cell, (point.x, point.y, point.sigma_px))
                writer.writerow((*front, reader, name, symbols[name], *values))
    yield "landmarks.csv", text.getvalue()


def _cell(value: float) -> str:
    return "" if math.isnan(value) else repr(value)
