"""Record the forward passes of a detector, and repeat them without the detector."""

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
    """Networks and their inputs, in the order of the calls.

    Attributes:
        calls: Pairs of a network and its input tensors, with unchanged shapes, number formats, layouts and devices.
    """

    calls: list[tuple[nn.Module, tuple[Tensor, ...]]]

    @torch.inference_mode()
    def replay(self) -> None:
        """Repeat the forward passes in the precision of inference, and discard the outputs."""
        for net, inputs in self.calls:
            with native_precision(inputs[0].device):
                net(*inputs)


def recorded_forwards(predict: Callable[[], object]) -> Forwards:
    """Run a detector, and record the inputs of its networks."""
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
