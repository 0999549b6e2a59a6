"""torch.compile where the platform can."""

from __future__ import annotations

import logging

import torch
from torch import nn

logger = logging.getLogger(__name__)


def compile_net(net: nn.Module, stage: str) -> bool:
    """Compile a network in place, so that its weights keep their names; says so where that is not possible.

    Returns:
        Whether it will be compiled.
    """
    reason = why_not(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    if reason:
        logger.warning("%s: torch.compile does not work here (%s), the network trains uncompiled", stage, reason)
        return False
    net.compile()
    return True


def why_not(device: torch.device) -> str:
    """What keeps this platform from compiling; empty where a first, tiny function could be compiled.

    Compiling needs a C++ compiler on the CPU, and Triton with a card of compute capability 7.0 or later on a GPU.
    """
    try:
        torch.compile(_probe)(torch.ones(8, device=device))
    except Exception as error:  # a missing compiler, driver or package each raise their own
        return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ""


def _probe(values: torch.Tensor) -> torch.Tensor:
    return values.sin() + 1
