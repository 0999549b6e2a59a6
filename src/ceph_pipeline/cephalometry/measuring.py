"""Measuring one cephalogram."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from ceph_pipeline.cephalometry.face import Face
from ceph_pipeline.cephalometry.measurements import MEASUREMENTS
from ceph_pipeline.errors import CephError


class UnknownMeasurementError(CephError, KeyError):
    """A measurement's key is not known."""

    def __str__(self) -> str:
        return str(self.args[0])


def measure(
    landmarks: Mapping[str, tuple[float, float]],
    pixel_size_mm: float | None,
    keys: Iterable[str] | None = None,
) -> dict[str, float]:
    """Compute cephalometric measurements.

        measure({"S": (100, 100), "N": (800, 100), "A": (780, 600)}, 0.1)["SNA"]

    Args:
        landmarks: `(x, y)` in pixels by full name or symbol; NaN or absent where missing.
        pixel_size_mm: Millimetres per pixel; None or NaN where unknown.
        keys: Which measurements; all by default.

    Returns:
        Degrees, millimetres or percent by key, as `MEASUREMENTS` says; NaN where a landmark, or for millimetres the pixel
        size, is missing.

    Raises:
        UnknownLandmarkError: a landmark's key is not known.
        UnknownMeasurementError: a measurement's key is not known.
        ValueError: a landmark given twice, or a pixel size that is not above 0.
    """
    face = Face.from_landmarks(landmarks, pixel_size_mm)
    wanted = list(MEASUREMENTS if keys is None else keys)
    unknown = [key for key in wanted if key not in MEASUREMENTS]
    if unknown:
        near = difflib.get_close_matches(unknown[0], MEASUREMENTS, n=3)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise UnknownMeasurementError(f"unknown measurement {unknown[0]!r}.{hint}")
    return {key: MEASUREMENTS[key].compute(face) for key in wanted}
