"""Depthwise convolutions that compute in float32 on a CPU, also under bfloat16 autocast.

oneDNN has no fast backward pass for depthwise convolutions in bfloat16: that pass takes three quarters of a training step
(docs/networks.md).
"""

import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn


class _Float32OnCpu(nn.Conv2d):
    """A convolution that disables autocast on a CPU and is unchanged on other devices."""

    def forward(self, input: Tensor) -> Tensor:
        """The convolution of `(N, C, H, W)`."""
        if input.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.float())


class DepthwiseConv2d(_Float32OnCpu):
    """Torch's convolution."""


class DepthwiseConv2dSame(_Float32OnCpu, Conv2dSame):
    """timm's convolution with the padding of TensorFlow."""


_REPLACEMENTS: dict[type[nn.Conv2d], type[nn.Conv2d]] = {nn.Conv2d: DepthwiseConv2d, Conv2dSame: DepthwiseConv2dSame}


def keep_depthwise_in_float32(net: nn.Module) -> None:
    """Make the depthwise convolutions of a network compute in float32 on a CPU; weights and keys are unchanged."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1:
            module.__class__ = _REPLACEMENTS.get(type(module), type(module))
