"""Losses of the landmark and CVM heads, masked where a truth is missing."""

from ceph_pipeline.losses.adaptive_wing import AdaptiveWingLoss
from ceph_pipeline.losses.combined import CombinedLoss
from ceph_pipeline.losses.cross_entropy import SoftmaxCrossEntropy
from ceph_pipeline.losses.cvm import MeasurementLoss, OrdinalLoss, predicted_stage
from ceph_pipeline.losses.dark import DarkLoss
from ceph_pipeline.losses.landmark import Activation, LandmarkLoss, LandmarkLossModule, LossKind, create_loss
from ceph_pipeline.losses.wing import WingLoss

__all__ = [
    "Activation",
    "AdaptiveWingLoss",
    "CombinedLoss",
    "DarkLoss",
    "LandmarkLoss",
    "LandmarkLossModule",
    "LossKind",
    "MeasurementLoss",
    "OrdinalLoss",
    "SoftmaxCrossEntropy",
    "WingLoss",
    "create_loss",
    "predicted_stage",
]
