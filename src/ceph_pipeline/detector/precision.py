"""The number formats that a device multiplies natively."""

import torch


def computes_bfloat16(device_type: str) -> bool:
    """Whether this machine's device of a type (`cuda`, `cpu`, …) multiplies bfloat16 natively, which is 2–4 times as fast."""
    if device_type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device_type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False
