"""Values that the callback records: predicted points, and the size of a step relative to the weights."""

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
"""Maximum number of evenly strided entries per tensor, so that the copy of a large network needs only a few MB."""


def located_points(located: LocatedBatch, batch: Batch) -> LocatedPoints:
    """The points of a batch: one channel per landmark for whole images, one channel of the given landmark for crops."""
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
    """The points of all processes of a distributed training; unchanged for a single process."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return points
    parts: list[LocatedPoints] = [points] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(parts, points)
    return LocatedPoints.join(parts)


class StepSize:
    """The change of the weights in a step, relative to their size, measured on a sample of each tensor.

    Args:
        net: A network with a `backbone`; the other tensors are the `heads`.
    """

    def __init__(self, net: nn.Module) -> None:
        backbone = cast("nn.Module", net.backbone)
        inside = {id(parameter) for parameter in backbone.parameters()}
        weights = [parameter for parameter in net.parameters() if parameter.ndim > 1]  # norms and biases can be 0
        self._tensors = {
            "backbone": [parameter for parameter in weights if id(parameter) in inside],
            "heads": [parameter for parameter in weights if id(parameter) not in inside],
        }
        self._before = self._sample()

    def measure(self) -> dict[str, float]:
        """Median over tensors of ‖change since the creation of this object‖ / ‖weights‖, by part; NaN for empty parts."""
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
