"""Forward passes as a detector makes them, to be made again without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from ceph_pipeline.detector.forward import native_precision
from ceph_pipeline.models import LandmarkNet, RefinementNet

if TYPE_CHECKING:
    from torch import Tensor, nn

NETS = (LandmarkNet, RefinementNet)


@dataclass(frozen=True)
class Forwards:
    """Networks and what they were given, in the order of their calls.

    Attributes:
        calls: Each a network with its tensors: shapes, number formats, layouts and devices as they came.
    """

    calls: list[tuple[nn.Module, tuple[Tensor, ...]]]

    @torch.inference_mode()
    def replay(self) -> None:
        """Make the passes again, in inference's precision, and forget what comes out."""
        for net, inputs in self.calls:
            with native_precision(inputs[0].device):
                net(*inputs)


def recorded_forwards(predict: Callable[[], object]) -> Forwards:
    """Run a detector, and keep what its networks were given."""
    calls: list[tuple[nn.Module, tuple[Tensor, ...]]] = []

    def keep(net: nn.Module, inputs: Any) -> None:
        if isinstance(net, NETS):
            calls.append((net, tuple(tensor.clone() for tensor in inputs)))

    handle = register_module_forward_pre_hook(keep)
    try:
        predict()
    finally:
        handle.remove()
    return Forwards(calls)
