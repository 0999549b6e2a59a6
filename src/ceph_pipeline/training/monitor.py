"""The validation metric that a training monitors, and the metric that selects the weights to keep."""

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
    """A logged metric and the direction of improvement."""

    metric: str
    mode: Literal["min", "max"]

    def error(self, trainer: Trainer) -> float:
        """The last validation's value, negated if higher is better; NaN before the first validation."""
        value = trainer.callback_metrics.get(self.metric)
        if value is None:
            return math.nan
        return float(value) if self.mode == "min" else -float(value)


def error_metric(pixel_size_mm: NDArray[np.float64]) -> ErrorMetric:
    """The validation error that epochs are compared by: in mm, or in px if any image lacks a pixel size.

    Args:
        pixel_size_mm: Pixel sizes of the validation images with at least one landmark, NaN where unknown.
    """
    return "val/mre_mm" if len(pixel_size_mm) and np.isfinite(pixel_size_mm).all() else "val/mre_px"


def monitor_of(loop: LoopParams, error: ErrorMetric) -> Monitor:
    """The configured metric; `error` is the metric for `mre`, and is also monitored for `last`."""
    return Monitor("val/pck", "max") if loop.monitor == "pck" else Monitor(error, "min")


def kept_by(loop: LoopParams, monitor: Monitor) -> Monitor:
    """The metric that selects the weights to keep: the monitored metric, or the epoch's number for `last`."""
    return Monitor("epoch", "max") if loop.monitor == "last" else monitor
