"""Lightning's names of number formats."""

from __future__ import annotations

from typing import Literal

import torch

from ceph_pipeline.detector.precision import computes_bfloat16

LightningPrecision = Literal["32-true", "bf16-mixed", "16-mixed"]


def lightning_precision(precision: str) -> LightningPrecision:
    """Lightning's name of a precision; `auto` selects native bfloat16 if available, else float16 on GPUs, else float32."""
    if precision == "auto":
        has_gpu = torch.cuda.is_available()
        native = computes_bfloat16("cuda" if has_gpu else "cpu")
        precision = "bfloat16" if native else "float16" if has_gpu else "float32"
    names: dict[str, LightningPrecision] = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}
    return names[precision]
