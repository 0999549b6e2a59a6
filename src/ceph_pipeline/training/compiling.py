"""Compiles networks with `torch.compile` if the platform supports it."""

from __future__ import annotations

import logging

import torch
from torch import nn

logger = logging.getLogger(__name__)


def compile_net(net: nn.Module, stage: str) -> bool:
    """Compile a network in place, so that its weights keep their names; logs a warning if compilation is not possible.

    Returns:
        Whether the network is compiled at its first forward pass.
    """
    reason = why_not(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    if reason:
        logger.warning("%s: torch.compile is not available (%s), the network is trained uncompiled", stage, reason)
        return False
    net.compile()
    return True


def why_not(device: torch.device) -> str:
    """Why this platform cannot compile; empty if a small test function was compiled.

    Compilation requires a C++ compiler on the CPU, and Triton and compute capability 7.0 or later on a GPU.
    """
    try:
        torch.compile(_probe)(torch.ones(8, device=device))
    except Exception as error:  # a missing compiler, driver or package raise different errors
        return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ""


def _probe(values: torch.Tensor) -> torch.Tensor:
    return values.sin() + 1
