"""Parameters and folders of the detectors of an ensemble."""

import shutil
from pathlib import Path
from typing import TypeVar

from ceph_pipeline.artifacts import atomic_path
from ceph_pipeline.detector.files import STAGE1_FILE, STAGE2_FILE, DetectorFiles
from ceph_pipeline.training.params import Stage1Params, Stage2Params

Params = TypeVar("Params", Stage1Params, Stage2Params)


def reseeded(params: Params, number: int) -> Params:
    """The parameters of a stage's training with another seed.

    Args:
        params: Parameters of detector 0.
        number: Number of the detector, which is added to the seed.

    >>> reseeded(Stage1Params(), 2).loop.seed
    44
    """
    return params.model_copy(update={"loop": params.loop.model_copy(update={"seed": params.loop.seed + number})})


def copy_detector(detector: DetectorFiles, folder: Path) -> None:
    """Copy a detector's checkpoints to its own folder, each file atomically."""
    for checkpoints, place in ((detector.stage1, STAGE1_FILE), (detector.stage2, STAGE2_FILE)):
        for checkpoint in checkpoints:
            with atomic_path(folder / place) as temporary:
                shutil.copyfile(checkpoint, temporary)
