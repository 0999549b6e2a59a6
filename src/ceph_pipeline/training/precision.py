"""Which number formats a device computes in."""

from __future__ import annotations

from typing import Literal

import torch

LightningPrecision = Literal["32-true", "bf16-mixed", "16-mixed"]


def computes_bfloat16(device_type: str) -> bool:
    """Whether a device of this type (`cuda`, `cpu`, …) here multiplies bfloat16 natively, which is 2–4 times as fast."""
    if device_type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device_type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def lightning_precision(precision: str) -> LightningPrecision:
    """Lightning's name of a precision; `auto` takes bfloat16 where it is native, float16 on older GPUs, float32 elsewhere."""
    if precision == "auto":
        has_gpu = torch.cuda.is_available()
        native = computes_bfloat16("cuda" if has_gpu else "cpu")
        precision = "bfloat16" if native else "float16" if has_gpu else "float32"
    names: dict[str, LightningPrecision] = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}
    return names[precision]
