"""Number formats and memory layouts of the timed networks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ceph_pipeline.detector.precision import computes_bfloat16
from ceph_pipeline.errors import CephError
from ceph_pipeline.training.compiling import why_not

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ceph_pipeline.benchmark.params import Configuration


class CannotCompileError(CephError, RuntimeError):
    """torch.compile does not work on this platform."""


@dataclass(frozen=True)
class Arithmetic:
    """One configuration on one device.

    Attributes:
        device: Device of the computation.
        dtype: Number format of autocast; None: float32 without TF32.
        layout: Memory layout of images and weights.
        compiled: Whether networks are compiled.
    """

    device: torch.device
    dtype: torch.dtype | None
    layout: torch.memory_format
    compiled: bool

    @classmethod
    def of(cls, configuration: Configuration, device: torch.device) -> Arithmetic:
        """The arithmetic for the name of a configuration."""
        half = torch.float16 if device.type == "cuda" and not computes_bfloat16("cuda") else torch.bfloat16
        return cls(
            device,
            half if configuration.startswith("amp") else None,
            torch.channels_last if "channels_last" in configuration else torch.contiguous_format,
            configuration.endswith("compile"),
        )

    def prepare(self, net: nn.Module) -> None:
        """Move a network to the device and into the layout; a compiled network is compiled at its first call.

        Raises:
            CannotCompileError: torch.compile does not work on this platform.
        """
        net.to(self.device).to(memory_format=self.layout)
        if self.compiled:
            if reason := why_not(self.device):
                raise CannotCompileError(reason)
            net.compile()

    def place(self, images: Tensor) -> Tensor:
        """Images on the device, in the layout."""
        return images.to(self.device).contiguous(memory_format=self.layout)

    def autocast(self) -> torch.autocast:
        """The context of a forward pass."""
        return torch.autocast(self.device.type, self.dtype or torch.bfloat16, enabled=self.dtype is not None)

    def scaler(self) -> torch.amp.GradScaler:
        """The gradient scaler, which is enabled only for float16."""
        return torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)


@contextmanager
def without_tf32() -> Iterator[None]:
    """Disable TF32 for convolutions and matrix products, so that float32 is computed exactly in float32."""
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolutions, products
