"""The uncertainty of a detector's points, as calibrated by the evaluation."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ceph_pipeline.detector.files import DetectorFiles
from ceph_pipeline.landmarks.tables import ENSEMBLE
from ceph_pipeline.uncertainty import UNCERTAINTY_FILE, StageUncertainty, judge_points, read_uncertainty

logger = logging.getLogger(__name__)

WITHOUT = "points have the networks' own standard deviations, without radii and flags"


@dataclass(frozen=True)
class DetectorUncertainty:
    """Uncertainty calibrated for some networks.

    Attributes:
        stages: Calibrated uncertainty by stage; empty without calibration.
    """

    stages: Mapping[str, StageUncertainty] = field(default_factory=dict)

    def judge(self, predictions: pd.DataFrame, pixel_size_mm: Mapping[str, float]) -> pd.DataFrame:
        """A detector's points with the columns of `judge_points`; unchanged if their stage has no calibrated uncertainty.

        A warning lists the landmarks without calibrated uncertainty.
        """
        if predictions.empty or (known := self.stages.get(str(predictions["stage"].iloc[0]))) is None:
            return predictions
        learned = {name for model in known.models.values() for name in model.landmarks}
        if strangers := [name for name in predictions["landmark"].unique() if name not in learned]:
            logger.warning(
                "no calibrated uncertainty for %s: these points have the networks' own standard deviations and no radii, and are "
                "flagged. Run the evaluation again with evaluation.landmarks: null.",
                ", ".join(strangers),
            )
        return judge_points(predictions, known.models, pixel_size_mm)

    def report(self, stage: str, settings: Mapping[str, Any]) -> None:
        """Log whether radii and flags are calibrated.

        Args:
            stage: The stage of the points.
            settings: Parameters that the points depend on; see `DetectorParams.point_settings`.
        """
        if (known := self.stages.get(stage)) is None:
            logger.info("no calibrated uncertainty for %s: %s", stage, WITHOUT)
        elif other := sorted(name for name in known.settings.keys() | settings if known.settings.get(name) != settings.get(name)):
            logger.warning(
                "uncertainty was calibrated with other parameters, radii and flags are approximate: %s. Set them to the values "
                "of the evaluation, or run the evaluation again.",
                "; ".join(f"detector.{name} was {known.settings.get(name)}, now {settings.get(name)}" for name in other),
            )
        else:
            model = next(iter(known.models.values()))
            promise = (
                f"{100 * model.level:g} % of true points lie within their radius" if model.bounded else "no radius is guaranteed"
            )
            logger.info("%s (calibrated on %d held-out sources)", promise, model.n_radius_sources)


def load_uncertainty(folder: Path, files: DetectorFiles) -> DetectorUncertainty:
    """Read the stages of `uncertainty.json` that were calibrated for these networks.

    Raises:
        UncertaintyError: the file is damaged.
    """
    file = folder / UNCERTAINTY_FILE
    if not file.is_file():
        logger.info("no %s: the evaluation has not run; %s", file, WITHOUT)
        return DetectorUncertainty()
    digests, together = files.digests(), len(files.stage1) > 1
    said = {stage: known for stage, known in read_uncertainty(file).items() if (stage == ENSEMBLE) == together}
    if together and not said:
        logger.info("%s contains no uncertainty of this ensemble: %s", file, WITHOUT)
    of_these_stages = {stage: known for stage, known in said.items() if known.networks.keys() <= digests.keys()}
    fitting = {stage: known for stage, known in of_these_stages.items() if known.networks.items() <= digests.items()}
    if stale := sorted(of_these_stages.keys() - fitting.keys()):
        pipeline = "evaluation_of_ensemble" if together else "evaluation"
        logger.warning("%s was calibrated for other networks (%s): run the pipeline %s again", file, ", ".join(stale), pipeline)
    return DetectorUncertainty(fitting)
