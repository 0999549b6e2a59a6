"""What the checks look at."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.landmarks.tables import CONSENSUS, points_array


@dataclass(frozen=True)
class Evidence:
    """The tables of a data set, with its points as arrays.

    Attributes:
        images: Rows of `ImageTable`.
        landmarks: Rows of `LandmarkTable`, one or more readers, with or without a consensus.
        quarantine: Rows of `QuarantineTable`.
        duplicates: Rows of `DuplicateTable`.
    """

    images: pd.DataFrame
    landmarks: pd.DataFrame
    quarantine: pd.DataFrame
    duplicates: pd.DataFrame

    @cached_property
    def image_ids(self) -> list[str]:
        """The N images, in the table's order."""
        return self.images["image_id"].tolist()

    @cached_property
    def landmark_names(self) -> list[str]:
        """The K landmarks that any reader has, by name."""
        return sorted(self.landmarks["landmark"].unique())

    @cached_property
    def readers(self) -> list[str]:
        """The people who placed points, by name; the consensus is none of them."""
        return sorted(set(self.landmarks["reader"]) - {CONSENSUS})

    @cached_property
    def points(self) -> dict[str, NDArray[np.float64]]:
        """Each reader's points `(N, K, 2)` in pixels, NaN where missing."""
        return {reader: self._points_of(reader) for reader in self.readers}

    @cached_property
    def reference(self) -> NDArray[np.float64]:
        """The points that training will use `(N, K, 2)`: the consensus, or the readers' mean where the table has none."""
        if CONSENSUS in set(self.landmarks["reader"]):
            return self._points_of(CONSENSUS)
        read = np.stack([self.points[reader] for reader in self.readers])
        count = np.isfinite(read).sum(axis=0)
        return np.asarray(np.nansum(read, axis=0) / np.where(count, count, np.nan))

    @cached_property
    def pixel_size_mm(self) -> NDArray[np.float64]:
        """`(N,)`, NaN where unknown."""
        return self.images["pixel_size_mm"].to_numpy(np.float64)

    def reader_distances(self) -> dict[tuple[str, str], NDArray[np.float64]]:
        """Distance of each pair of readers `(N, K)` in pixels, NaN where one of them has no point."""
        return {
            (first, second): np.linalg.norm(self.points[first] - self.points[second], axis=-1)
            for first, second in combinations(self.readers, 2)
        }

    def sella_nasion(self) -> pd.DataFrame:
        """Length S–N of each image that has both points: `image_id, machine, length, unit` (mm, or px without a pixel size)."""
        between = [self.landmark_names.index(name) for name in ("Sella", "Nasion") if name in self.landmark_names]
        if len(between) < 2:
            return pd.DataFrame(columns=["image_id", "machine", "length", "unit"])
        length_px = np.linalg.norm(self.reference[:, between[0]] - self.reference[:, between[1]], axis=-1)
        known = np.isfinite(self.pixel_size_mm)
        table = self.images[["image_id", "machine"]].assign(
            length=np.where(known, length_px * self.pixel_size_mm, length_px), unit=np.where(known, "mm", "px")
        )
        return table.dropna(subset=["length"]).reset_index(drop=True)

    def _points_of(self, reader: str) -> NDArray[np.float64]:
        rows = self.landmarks[self.landmarks["reader"] == reader]
        return points_array(rows, self.image_ids, self.landmark_names)
