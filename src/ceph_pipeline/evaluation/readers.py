"""How far the readers are from each other, and each of them from the truth that predictions are measured against."""

from itertools import combinations

import pandas as pd

from ceph_pipeline.evaluation.errors import error_rows, no_errors
from ceph_pipeline.evaluation.stages import INTER_READER, READER_TO_TRUTH
from ceph_pipeline.landmarks.tables import CONSENSUS, reader_points


def inter_reader_rows(landmarks: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Distance between two readers' points, as rows of `ErrorTable`; the mean over pairs where there are more readers.

    Args:
        landmarks: All readers' points.
        images: `image_id, pixel_size_mm`; their distances are given.

    Returns:
        Rows labelled `inter_reader`; none where an image set has a single reader.
    """
    points = _by_reader(landmarks, images)
    return _mean_over(
        [
            error_rows(points[one], _restricted(points[other], points[one]), images, INTER_READER)
            for one, other in combinations(points, 2)
        ]
    )


def reader_to_truth_rows(landmarks: pd.DataFrame, images: pd.DataFrame, truth: str) -> pd.DataFrame:
    """Distance of one reader's points to the truth, as rows of `ErrorTable`; the mean over the readers.

    This is what a detector may be compared with: of two readers each is half their distance from their mean. It favours the
    readers, whose own points are part of the mean.

    Args:
        landmarks: All readers' points, the truth among them.
        images: `image_id, pixel_size_mm`; their distances are given.
        truth: Reader or consensus whose points count as the truth.

    Returns:
        Rows labelled `reader_to_truth`; none where an image set has a single reader.
    """
    points = _by_reader(landmarks, images)
    if len(points) < 2:
        return no_errors()
    target = reader_points(landmarks, truth)
    others = [rows for name, rows in points.items() if name != truth]
    return _mean_over([error_rows(rows, target, images, READER_TO_TRUTH) for rows in others])


def reader_pair(landmarks: pd.DataFrame) -> tuple[str, str] | None:
    """The first two readers by name, beside the consensus; None where there are fewer."""
    names = sorted(str(name) for name in landmarks["reader"].unique() if name != CONSENSUS)
    return (names[0], names[1]) if len(names) > 1 else None


def _by_reader(landmarks: pd.DataFrame, images: pd.DataFrame) -> dict[str, pd.DataFrame]:
    rows = landmarks[landmarks["image_id"].isin(images["image_id"]) & (landmarks["reader"] != CONSENSUS)]
    return {str(name): group for name, group in rows.groupby("reader", sort=True)}


def _mean_over(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Mean error of each point over tables of the same points."""
    if not tables:
        return no_errors()
    together = pd.concat(tables, ignore_index=True)
    keys = ["image_id", "stage", "landmark"]
    return together.groupby(keys, sort=False, as_index=False).agg({"has_truth": "any", "error_px": "mean", "error_mm": "mean"})


def _restricted(other: pd.DataFrame, one: pd.DataFrame) -> pd.DataFrame:
    """The other reader's points with a row for every landmark of the first, so that the two tables have the same shape."""
    keys = one[["image_id", "landmark"]]
    return keys.merge(other[["image_id", "landmark", "x", "y"]], on=["image_id", "landmark"], how="left")
