"""The CVM stages that stage 1's head says, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ceph_pipeline.detector.forward import CVM_PROBABILITY, CVM_STAGE
from ceph_pipeline.landmarks.tables import empty_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

COLUMNS = {"image_id": str, "cvm_stage": int, "probability": float}


def cvm_rows(image_ids: Sequence[str], outputs: Mapping[str, NDArray[np.float64]]) -> pd.DataFrame:
    """Rows `image_id, cvm_stage (1–6), probability (0–1, of that stage)`; none of a network without such a head.

    Args:
        image_ids: N images.
        outputs: `(N,)` by name, as in `WholeImageAnswers`.
    """
    if CVM_STAGE not in outputs:
        return empty_table(COLUMNS)
    rows = {"image_id": list(image_ids), "cvm_stage": outputs[CVM_STAGE], "probability": outputs[CVM_PROBABILITY]}
    return pd.DataFrame(rows).astype(COLUMNS)
