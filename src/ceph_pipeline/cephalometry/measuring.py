"""Measurements of one cephalogram: values, standard deviations, and the reason for each missing value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.cephalometry.evaluating import SYMBOLS, TABLE, as_complex, evaluate, frame_of, landmarks_of
from ceph_pipeline.cephalometry.kinds import KINDS
from ceph_pipeline.cephalometry.measurement import Measurement
from ceph_pipeline.cephalometry.measurements import MEASUREMENTS
from ceph_pipeline.cephalometry.propagation import covariances, propagate
from ceph_pipeline.errors import CephError, InvalidValueError, did_you_mean
from ceph_pipeline.landmarks import find


class UnknownMeasurementError(CephError, KeyError):
    """A measurement's key is unknown."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Result:
    """One measurement of one face.

    Attributes:
        measurement: Entry in the table of measurements, with unit, sign and convention.
        value: Value; None if it cannot be computed.
        sigma: Standard deviation, propagated from the points to first order; None if the error of a point is unknown.
        reason: Reason for a missing value; None if there is a value.
    """

    measurement: Measurement
    value: float | None
    sigma: float | None
    reason: str | None


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
        keys: Keys of measurements; all by default.

    Returns:
        Values by key, in the units of `MEASUREMENTS`. A value that cannot be computed is omitted; `assess` gives the reason.

    Raises:
        UnknownLandmarkError: a landmark's key is unknown.
        UnknownMeasurementError: a measurement's key is unknown.
        ValueError: a landmark is given twice, or a pixel size is not above 0.
    """
    wanted = _known(keys)
    points, size = face_arrays(landmarks, pixel_size_mm)
    values = dict(zip(MEASUREMENTS, evaluate(points, size)[0].tolist(), strict=True))
    return {key: values[key] for key in wanted if not math.isnan(values[key])}


def assess(
    landmarks: Mapping[str, tuple[float, float]],
    pixel_size_mm: float | None,
    scatter: Mapping[str, ArrayLike] | None = None,
) -> dict[str, Result]:
    """Compute measurements with standard deviations, and the reason for each missing value.

    Args:
        landmarks: As for `measure`.
        pixel_size_mm: As for `measure`; assumed to be exact.
        scatter: Uncertainty of points by full name or symbol: the standard deviation along each axis in pixels, or the
            covariance `(2, 2)` in square pixels. Errors of points are assumed to be independent.

    Returns:
        A result for every measurement.

    Raises:
        UnknownLandmarkError: as `measure`.
        ValueError: as `measure`, or a scatter that is neither a standard deviation nor a covariance.
    """
    points, size = face_arrays(landmarks, pixel_size_mm)
    by_symbol = {find(key).symbol: spread for key, spread in (scatter or {}).items()}
    values = evaluate(points, size)[0]
    sigmas = propagate(points, size, covariances(by_symbol)[None])[0] if by_symbol else np.full(len(values), np.nan)
    found = dict(zip(MEASUREMENTS, zip(values.tolist(), sigmas.tolist(), strict=True), strict=True))
    return {key: _result(MEASUREMENTS[key], *found[key], points, float(size[0])) for key in MEASUREMENTS}


def pixel_sizes(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Check pixel sizes and return them.

    Raises:
        ValueError: one is not above 0, or infinite.
    """
    wrong = sizes[(sizes <= 0) | np.isinf(sizes)]
    if wrong.size:
        raise InvalidValueError(f"pixel_size_mm = {wrong[0]}: expected millimetres per pixel above 0, or NaN where unknown.")
    return sizes


def _result(measurement: Measurement, value: float, sigma: float, points: NDArray[np.float64], pixel_size_mm: float) -> Result:
    if math.isnan(value):
        return Result(measurement, None, None, _reason(measurement, points, pixel_size_mm))
    return Result(measurement, value, None if math.isnan(sigma) else sigma, None)


def _reason(measurement: Measurement, points: NDArray[np.float64], pixel_size_mm: float) -> str:
    known = dict(zip(SYMBOLS, np.isfinite(points[0]).all(axis=-1), strict=True))
    missing = [find(symbol).name for symbol in landmarks_of(measurement) if not known[symbol]]
    if measurement.unit == "mm" and math.isnan(pixel_size_mm):
        missing.append("the pixel size")
    if missing:
        return f"without {', '.join(missing)}"
    frame, oriented = frame_of(as_complex(points).T), _oriented(measurement)
    if oriented and np.isnan(frame.forward[0]):
        return "unknown forward direction: without Porion and Orbitale, or Sella and Nasion"
    if "down" in oriented and np.isnan(frame.turn[0]):
        return "unknown downward direction: without Nasion in addition to Porion and Orbitale, or a point below"
    return "points that coincide have no direction"


def _oriented(measurement: Measurement) -> set[str]:
    """Parts of the frame that a measurement uses."""
    if measurement.kind != "sum":
        oriented = KINDS[measurement.kind].oriented
        return {oriented} if oriented else set()
    return set().union(*(_oriented(TABLE[key]) for _, key in measurement.terms))


def _known(keys: Iterable[str] | None) -> list[str]:
    wanted = list(MEASUREMENTS if keys is None else keys)
    unknown = [key for key in wanted if key not in MEASUREMENTS]
    if unknown:
        raise UnknownMeasurementError(f"unknown measurement {unknown[0]!r}.{did_you_mean(unknown[0], MEASUREMENTS, n=3)}")
    return wanted


def face_arrays(
    landmarks: Mapping[str, tuple[float, float]], pixel_size_mm: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One face as points `(1, K, 2)` in the order of `SYMBOLS` and pixel size `(1,)`, NaN where missing or unknown."""
    found: dict[str, tuple[float, float]] = {}
    for key, point in landmarks.items():
        symbol = find(key).symbol
        if symbol in found:
            raise InvalidValueError(f"landmark {symbol!r} is given twice, as symbol and as name.")
        if np.shape(point) != (2,):
            raise InvalidValueError(f"landmark {key!r}: expected (x, y), found shape {np.shape(point)}.")
        found[symbol] = point
    points = np.array([[found.get(symbol, (math.nan, math.nan)) for symbol in SYMBOLS]], dtype=np.float64)
    return points, pixel_sizes(np.array([math.nan if pixel_size_mm is None else pixel_size_mm], dtype=np.float64))
