"""Changes of measurements between two films of a patient, compared with the measurement error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ceph_pipeline.cephalometry.measurement import Measurement
from ceph_pipeline.cephalometry.measuring import Result

SD_OF_ERROR = 1.96
"""Width of the 95 % interval in standard deviations: 95 % of repeated measurements differ by less."""


@dataclass(frozen=True)
class MeasurementChange:
    """One measurement at two times.

    Attributes:
        measurement: Entry in the table of measurements.
        first: Value in the first film.
        second: Value in the second film.
        sigma: Standard deviation of the change, for independent errors of the films; None if one error is unknown.
    """

    measurement: Measurement
    first: float
    second: float
    sigma: float | None

    @property
    def change(self) -> float:
        """Second value minus first value."""
        return self.second - self.first

    @property
    def error(self) -> float | None:
        """Limit of 95 % of the changes that are due to measurement error alone; None if sigma is unknown."""
        return None if self.sigma is None else SD_OF_ERROR * self.sigma

    @property
    def exceeds_error(self) -> bool | None:
        """Whether the change exceeds its error; None if the error is unknown."""
        return None if self.error is None else abs(self.change) > self.error


def changes(first: Mapping[str, Result], second: Mapping[str, Result]) -> dict[str, MeasurementChange]:
    """Compare the measurements that both films have.

    Args:
        first: Results of `assess` for the first film.
        second: Results of `assess` for the second film.

    Returns:
        Changes by key; a measurement that is missing in one film is omitted.
    """
    found = {}
    for key, one in first.items():
        two = second.get(key)
        if two is None or one.value is None or two.value is None:
            continue
        known = one.sigma is not None and two.sigma is not None
        sigma = math.hypot(one.sigma or 0.0, two.sigma or 0.0) if known else None
        found[key] = MeasurementChange(one.measurement, one.value, two.value, sigma)
    return found
