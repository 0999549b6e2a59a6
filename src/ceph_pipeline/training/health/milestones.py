"""Milestones of a healthy training of 250 epochs, compared at the same share of the configured epochs."""

import math

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from ceph_pipeline.training.health.record import TrainingRecord

FULL_EPOCHS = 250

MRE_MM = {5: 20.0, 20: 10.0, 50: 5.0, 100: 2.5, 150: 2.0, 250: 1.7}
SDR_PERCENT = {30: 50.0, 50: 60.0, 100: 70.0, 150: 75.0, 250: 80.0}


class MilestoneTable(pa.DataFrameModel):
    """One row per due milestone of a healthy training, met or not."""

    measure: Series[str] = pa.Field(isin=("MRE mm", "SDR 2 mm %"))
    of_250: Series[int] = pa.Field(description="epoch of the milestone in a training of 250 epochs")
    epoch: Series[int] = pa.Field(ge=1, description="epoch at the same share of this training's epochs")
    expected: Series[float] = pa.Field(description="upper limit of MRE, lower limit of SDR")
    reached: Series[float] = pa.Field(description="best value up to that epoch")
    met: Series[bool]

    class Config:
        """Types are coerced, and additional columns are rejected."""

        coerce = True
        strict = True


def compare(record: TrainingRecord) -> pd.DataFrame:
    """Rows of `MilestoneTable` for the milestones that are due; no rows if no pixel size is known.

    A milestone of epoch e is due in epoch ⌈e · planned / 250⌉, and is compared with the best value up to that epoch.
    """
    rows = []
    for measure, curve, expected, best in (
        ("MRE mm", "val/mre_mm", MRE_MM, min),
        ("SDR 2 mm %", "val/sdr_2mm", SDR_PERCENT, max),
    ):
        epochs, values = record.curve(curve)
        for of_250, goal in expected.items():
            due = math.ceil(of_250 * record.planned_epochs / FULL_EPOCHS)
            until = values[(epochs <= due) & np.isfinite(values)]
            if not len(until) or due > record.epochs[-1].epoch:
                continue
            reached = float(best(until))
            met = reached < goal if best is min else reached > goal
            rows.append((measure, of_250, due, goal, reached, met))
    return pd.DataFrame(rows, columns=["measure", "of_250", "epoch", "expected", "reached", "met"])


def summary(milestones: pd.DataFrame) -> str:
    """One line with the numbers of met milestones."""
    parts = [f"{rows['met'].sum()} of {len(rows)} for {measure}" for measure, rows in milestones.groupby("measure", sort=False)]
    return f"milestones met: {', '.join(parts)} (expected of a training of 250 epochs; a short training may miss some)"
