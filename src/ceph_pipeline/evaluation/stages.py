"""Names of compared predictions: the detector's stages, the mean-shape baseline and the readers."""

import pandas as pd

from ceph_pipeline.landmarks.tables import ENSEMBLE, STAGES

MEAN_SHAPE = "mean_shape"
"""The mean-shape baseline, which does not use the image."""

INTER_READER = "inter_reader"
"""The distance between two readers."""

READER_TO_TRUTH = "reader_to_truth"
"""The distance of one reader to the truth (by default the readers' mean); a reference for the detector's error."""

OFFSET_REMOVED = "offset_removed"
"""The last stage after subtracting one constant offset per landmark; see `offsets`."""

READERS_FLOOR = "readers_floor"
"""Half of two readers' difference without constant offsets: the error of a perfect predictor of their mean."""

BESIDE = (READER_TO_TRUTH, OFFSET_REMOVED, READERS_FLOOR)
"""References that are compared with the detector's stages."""

LABELS = {
    "stage1": "stage 1",
    "stage1_tta": "stage 1 + TTA",
    "stage2": "stage 2",
    "stage2_tta": "stage 2 + TTA",
    ENSEMBLE: "ensemble",
    MEAN_SHAPE: "mean shape",
    INTER_READER: "reader to reader",
    READER_TO_TRUTH: "reader to truth",
    OFFSET_REMOVED: "last stage, offsets removed",
    READERS_FLOOR: "readers' random half",
}
"""Labels in figures and tables."""

COMPARISONS = (
    ("stage2", "stage1"),
    ("stage2_tta", "stage1_tta"),
    ("stage1_tta", "stage1"),
    ("stage2_tta", "stage2"),
    ("stage2_tta", "stage1"),
    (ENSEMBLE, "stage2_tta"),
    (ENSEMBLE, "stage1"),
)
"""New and old stage of the paired comparisons: gain by refinement, gain by TTA, and gain of each over stage 1."""


def stages_in(table: pd.DataFrame) -> list[str]:
    """The detector's stages in a table's `stage` column, in their order."""
    present = set(table["stage"])
    return [stage for stage in STAGES if stage in present]


def last_stage(table: pd.DataFrame) -> str:
    """The last of the detector's stages with a value in a table of points or errors; empty without any value.

    >>> last_stage(pd.DataFrame({"stage": ["stage1", "stage2"], "x": [3.0, float("nan")]}))
    'stage1'
    """
    value = next(column for column in ("x", "error_px", "mre_px") if column in table)
    stages = stages_in(table.dropna(subset=value))
    return stages[-1] if stages else ""
