"""The tables of augmentation, made from the sources' tables and the plan, without reading pixels."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray
from pandera.typing import Series

from ceph_pipeline.augmentation.kinds import Kind, random_generator
from ceph_pipeline.augmentation.plan import Plan
from ceph_pipeline.cephalometry import vertical_measurements
from ceph_pipeline.landmarks.geometry import Size, fitted_size
from ceph_pipeline.landmarks.tables import CONSENSUS, SPLITS, CacheTable, CopyTable, CvmTable, MeasurementTable

_NO_ROWS = np.empty(0, dtype=np.intp)


class AugmentedCvmTable(CopyTable, CvmTable):
    """CVM stage of each image after augmentation, which is that of the source."""


class AugmentedMeasurementTable(CopyTable, MeasurementTable):
    """Measurements of each image after augmentation, from its own points, since shear and elastic change lengths and angles."""


class AugmentedCacheTable(CopyTable, CacheTable):
    """Size of each image's pre-resized training copy."""


class SummaryTable(pa.DataFrameModel):
    """Number of images of each kind in each split, and the number that the recipe implies."""

    kind: Series[str]
    split: Series[str] = pa.Field(isin=SPLITS)
    images: Series[int] = pa.Field(ge=0)
    expected: Series[int] = pa.Field(ge=0)
    short_by: Series[int]
    reason: Series[str] = pa.Field(description="why images are missing, with their number; empty if none is missing")
    points_left_frame: Series[int] = pa.Field(ge=0, description="number of consensus points moved out of the image")


@dataclass(frozen=True)
class SourceTables:
    """The sources' tables, as written by ingestion and audit."""

    images: pd.DataFrame
    landmarks: pd.DataFrame
    cvm: pd.DataFrame
    exclusions: pd.DataFrame


def derive_tables(
    sources: SourceTables, plan: Plan, recipe: Mapping[str, Kind], *, seed: int, suffix: str, cache_long_side: int
) -> dict[str, pd.DataFrame]:
    """The tables of every planned image.

    Args:
        sources: Tables of the sources.
        plan: The planned images.
        recipe: Kinds by name.
        seed: Seed of all random numbers.
        suffix: Format of the image store, used as suffix of the images' paths.
        cache_long_side: Long side of the training copies, in pixels.

    Returns:
        Tables by name in the catalog.
    """
    copies = pd.DataFrame(
        [(copy.image_id, copy.source_id, copy.kind, copy.copy) for copy in plan.copies],
        columns=["image_id", "source_id", "kind", "copy"],
    )
    landmarks, left_frame, scales = _move_landmarks(_inherit(sources.landmarks, copies), plan, recipe, seed)
    images = _inherit(sources.images, copies).assign(
        path=lambda table: table["image_id"] + f".{suffix}",
        pixel_size_mm=lambda table: table["pixel_size_mm"] / table["image_id"].map(scales),
    )
    return {
        "augmented_images": images,
        "augmented_landmarks": landmarks,
        "augmented_cvm": _inherit(sources.cvm, copies),
        "augmented_measurements": vertical_measurements(images, landmarks).merge(copies, on="image_id"),
        "augmented_cache_index": _cache_index(images, cache_long_side),
        "augmentation_summary": _count_left_frame(plan.summary, images, landmarks[left_frame]),
    }


def _inherit(table: pd.DataFrame, copies: pd.DataFrame) -> pd.DataFrame:
    """The rows of each source, repeated for each of its copies, in the copies' order."""
    rows = copies.merge(table.rename(columns={"image_id": "source_id"}), on="source_id", how="inner")
    first = [column for column in table.columns if column in rows.columns]
    return rows[[*first, "source_id", "kind", "copy"]]


def _cache_index(images: pd.DataFrame, long_side: int) -> pd.DataFrame:
    sizes = [fitted_size((width, height), long_side) for width, height in zip(images["width"], images["height"], strict=True)]
    index = images[["image_id", "source_id", "kind", "copy"]].copy()
    index.insert(1, "cache_width", [width for width, _ in sizes])
    index.insert(2, "cache_height", [height for _, height in sizes])
    return index


def _move_landmarks(
    landmarks: pd.DataFrame, plan: Plan, recipe: Mapping[str, Kind], seed: int
) -> tuple[pd.DataFrame, NDArray[np.bool_], dict[str, float]]:
    """Transform the points of all readers from the source to each copy.

    Args:
        landmarks: The rows of each source, repeated for each of its copies, in pixels of the source.
        plan: Result of `plan_copies`.
        recipe: Kinds by name.
        seed: Seed of all random numbers.

    Returns:
        The rows in pixels of the copy, with points outside the image missing; a mask of these rows; and the scale of each copy,
        in pixels per pixel of the source.
    """
    points = landmarks[["x", "y"]].to_numpy(np.float64, copy=True)
    left, scales = np.zeros(len(points), dtype=bool), {}
    rows_of = landmarks.groupby("image_id", sort=False).indices
    for copy in plan.copies:
        rows, source = rows_of.get(copy.image_id, _NO_ROWS), plan.sources[copy.source_id]
        rng = random_generator(seed, copy.source_id, copy.kind, copy.copy)
        change = recipe[copy.kind].change(source, copy.copy, rng)
        moved, scales[copy.image_id] = change.points(points[rows]), change.scale
        left[rows] = is_inside(points[rows], source.size) & ~is_inside(moved, source.size)
        points[rows] = np.where(left[rows, None], np.nan, moved)
    return landmarks.assign(x=points[:, 0], y=points[:, 1]), left, scales


def is_inside(points: NDArray[np.float64], size: Size) -> NDArray[np.bool_]:
    """Whether points `(N, 2)` are in a (width, height) image, including the outer edges of the outer pixels."""
    inside = (points >= -0.5) & (points <= np.asarray(size) - 0.5)
    return np.asarray(inside.all(axis=1))


def _count_left_frame(summary: pd.DataFrame, images: pd.DataFrame, left_frame: pd.DataFrame) -> pd.DataFrame:
    """Add the number of consensus points that each kind moved out of the image."""
    lost = left_frame.loc[left_frame["reader"] == CONSENSUS, ["image_id", "kind"]]
    counts = lost.merge(images[["image_id", "split"]], on="image_id").groupby(["kind", "split"]).size()
    keys = pd.MultiIndex.from_frame(summary[["kind", "split"]])
    return summary.assign(points_left_frame=counts.reindex(keys, fill_value=0).to_numpy(int))
