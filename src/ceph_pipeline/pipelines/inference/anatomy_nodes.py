"""Node that judges the heads in new X-rays."""

from pathlib import Path

import pandas as pd

from ceph_pipeline.inference.params import InferenceParams


def judge_new_heads(located: pd.DataFrame, models: Path, params: InferenceParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Points with what the anatomical prior says of them, and how plausible each head is."""
    from ceph_pipeline.inference import anatomy

    found = anatomy.judge_new_heads(located, models, params.anatomy)
    return found.predictions, found.heads
