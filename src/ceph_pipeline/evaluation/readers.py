"""Distances between readers, and distances of readers to the truth that predictions are compared with."""

from itertools import combinations

import pandas as pd

from ceph_pipeline.evaluation.errors import error_rows, no_errors
from ceph_pipeline.evaluation.stages import INTER_READER, READER_TO_TRUTH
from ceph_pipeline.landmarks.tables import CONSENSUS, reader_points


def inter_reader_rows(landmarks: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Distance between two readers' points, as rows of `ErrorTable`; the mean over all pairs for more than two readers.

    Args:
        landmarks: Points of all readers.
        images: `image_id, pixel_size_mm` of the images whose distances are returned.

    Returns:
        Rows with stage `inter_reader` for the points that at least two readers have placed.
    """
    points = _twice_read(landmarks[landmarks["image_id"].isin(images["image_id"])])
    return _mean_over(
        [
            error_rows(points[one], _restricted(points[other], points[one]), images, INTER_READER)
            for one, other in combinations(points, 2)
        ]
    )


def reader_to_truth_rows(landmarks: pd.DataFrame, images: pd.DataFrame, truth: str) -> pd.DataFrame:
    """Distance of one reader's points to the truth, as rows of `ErrorTable`; the mean over the readers.

    A detector's error can be compared with this distance. The comparison favours the readers, because their points are part of
    the mean: the distance of each of two readers to their mean is half the distance between the readers. Points that only one
    reader has placed are ignored, and so is the reader whose points are the truth.

    Args:
        landmarks: Points of all readers, including the truth.
        images: `image_id, pixel_size_mm` of the images whose distances are returned.
        truth: Reader or consensus whose points are the ground truth.

    Returns:
        Rows with stage `reader_to_truth`.
    """
    target = reader_points(landmarks, truth)
    others = beside_truth(landmarks[landmarks["image_id"].isin(images["image_id"])], target)
    return _mean_over([error_rows(rows, _restricted(target, rows), images, READER_TO_TRUTH) for rows in others.values()])


def beside_truth(landmarks: pd.DataFrame, truth: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The points that at least two readers have placed, by reader, without the reader whose points are the truth."""
    return {name: rows for name, rows in _twice_read(landmarks).items() if not _is_truth(rows, truth)}


def reader_pair(landmarks: pd.DataFrame) -> tuple[str, str] | None:
    """The two readers with the most images in common, the first pair by name; None if no two readers share an image."""
    images = {name: set(rows["image_id"]) for name, rows in _twice_read(landmarks).items()}
    shared = {pair: len(images[pair[0]] & images[pair[1]]) for pair in combinations(images, 2)}
    return max(shared, key=shared.__getitem__) if shared else None


def _twice_read(landmarks: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The points that at least two readers have placed, by reader."""
    rows = landmarks[landmarks["reader"] != CONSENSUS].dropna(subset=["x", "y"])
    rows = rows[rows.groupby(["image_id", "landmark"])["reader"].transform("nunique") > 1]
    return {str(name): group for name, group in rows.groupby("reader", sort=True)}


def _is_truth(rows: pd.DataFrame, truth: pd.DataFrame) -> bool:
    return bool((rows[["x", "y"]].to_numpy() == _restricted(truth, rows)[["x", "y"]].to_numpy()).all())


def _mean_over(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Mean error of each point over the tables that contain the point."""
    if not tables:
        return no_errors()
    together = pd.concat(tables, ignore_index=True).dropna(subset=["error_px"])
    keys = ["image_id", "patient", "stage", "landmark"]
    return together.groupby(keys, sort=False, as_index=False).agg({"has_truth": "any", "error_px": "mean", "error_mm": "mean"})


def _restricted(other: pd.DataFrame, one: pd.DataFrame) -> pd.DataFrame:
    """The points of `other` with a row for each landmark of `one`, in the same order."""
    keys = one[["image_id", "landmark"]]
    return keys.merge(other[["image_id", "landmark", "x", "y"]], on=["image_id", "landmark"], how="left")
