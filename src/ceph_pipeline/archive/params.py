"""Settings of the archive pipeline. Free of torch: Kedro resolves these types when it registers the pipelines."""

from pydantic import Field, PositiveInt

from ceph_pipeline.artifacts import Params, WorkerParams
from ceph_pipeline.calibration import CalibrationParams
from ceph_pipeline.cephalometry import CephalometryParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.inference.params import InferenceParams
from ceph_pipeline.plausibility import PlausibilityParams


class ArchiveParams(WorkerParams):
    """The `archive` pipeline: landmarks and measurements of more X-rays than memory holds."""

    part_size: PositiveInt = Field(64, description="films worked on together, on average; each part is a file of every table")


class ArchiveSettings(Params):
    """What an archive's films are treated with: the parameters that `inference` has too."""

    detector: DetectorParams = DetectorParams()
    inference: InferenceParams = InferenceParams()
    calibration: CalibrationParams = CalibrationParams()
    cephalometry: CephalometryParams = CephalometryParams()
    plausibility: PlausibilityParams = PlausibilityParams()
