"""What the evaluation says about the uncertainty of a detector's points."""

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

WITHOUT = "points come with the networks' own standard deviations, without radii and flags"


@dataclass(frozen=True)
class DetectorUncertainty:
    """Uncertainty learned for some networks.

    Attributes:
        stages: By stage; empty where nothing is known.
    """

    stages: Mapping[str, StageUncertainty] = field(default_factory=dict)

    def judge(self, predictions: pd.DataFrame, pixel_size_mm: Mapping[str, float]) -> pd.DataFrame:
        """A detector's points with the columns of `judge_points`, or as they are where nothing is known of their stage.

        A warning names the landmarks that nothing was learned about.
        """
        if predictions.empty or (known := self.stages.get(str(predictions["stage"].iloc[0]))) is None:
            return predictions
        learned = {name for model in known.models.values() for name in model.landmarks}
        if strangers := [name for name in predictions["landmark"].unique() if name not in learned]:
            logger.warning(
                "nothing is known about the uncertainty of %s: these points come with the networks' own standard deviations, "
                "without radii, and flagged. Run the evaluation again with evaluation.landmarks: null.",
                ", ".join(strangers),
            )
        return judge_points(predictions, known.models, pixel_size_mm)

    def report(self, stage: str, settings: Mapping[str, Any]) -> None:
        """Log one line on whether radii and flags are calibrated.

        Args:
            stage: Of the points.
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
                f"{100 * model.level:g} % of true points lie within their radius" if model.bounded else "no radius is promised"
            )
            logger.info("%s (learned from %d held-out sources)", promise, model.n_radius_sources)


def load_uncertainty(folder: Path, files: DetectorFiles) -> DetectorUncertainty:
    """Read `uncertainty.json` of a folder, as far as it was learned for these networks.

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
        logger.info("%s says nothing of these detectors together: %s", file, WITHOUT)
    asked = {stage: known for stage, known in said.items() if known.networks.keys() <= digests.keys()}
    fitting = {stage: known for stage, known in asked.items() if known.networks.items() <= digests.items()}
    if stale := sorted(asked.keys() - fitting.keys()):
        pipeline = "evaluation_of_ensemble" if together else "evaluation"
        logger.warning(
            "%s was learned for other networks than these (%s): run the pipeline %s again", file, ", ".join(stale), pipeline
        )
    return DetectorUncertainty(fitting)
