"""Numbers of parameters and floating-point operations of a network."""

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from ceph_pipeline.models.landmark_net import LandmarkNet
from ceph_pipeline.models.refinement_net import RefinementNet


def count_parameters(net: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in net.parameters())


def count_flops(net: nn.Module, *inputs: Tensor) -> int:
    """Floating-point operations of a forward pass, counted without computing it; a multiply-add counts as two.

    Only convolutions and matrix products are counted, which account for nearly all operations.

    Args:
        net: The network; the mode of each module is restored.
        inputs: Inputs of the desired shape and type, such as `torch.zeros(1, 1, 512, 512)`, on the network's device.
    """
    modes = {module: module.training for module in net.modules()}
    with FakeTensorMode(allow_non_fake_inputs=True), FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(*inputs)
    for module, training in modes.items():
        module.training = training
    return int(counter.get_total_flops())


def describe_net(net: LandmarkNet | RefinementNet, input_size: tuple[int, int]) -> str:
    """Backbone, number of parameters and operations as text for the log.

    Args:
        net: The network, on any device.
        input_size: (width, height) px of the input.
    """
    width, height = input_size
    device = next(net.parameters()).device
    image = torch.zeros(1, 1, height, width, device=device)
    landmark = [torch.zeros(1, dtype=torch.int64, device=device)] if isinstance(net, RefinementNet) else []
    return (
        f"{net.features.backbone.name}, {count_parameters(net) / 1e6:.1f} million parameters, "
        f"{count_flops(net, image, *landmark) / 1e9:.1f} GFLOP for {width} × {height} px"
    )
