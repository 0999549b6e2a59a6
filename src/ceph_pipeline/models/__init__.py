"""Networks: timm backbones with heads for landmarks, for the CVM stage and for crops around one landmark."""

from ceph_pipeline.models.backbones import UnknownBackboneError
from ceph_pipeline.models.landmark_net import LandmarkNet, LandmarkOutput, count_parameters, create_landmark_net
from ceph_pipeline.models.refinement_net import RefinementNet, create_refinement_net
from ceph_pipeline.models.weights import CheckpointError, WeightsReport, load_backbone_weights

__all__ = [
    "CheckpointError",
    "LandmarkNet",
    "LandmarkOutput",
    "RefinementNet",
    "UnknownBackboneError",
    "WeightsReport",
    "count_parameters",
    "create_landmark_net",
    "create_refinement_net",
    "load_backbone_weights",
]
