"""What the callback looks at: located points, weights before and after a step, the codec at the configured σ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from ceph_pipeline.heatmaps import decode, encode
from ceph_pipeline.losses import CombinedLoss
from ceph_pipeline.training.health.record import LocatedPoints, WatchedPoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from torch.utils.data import DataLoader

    from ceph_pipeline.training.batch import Batch, Located
    from ceph_pipeline.training.module import LandmarkModule
    from ceph_pipeline.training.sampling import Draw

_ENTRIES = 1024
"""Of each tensor, so that watching a large network costs a few MB; evenly strided."""

_NOISE = 0.02
"""Of a heatmap's peak: what a network's maps have that a target has not."""


class Identified(Protocol):
    """A data set whose items are images, or the crops of an image."""

    def image_id(self, item: int) -> str:
        """The image's identifier."""
        ...


def located_points(located: Located, batch: Batch) -> LocatedPoints:
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


def first_images(loader: DataLoader[Batch]) -> list[str]:
    """Identifiers of the images in a validation loader's first batch, whose order never changes."""
    dataset, batches = cast("Identified", loader.dataset), cast("Iterable[list[Draw]]", loader.batch_sampler)
    return [dataset.image_id(item) for _, item in next(iter(batches))]


def watched_points(
    located: Located, batch: Batch, image_ids: list[str], names: tuple[str, ...], n_landmarks: int, epoch: int
) -> list[WatchedPoint]:
    """Some landmarks of the first images of a batch, in px of the originals.

    Args:
        located: Of the batch.
        batch: Its rows are whole images, or for each image the same number of crops.
        image_ids: Those to watch: the batch's first ones.
        names: All landmarks, in channel order.
        n_landmarks: How many of each image, spread over the list.
        epoch: Of the validation.
    """
    points = located_points(located, batch)
    rows_each = len(points.landmark) // max(1, len(image_ids))
    truth, found = (_to_original(values, batch.to_original) for values in (located.truth, located.found))
    rows = []
    for number, image_id in enumerate(image_ids):
        first = number * rows_each
        chosen = np.unique(np.linspace(0, rows_each - 1, min(n_landmarks, rows_each)).round().astype(int)) + first
        rows += [
            WatchedPoint(
                epoch=epoch,
                image_id=image_id,
                landmark=names[points.landmark[row]],
                truth_x=truth[row, 0],
                truth_y=truth[row, 1],
                found_x=found[row, 0],
                found_y=found[row, 1],
                error_px=points.error_px[row],
                error_mm=points.error_mm[row],
            )
            for row in chosen
        ]
    return rows


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


def decoding_error(sigma: float) -> float:
    """Mean distance in heatmap px between random points and what is decoded from their targets under a little noise."""
    generator = torch.Generator().manual_seed(0)
    side = 2 * round(6 * sigma) + 13
    points = side / 2 - 1 + 2 * torch.rand(1, 256, 2, generator=generator)
    maps = encode(points, (side, side), sigma)
    noisy = maps + _NOISE * torch.randn(maps.shape, generator=generator)
    return float(torch.linalg.vector_norm(decode(noisy, sigma=sigma).xy - points, dim=-1).mean())


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


def _to_original(points: Tensor, maps: Tensor) -> NDArray[np.float64]:
    """Points `(N, K, 2)` in input px as `(N·K, 2)` in px of the originals."""
    moved = torch.einsum("nij,nkj->nki", maps[:, :, :2], points.float()) + maps[:, None, :, 2]
    return _doubles(moved).reshape(-1, 2)


def _doubles(values: Tensor) -> NDArray[np.float64]:
    return values.detach().cpu().numpy().astype(np.float64)


def gradient_ratio(module: LandmarkModule, batch: Batch) -> float | None:
    """Norm of the combined loss's coordinate gradient over its heatmap gradient, both weighted, on a batch's heatmaps.

    Returns:
        None for a loss without two landmark terms.
    """
    loss = module.landmark_loss.loss
    if not isinstance(loss, CombinedLoss):
        return None
    with torch.no_grad():
        logits = module(batch).heatmaps.float()
    with torch.inference_mode(False), torch.enable_grad():  # validation computes without gradients
        heatmaps = logits.clone().requires_grad_()
        targets = (batch.points.clone() + 0.5) / module.trained.stride - 0.5
        terms = loss.terms(heatmaps, targets.nan_to_num(0), torch.isfinite(targets).all(-1))
        dark, wing = (torch.autograd.grad(term, heatmaps, retain_graph=True)[0].norm() for term in terms)
    return float(loss.wing_weight * wing / (loss.dark_weight * dark))
