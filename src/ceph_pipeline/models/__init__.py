"""Networks: timm backbones with heads for landmarks, for the CVM stage, for measurements and for crops."""

from ceph_pipeline.models.backbones import UnknownBackboneError
from ceph_pipeline.models.landmark_net import LandmarkNet, LandmarkOutput, create_landmark_net
from ceph_pipeline.models.refinement_net import RefinementNet, create_refinement_net
from ceph_pipeline.models.size import count_flops, count_parameters, describe_net
from ceph_pipeline.models.weights import WeightsError, WeightsMismatchError, load_backbone_weights

__all__ = [
    "LandmarkNet",
    "LandmarkOutput",
    "RefinementNet",
    "UnknownBackboneError",
    "WeightsError",
    "WeightsMismatchError",
    "count_flops",
    "count_parameters",
    "create_landmark_net",
    "create_refinement_net",
    "describe_net",
    "load_backbone_weights",
]
