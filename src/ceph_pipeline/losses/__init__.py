"""Losses of the landmark and CVM heads; missing targets are masked."""

from ceph_pipeline.losses.adaptive_wing import AdaptiveWingLoss
from ceph_pipeline.losses.combined import CombinedLoss
from ceph_pipeline.losses.coordinates import CoordinateLoss
from ceph_pipeline.losses.cross_entropy import SoftmaxCrossEntropy
from ceph_pipeline.losses.cvm import MeasurementLoss, OrdinalLoss, predicted_stage, stage_probabilities
from ceph_pipeline.losses.dark import DarkLoss
from ceph_pipeline.losses.landmark import LossKind, activation_of, create_loss
from ceph_pipeline.losses.masking import mean_over_ranks
from ceph_pipeline.losses.wing import WingLoss

__all__ = [
    "AdaptiveWingLoss",
    "CombinedLoss",
    "CoordinateLoss",
    "DarkLoss",
    "LossKind",
    "MeasurementLoss",
    "OrdinalLoss",
    "SoftmaxCrossEntropy",
    "WingLoss",
    "activation_of",
    "create_loss",
    "mean_over_ranks",
    "predicted_stage",
    "stage_probabilities",
]
