"""What a training is after: the validation figure that decides which weights are best."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from lightning import Trainer
    from numpy.typing import NDArray

    from ceph_pipeline.training.params import LoopParams

Monitor = Literal["val/mre_mm", "val/mre_px"]


class Goal(NamedTuple):
    """A logged figure and its better direction.

    Attributes:
        metric: Its name in the log.
        mode: Whether lower or higher is better.
    """

    metric: str
    mode: Literal["min", "max"]

    def error(self, trainer: Trainer) -> float:
        """The last validation's figure, turned so that lower is better."""
        value = trainer.callback_metrics.get(self.metric)
        if value is None:
            return math.nan
        return float(value) if self.mode == "min" else -float(value)


def monitored(pixel_size_mm: NDArray[np.float64]) -> Monitor:
    """The validation error to go by: in mm, or in px where no pixel size is known."""
    return "val/mre_mm" if np.isfinite(pixel_size_mm).any() else "val/mre_px"


def goal_of(loop: LoopParams, error: Monitor) -> Goal:
    """The goal that the parameters name, with this validation error where it is the error."""
    return Goal("val/pck", "max") if loop.monitor == "pck" else Goal(error, "min")
