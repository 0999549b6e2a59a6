"""The detectors trained without each fold, as members of an ensemble."""

from pathlib import Path

import pandas as pd

from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.training.folds import listed_checkpoints


def fold_checkpoints(models: Path) -> tuple[list[Path], list[Path]]:
    """Both stages' checkpoints of the detectors trained without each fold: those of the evaluation's `ensemble`.

    The trainings' own tables list them, since a folder may also hold folds of an earlier deal, or one that is being trained.

    Raises:
        DetectorError: there are none of a stage, or its table is damaged.
        TrainingError: a checkpoint is not the one that the training wrote.
    """
    folder = models / "folds"
    stage1, stage2 = (listed_checkpoints(_table(folder / f"{stage}.parquet"), folder) for stage in ("stage1", "stage2"))
    if not stage1 or not stage2:
        raise DetectorError(
            f"{folder}: no detectors trained without a fold. Run the stage1 and stage2 pipelines with folds.count "
            "of at least 2, or set inference.ensemble to false."
        )
    return stage1, stage2


def _table(file: Path) -> pd.DataFrame:
    """What a training lists; no rows where it has not run."""
    try:
        return pd.read_parquet(file) if file.is_file() else pd.DataFrame()
    except (OSError, ValueError) as error:
        raise DetectorError(f"{file}: damaged ({error}). Delete it, and run the pipeline {file.stem} again.") from None
