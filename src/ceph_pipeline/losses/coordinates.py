"""Regression losses on coordinates."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from ceph_pipeline.losses.pointwise import PointwiseLoss


class CoordinateLoss(PointwiseLoss):
    """Squared or smooth absolute error of each coordinate.

    `smooth_l1` is x² / 2 below 1 and |x| − ½ beyond, `mse` is x².

        >>> CoordinateLoss("smooth_l1")(torch.tensor([[[3.0, 0.0]]]), torch.zeros(1, 1, 2))
        tensor(2.5000)
    """

    def __init__(self, kind: Literal["smooth_l1", "mse"]) -> None:
        super().__init__()
        self._loss = functional.smooth_l1_loss if kind == "smooth_l1" else functional.mse_loss

    def pointwise(self, error: Tensor) -> Tensor:
        """The loss of each signed error, same shape."""
        return self._loss(error, torch.zeros_like(error), reduction="none")
