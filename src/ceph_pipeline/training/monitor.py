"""The validation metric that steers a training, and the one that says which weights are kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from lightning import Trainer
    from numpy.typing import NDArray

    from ceph_pipeline.training.params import LoopParams

ErrorMetric = Literal["val/mre_mm", "val/mre_px"]


class Monitor(NamedTuple):
    """A logged metric and its better direction."""

    metric: str
    mode: Literal["min", "max"]

    def error(self, trainer: Trainer) -> float:
        """The last validation's value, with its sign turned where higher is better; NaN before the first validation."""
        value = trainer.callback_metrics.get(self.metric)
        if value is None:
            return math.nan
        return float(value) if self.mode == "min" else -float(value)


def error_metric(pixel_size_mm: NDArray[np.float64]) -> ErrorMetric:
    """The validation error to compare epochs by, so that all images count: in px where one of them has no pixel size.

    Args:
        pixel_size_mm: Of the validation images that show a landmark, NaN where unknown.
    """
    return "val/mre_mm" if len(pixel_size_mm) and np.isfinite(pixel_size_mm).all() else "val/mre_px"


def monitor_of(loop: LoopParams, error: ErrorMetric) -> Monitor:
    """The metric that the parameters name; `error` is the one that `mre` stands for, and what is watched with `last`."""
    return Monitor("val/pck", "max") if loop.monitor == "pck" else Monitor(error, "min")


def kept_by(loop: LoopParams, monitor: Monitor) -> Monitor:
    """What says which validation's weights are kept: the monitor, or the number of the epoch."""
    return Monitor("epoch", "max") if loop.monitor == "last" else monitor
