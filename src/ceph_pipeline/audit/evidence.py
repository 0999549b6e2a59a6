"""The data that checks inspect."""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.audit.tables import FILM_COLUMNS
from ceph_pipeline.landmarks.geometry import mean_of_known
from ceph_pipeline.landmarks.tables import CONSENSUS, patients_of, points_array, readings_of
from ceph_pipeline.plausibility import ShapePrior, TooFewShapesError, learn_without_outliers


@dataclass(frozen=True)
class Evidence:
    """The tables of a data set, and its points as arrays.

    Attributes:
        images: Rows of `ImageTable`.
        landmarks: Rows of `LandmarkTable`, one or more readers, with or without a consensus.
        quarantine: Rows of `QuarantineTable`.
        duplicates: Rows of `DuplicateTable`.
        cvm: Rows of `CvmTable`.
        foreign_duplicates: Rows of `ForeignDuplicateTable`.
        films: Rows of `FilmTable`, which describe the grey levels of each cached image.
    """

    images: pd.DataFrame
    landmarks: pd.DataFrame
    quarantine: pd.DataFrame
    duplicates: pd.DataFrame
    cvm: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["image_id", "stage"]))
    foreign_duplicates: pd.DataFrame = field(default_factory=pd.DataFrame)
    films: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=FILM_COLUMNS))

    @cached_property
    def image_ids(self) -> list[str]:
        """The N images, in the table's order."""
        return self.images["image_id"].tolist()

    @cached_property
    def landmark_names(self) -> list[str]:
        """The K landmarks that any reader placed, by name."""
        return sorted(self.landmarks["landmark"].unique())

    @cached_property
    def readings(self) -> pd.DataFrame:
        """The rows of `landmarks` for checks of single points; see `readings_of`."""
        return readings_of(self.landmarks)

    @cached_property
    def readers(self) -> list[str]:
        """The readers by name, without the consensus."""
        return sorted(set(self.landmarks["reader"]) - {CONSENSUS})

    @cached_property
    def points(self) -> dict[str, NDArray[np.float64]]:
        """Points `(N, K, 2)` of each reader in pixels, NaN where missing; on films without readers, the consensus is a reader."""
        groups = self.readings.groupby("reader", sort=True)
        return {str(reader): points_array(rows, self.image_ids, self.landmark_names) for reader, rows in groups}

    @cached_property
    def reference(self) -> NDArray[np.float64]:
        """The points for training `(N, K, 2)`: the consensus or, if the table has none, the readers' mean."""
        if not self.readers or CONSENSUS in set(self.landmarks["reader"]):
            rows = self.landmarks[self.landmarks["reader"] == CONSENSUS]
            return points_array(rows, self.image_ids, self.landmark_names)
        return mean_of_known(np.stack([self.points[reader] for reader in self.readers]))

    @cached_property
    def pixel_size_mm(self) -> NDArray[np.float64]:
        """Pixel sizes `(N,)`, NaN where unknown."""
        return self.images["pixel_size_mm"].to_numpy(np.float64)

    @cached_property
    def unit(self) -> str:
        """The unit in which lengths of different images are compared: `mm` if every image has a pixel size, otherwise `px`."""
        return "mm" if len(self.images) and np.isfinite(self.pixel_size_mm).all() else "px"

    @cached_property
    def scale(self) -> NDArray[np.float64]:
        """Factors `(N,)` from px to `unit`."""
        return self.pixel_size_mm if self.unit == "mm" else np.ones(len(self.images))

    @cached_property
    def shape_prior(self) -> ShapePrior | None:
        """The data set's shape model, from all readers' points; None if too few images are complete."""
        shapes = list(self.points.values()) or [self.reference]
        patients = patients_of(self.images, self.image_ids) * len(shapes)
        try:
            return learn_without_outliers(np.concatenate(shapes), self.landmark_names, patients)
        except TooFewShapesError:
            return None

    def vector_px(self, start: str, end: str) -> NDArray[np.float64]:
        """Vectors `(N, 2)` from one landmark to another on every image, NaN where one is missing."""
        if not {start, end} <= set(self.landmark_names):
            return np.full((len(self.images), 2), np.nan)
        one, other = (self.reference[:, self.landmark_names.index(name)] for name in (start, end))
        return np.asarray(other - one)

    def length_px(self, start: str, end: str) -> NDArray[np.float64]:
        """Distances `(N,)` of two landmarks on every image, NaN where one is missing."""
        return np.asarray(np.linalg.norm(self.vector_px(start, end), axis=-1))

    def reader_differences(self) -> dict[tuple[str, str], NDArray[np.float64]]:
        """Differences `(N, K, 2)` in `unit`, first reader minus second, for each pair of readers."""
        scale = self.scale[:, None, None]
        return {
            (first, second): (self.points[first] - self.points[second]) * scale for first, second in combinations(self.readers, 2)
        }

    def reader_distances(self) -> dict[tuple[str, str], NDArray[np.float64]]:
        """Distances `(N, K)` in pixels for each pair of readers, NaN where one of them has no point."""
        return {
            (first, second): np.linalg.norm(self.points[first] - self.points[second], axis=-1)
            for first, second in combinations(self.readers, 2)
        }

    def sella_nasion(self) -> pd.DataFrame:
        """Length S–N of each image that has both points: `image_id, machine, length, unit` (mm, or px without a pixel size)."""
        length_px = self.length_px("Sella", "Nasion")
        known = np.isfinite(self.pixel_size_mm)
        table = self.images[["image_id", "machine"]].assign(
            length=np.where(known, length_px * self.pixel_size_mm, length_px), unit=np.where(known, "mm", "px")
        )
        return table.dropna(subset=["length"]).reset_index(drop=True)
