"""What the callback records: located points, and how far a step moves the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from ceph_pipeline.training.health.record import LocatedPoints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.training.batch import Batch, LocatedBatch

_ENTRIES = 1024
"""Of each tensor, so that watching a large network costs a few MB; evenly strided."""


def located_points(located: LocatedBatch, batch: Batch) -> LocatedPoints:
    """The points of a batch; whole images have a channel a landmark, crops one channel whose landmark the batch names."""
    n, k = located.peak.shape
    landmark = batch.landmark[:, None] if k == 1 else torch.arange(k).expand(n, k)
    return LocatedPoints(
        landmark=landmark.cpu().numpy().reshape(-1),
        found=_doubles(located.found).reshape(-1, 2),
        truth=_doubles(located.truth).reshape(-1, 2),
        error_px=_doubles(located.error_px).reshape(-1),
        error_mm=_doubles(located.error_mm).reshape(-1),
        peak=_doubles(located.peak).reshape(-1),
    )


def from_all_ranks(points: LocatedPoints) -> LocatedPoints:
    """The points of every process of a distributed training, the same on each; without one, the points as they are."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return points
    parts: list[LocatedPoints] = [points] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(parts, points)
    return LocatedPoints.join(parts)


class StepSize:
    """How far a step moves the weights, relative to their size; a sample of each tensor stands for it.

    Args:
        net: With a `backbone` whose tensors are told apart from the others, the `heads`.
    """

    def __init__(self, net: nn.Module) -> None:
        backbone = cast("nn.Module", net.backbone)
        inside = {id(parameter) for parameter in backbone.parameters()}
        weights = [parameter for parameter in net.parameters() if parameter.ndim > 1]  # norms and biases may well be 0
        self._tensors = {
            "backbone": [parameter for parameter in weights if id(parameter) in inside],
            "heads": [parameter for parameter in weights if id(parameter) not in inside],
        }
        self._before = self._sample()

    def measure(self) -> dict[str, float]:
        """Median over the tensors of ‖change since this object was made‖ / ‖weights‖, by part; NaN for a part without any."""
        after = self._sample()
        return {part: _relative_change(self._before[part], after[part]) for part in after}

    def _sample(self) -> dict[str, list[Tensor]]:
        return {part: [_strided(tensor) for tensor in tensors] for part, tensors in self._tensors.items()}


def _strided(tensor: Tensor) -> Tensor:
    flat = tensor.detach().flatten()
    return flat[:: max(1, flat.numel() // _ENTRIES)].float().clone()


def _relative_change(before: list[Tensor], after: list[Tensor]) -> float:
    ratios = [
        torch.linalg.vector_norm(new - old) / size
        for old, new in zip(before, after, strict=True)
        if (size := torch.linalg.vector_norm(old)) > 0
    ]
    return float(torch.stack(ratios).median()) if ratios else float("nan")


def _doubles(values: Tensor) -> NDArray[np.float64]:
    return values.detach().cpu().numpy().astype(np.float64)
