"""Tables of points as films, the input of every writer."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

from ceph_pipeline.formats.problems import AnnotationError
from ceph_pipeline.landmarks import Landmark, known_or_own
from ceph_pipeline.landmarks.geometry import Size

LOCAL_FILES = "/data/local-files/?d={path}"
"""Label Studio's address of a file below the folder that it serves (LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT)."""


@dataclass(frozen=True)
class WrittenPoint:
    """A point in pixels of its film, with pixel centres at integers; NaN if missing.

    Attributes:
        x: Horizontal coordinate, to the right.
        y: Vertical coordinate, downwards.
        sigma_px: Standard deviation along one axis of a predicted point; NaN for an annotated point.
    """

    x: float
    y: float
    sigma_px: float = math.nan

    @property
    def is_missing(self) -> bool:
        """Whether the point is missing."""
        return math.isnan(self.x)


@dataclass(frozen=True)
class WrittenFilm:
    """A film and its points.

    Attributes:
        image_id: Identifier, which is a safe file name.
        file: Path of the image in annotation files, with forward slashes.
        split: train, valid or test.
        size: (width, height) in pixels.
        pixel_size_mm: NaN if unknown.
        machine: The X-ray device.
        points: Points by reader, then by full name of the landmark; every reader has each landmark of the set, possibly missing.
        cvm_stage: 1 to 6, or None if unknown.
    """

    image_id: str
    file: str
    split: str
    size: Size
    pixel_size_mm: float
    machine: str
    points: Mapping[str, Mapping[str, WrittenPoint]]
    cvm_stage: int | None = None

    @property
    def suffix(self) -> str:
        """Suffix of the image's file with its dot, or empty."""
        return PurePosixPath(self.file).suffix


@dataclass(frozen=True)
class PointSet:
    """The points to write.

    Attributes:
        films: Films with at least one reader each.
        landmarks: All landmarks of the set, in the table's order.
        readers: All readers of the set.
        image_address: Label Studio's address of an image, with `{path}` for the quoted path.
    """

    films: tuple[WrittenFilm, ...]
    landmarks: tuple[Landmark, ...]
    readers: tuple[str, ...]
    image_address: str = LOCAL_FILES

    @property
    def names(self) -> tuple[str, ...]:
        """Full names of the landmarks."""
        return tuple(landmark.name for landmark in self.landmarks)


def point_set(
    images: pd.DataFrame,
    points: pd.DataFrame,
    cvm: pd.DataFrame | None = None,
    *,
    files: Mapping[str, str] | None = None,
    image_address: str = LOCAL_FILES,
) -> PointSet:
    """Films of the images table that have points, in the table's order.

    Args:
        images: Rows of an `ImageTable`.
        points: Rows `image_id, reader, landmark, x, y` and, for predicted points, `sigma_px`.
        cvm: Rows of a `CvmTable`.
        files: Path of each image, if it differs from the path in the images table.
        image_address: See `PointSet`.

    Raises:
        AnnotationError: a point has only one coordinate, or an infinite one.
    """
    names = tuple(dict.fromkeys(points["landmark"]))
    found: dict[str, dict[str, dict[str, WrittenPoint]]] = defaultdict(dict)
    for image_id, reader, name, point in _rows(points):
        found[image_id].setdefault(reader, dict.fromkeys(names, _MISSING))[name] = point
    stages = {} if cvm is None else dict(zip(cvm["image_id"], cvm["stage"].astype(int), strict=True))
    films = tuple(
        WrittenFilm(
            image_id=row["image_id"],
            file=files[row["image_id"]] if files else row["path"],
            split=row["split"],
            size=(int(row["width"]), int(row["height"])),
            pixel_size_mm=float(row["pixel_size_mm"]),
            machine=row["machine"],
            points=found[row["image_id"]],
            cvm_stage=stages.get(row["image_id"]),
        )
        for row in images.to_dict("records")
        if row["image_id"] in found
    )
    return PointSet(films, tuple(map(known_or_own, names)), tuple(dict.fromkeys(points["reader"])), image_address)


_MISSING = WrittenPoint(math.nan, math.nan)


def _rows(points: pd.DataFrame) -> Iterator[tuple[str, str, str, WrittenPoint]]:
    sigma = points["sigma_px"] if "sigma_px" in points else pd.Series(math.nan, points.index)
    columns = (points[name] for name in ("image_id", "reader", "landmark"))
    values = zip(points["x"].astype(float), points["y"].astype(float), sigma.astype(float), strict=True)
    for image_id, reader, name, numbers in zip(*columns, values, strict=True):
        x, y = numbers[:2]
        if math.isnan(x) != math.isnan(y) or math.isinf(x) or math.isinf(y):
            raise AnnotationError(
                f"{image_id}, {name} of {reader}: x = {x}, y = {y}; expected two numbers, or none if the point is missing."
            )
        yield image_id, reader, name, WrittenPoint(*numbers)
