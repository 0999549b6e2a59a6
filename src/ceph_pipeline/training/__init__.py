"""Training of both stages. Importing this package does not import torch; its modules do."""

from ceph_pipeline.errors import CephError
from ceph_pipeline.training.params import Stage1Params, Stage2Params
from ceph_pipeline.training.pipeline_params import CompareParams, EnsembleParams, FoldParams

__all__ = ["CompareParams", "EnsembleParams", "FoldParams", "Stage1Params", "Stage2Params", "TrainingError"]


class TrainingError(CephError, RuntimeError):
    """A training cannot start or resume, or has failed."""
