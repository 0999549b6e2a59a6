"""Wing loss on coordinates."""

import math

import torch
from torch import Tensor

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.losses.pointwise import PointwiseLoss


class WingLoss(PointwiseLoss):
    """Logarithmic near zero, linear beyond `width`; the gradient of small errors is larger than that of the absolute error.

    `w · ln(1 + |x| / ε)` for |x| < w, else `|x| − C` with `C = w − w · ln(1 + w / ε)`.

        >>> WingLoss()(torch.tensor([[[0.5, 0.0]]]), torch.zeros(1, 1, 2))
        tensor(2.2314)

    Args:
        width: w, in the coordinates' unit, above 0.
        curvature: ε, in the same unit, above 0.

    Raises:
        ValueError: width or curvature is not above 0.

    Source: Feng et al., Wing Loss for Robust Facial Landmark Localisation, CVPR 2018.
    """

    def __init__(self, width: float = 10.0, curvature: float = 2.0) -> None:
        super().__init__()
        if not (width > 0 and curvature > 0):
            raise InvalidValueError(f"Wing loss has width {width} and curvature {curvature}, expected both above 0.")
        self.width = width
        self.curvature = curvature
        self.offset = width - width * math.log1p(width / curvature)

    def pointwise(self, error: Tensor) -> Tensor:
        """The loss of each signed error, same shape."""
        size = error.abs()
        return torch.where(size < self.width, self.width * torch.log1p(size / self.curvature), size - self.offset)
