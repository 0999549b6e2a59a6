"""What has changed between two films of one person, and whether more than their errors explain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ceph_pipeline.cephalometry.measurement import Measurement
from ceph_pipeline.cephalometry.measuring import Result

SD_OF_ERROR = 1.96
"""An error's reach in standard deviations: 95 % of repeated measurements differ by less."""


@dataclass(frozen=True)
class MeasurementChange:
    """One measurement at two times.

    Attributes:
        measurement: Its entry in the table.
        first: Its value in the first film.
        second: In the second.
        sigma: Standard deviation of the change, both films' errors taken as independent; None where one is unknown.
    """

    measurement: Measurement
    first: float
    second: float
    sigma: float | None

    @property
    def change(self) -> float:
        """Second less first."""
        return self.second - self.first

    @property
    def error(self) -> float | None:
        """What a change without any cause stays below in 95 % of pairs; None where sigma is unknown."""
        return None if self.sigma is None else SD_OF_ERROR * self.sigma

    @property
    def exceeds_error(self) -> bool | None:
        """Whether the change is more than its error; None where that is unknown."""
        return None if self.error is None else abs(self.change) > self.error


def changes(first: Mapping[str, Result], second: Mapping[str, Result]) -> dict[str, MeasurementChange]:
    """Compare what both films have.

    Args:
        first: From `assess`, of the first film.
        second: Of the second.

    Returns:
        By key; a measurement that one of them lacks is left out.
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
