"""Parameters of the `archive` pipeline.

Does not import torch, because Kedro resolves these types when it registers the pipelines.
"""

from pydantic import Field, PositiveInt

from ceph_pipeline.artifacts import Params, WorkerParams
from ceph_pipeline.calibration import CalibrationParams
from ceph_pipeline.cephalometry import CephalometryParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.inference.params import InferenceParams
from ceph_pipeline.plausibility import PlausibilityParams


class ArchiveParams(WorkerParams):
    """The `archive` pipeline: batch inference for collections of X-rays that do not fit into memory."""

    part_size: PositiveInt = Field(64, description="average number of films in a part; each part becomes one file of every table")


class ArchiveSettings(Params):
    """The parameters that the `archive` pipeline shares with `inference`."""

    detector: DetectorParams = DetectorParams()
    inference: InferenceParams = InferenceParams()
    calibration: CalibrationParams = CalibrationParams()
    cephalometry: CephalometryParams = CephalometryParams()
    plausibility: PlausibilityParams = PlausibilityParams()
