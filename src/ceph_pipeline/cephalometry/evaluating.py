"""Vectorised computation of all measurements of many faces, with the table of measurements sorted by kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.cephalometry.kinds import KINDS, Frame, Points, Values
from ceph_pipeline.cephalometry.measurement import Foremost, Measurement, Point, symbols_of
from ceph_pipeline.cephalometry.measurements import MEASUREMENTS, PARTS
from ceph_pipeline.landmarks import SCHEMAS

SYMBOLS = SCHEMAS["aariz"].symbols
"""The landmarks that measurements use, in the order of every array of points in this module."""
TABLE = MEASUREMENTS | {part.key: part for part in PARTS}
"""Measurements and the parts of their sums, by key."""
_ROW = {symbol: row for row, symbol in enumerate(SYMBOLS)}
_BELOW_SN = [row for symbol, row in _ROW.items() if symbol not in ("S", "N", "N`")]
_BELOW_FH = [row for row in _BELOW_SN if SYMBOLS[row] not in ("Po", "Or", "Co")]
_MISSING = complex(np.nan, np.nan)


@dataclass(frozen=True)
class _Plan:
    """The table of measurements as arrays.

    Attributes:
        virtual: Points made of two landmarks; they are appended to the landmarks.
        by_kind: Kind, rows of the result `(m,)`, rows of the points `(points per measurement, m)`.
        sums: Row of the result, constant, factors with rows.
        lengths: Rows of the result in millimetres.
    """

    virtual: tuple[Point, ...]
    by_kind: tuple[tuple[str, NDArray[np.intp], NDArray[np.intp]], ...]
    sums: tuple[tuple[int, float, tuple[tuple[float, int], ...]], ...]
    lengths: NDArray[np.intp]


def landmarks_of(measurement: Measurement) -> tuple[str, ...]:
    """Symbols of the landmarks that a measurement needs, in the order of their use."""
    own = [symbol for point in measurement.points for symbol in symbols_of(point)]
    parts = [symbol for _, key in measurement.terms for symbol in landmarks_of(TABLE[key])]
    return tuple(dict.fromkeys(own + parts))


@cache
def needs() -> NDArray[np.bool_]:
    """Which landmark `(K,)` each measurement `(M,)` needs: `(M, K)`."""
    return np.array([[symbol in landmarks_of(measurement) for symbol in SYMBOLS] for measurement in MEASUREMENTS.values()])


def frame_of(points: Points) -> Frame:
    """Orientation of faces, from their points `(K, N)`.

    Forward is from Po to Or, or from S to N if Po or Or is missing. Superior is the side of FH on which N lies. If N is missing,
    or if forward is along S–N, superior is the side opposite to the landmarks below the line.
    """
    porion, orbitale, sella, nasion = (points[_ROW[symbol]] for symbol in ("Po", "Or", "S", "N"))
    frankfort = orbitale - porion
    by_points = np.isfinite(frankfort) & (frankfort != 0)
    forward = np.where(by_points, frankfort, nasion - sella)
    forward = np.where(forward == 0, _MISSING, forward)
    below_fh = np.where(np.isfinite(nasion), porion - nasion, _centre(points[_BELOW_FH]) - porion)
    down = np.where(by_points, below_fh, _centre(points[_BELOW_SN]) - sella)
    turn = np.sign((forward.conj() * down).imag)
    return Frame(forward, np.where(turn == 0, np.nan, turn))


def evaluate(points: NDArray[np.float64], pixel_size_mm: NDArray[np.float64]) -> Values:
    """Every measurement of every face.

    Args:
        points: `(N, K, 2)` in pixels, in the order of `SYMBOLS`, NaN where missing.
        pixel_size_mm: `(N,)`, NaN where unknown.

    Returns:
        `(N, M)` in the order of `MEASUREMENTS`; NaN where a measurement cannot be computed.
    """
    plan = _plan()
    with np.errstate(invalid="ignore"):  # of NaN
        landmarks = as_complex(points).T
        frame = frame_of(landmarks)
        stacked = np.concatenate([landmarks, np.stack([_made_of_two(point, landmarks, frame) for point in plan.virtual])])
        values = np.full((len(TABLE), len(points)), np.nan)
        for kind, rows, takes in plan.by_kind:
            values[rows] = KINDS[kind].compute(frame, *stacked[takes])
        values[plan.lengths] *= pixel_size_mm
        for row, constant, terms in plan.sums:
            values[row] = constant + sum(factor * values[part] for factor, part in terms)
    return np.ascontiguousarray(values[: len(MEASUREMENTS)].T)


def as_complex(points: NDArray[np.float64]) -> Points:
    """Points `(…, 2)` as x + iy `(…)`, NaN where a coordinate is not finite."""
    joined = points[..., 0] + 1j * points[..., 1]
    whole: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=-1))
    return np.where(whole, joined, _MISSING)


def _centre(points: Points) -> Points:
    """Mean of the known points; NaN without any."""
    known = np.isfinite(points)
    with np.errstate(invalid="ignore"):  # a division by NaN
        centre: Points = np.where(known, points, 0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan)
    return centre


def _made_of_two(point: Point, landmarks: Points, frame: Frame) -> Points:
    a, b = (landmarks[_ROW[symbol]] for symbol in symbols_of(point))
    if isinstance(point, Foremost):
        ahead = (frame.forward.conj() * (a - b)).real
        return np.where(np.isnan(ahead), _MISSING, np.where(ahead >= 0, a, b))
    middle: Points = (a + b) / 2
    return middle


@cache
def _plan() -> _Plan:
    of_key = {key: row for row, key in enumerate(TABLE)}
    virtual: tuple[Point, ...] = tuple(
        dict.fromkeys(point for each in TABLE.values() for point in each.points if not isinstance(point, str))
    )
    of_point = {point: row for row, point in enumerate((*SYMBOLS, *virtual))}
    by_kind = []
    for kind in KINDS:
        members = [measurement for measurement in TABLE.values() if measurement.kind == kind]
        takes = [[of_point[point] for point in measurement.points] for measurement in members]
        by_kind.append((kind, np.array([of_key[measurement.key] for measurement in members]), np.array(takes).T))
    sums = tuple(
        (of_key[each.key], each.constant, tuple((factor, of_key[key]) for factor, key in each.terms))
        for each in TABLE.values()
        if each.kind == "sum"
    )
    lengths = [of_key[each.key] for each in TABLE.values() if each.unit == "mm" and each.kind != "sum"]
    return _Plan(virtual, tuple(by_kind), sums, np.array(lengths))
