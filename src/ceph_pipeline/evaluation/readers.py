"""How far apart the readers are: the noise of the truth itself."""

from itertools import combinations

import pandas as pd

from ceph_pipeline.evaluation.errors import error_rows
from ceph_pipeline.evaluation.stages import INTER_READER
from ceph_pipeline.landmarks.tables import CONSENSUS


def inter_reader_rows(landmarks: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Distance between two readers' points, as rows of `ErrorTable`; the mean over pairs where there are more readers.

    A prediction is measured against the readers' mean, so that each of two readers is half this distance from it.

    Args:
        landmarks: All readers' points.
        images: `image_id, pixel_size_mm`; their distances are given.

    Returns:
        Rows labelled `inter_reader`; none where an image set has a single reader.
    """
    rows = landmarks[landmarks["image_id"].isin(images["image_id"]) & (landmarks["reader"] != CONSENSUS)]
    points = [group for _, group in rows.groupby("reader", sort=True)]
    pairs = [error_rows(one, _restricted(other, one), images, INTER_READER) for one, other in combinations(points, 2)]
    if not pairs:
        return error_rows(rows.head(0), rows, images, INTER_READER)
    together = pd.concat(pairs, ignore_index=True)
    keys = ["image_id", "stage", "landmark"]
    return together.groupby(keys, sort=False, as_index=False).agg({"has_truth": "any", "error_px": "mean", "error_mm": "mean"})


def reader_pair(landmarks: pd.DataFrame) -> tuple[str, str] | None:
    """The first two readers by name, beside the consensus; None where there are fewer."""
    names = sorted(str(name) for name in landmarks["reader"].unique() if name != CONSENSUS)
    return (names[0], names[1]) if len(names) > 1 else None


def _restricted(other: pd.DataFrame, one: pd.DataFrame) -> pd.DataFrame:
    """The other reader's points with a row for every landmark of the first, so that the two tables have the same shape."""
    keys = one[["image_id", "landmark"]]
    return keys.merge(other[["image_id", "landmark", "x", "y"]], on=["image_id", "landmark"], how="left")
