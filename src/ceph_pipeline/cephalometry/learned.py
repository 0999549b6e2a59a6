"""Measurements as a network learns them: lengths in pixels of its input, angles and ratios as they are.

A network sees no pixel size, so that it cannot tell a large skull from an enlarged one: it can learn a length in the pixels that
it sees, not in millimetres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ceph_pipeline.cephalometry.measurements import MEASUREMENTS, VERTICAL_MEASUREMENTS
from ceph_pipeline.cephalometry.measuring import measure
from ceph_pipeline.landmarks import SCHEMAS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

CVM_STAGE, CVM_PROBABILITY = "cvm_stage", "cvm_probability"
"""What a network calls its answers beside measurements: the CVM stage (1–6), and how probable that stage is."""

_MM, _PX = "_mm", "_px"


def learned_key(measurement: str) -> str:
    """What a network calls a measurement that it learns: `N_Me_px` for the length `N_Me_mm`, `FMA` for the angle."""
    return measurement.removesuffix(_MM) + _PX if MEASUREMENTS[measurement].unit == "mm" else measurement


_MEASUREMENT_OF = {learned_key(key): key for key in VERTICAL_MEASUREMENTS}

LEARNED_MEASUREMENTS = tuple(_MEASUREMENT_OF)
"""The ten vertical measurements by the names that a network calls them, in the order of its outputs."""


def learned_values(points: Mapping[str, tuple[float, float]], scale: float, keys: Sequence[str]) -> NDArray[np.float64]:
    """What a network is to answer.

        >>> learned_values({"Nasion": (0, 0), "Menton": (0, 400)}, 0.5, ["N_Me_px", "FMA"])
        array([200.,  nan])

    Args:
        points: `(x, y)` by full name, in px of the same size along both axes; labels beyond the 29 landmarks are
            passed over.
        scale: Px of the network's input per px of the points.
        keys: Some of `LEARNED_MEASUREMENTS`.

    Returns:
        `(M,)` in px of the input, degrees or percent; NaN where a landmark is missing.
    """
    known = {name: point for name, point in points.items() if name in SCHEMAS["aariz"].names}
    wanted = [_MEASUREMENT_OF[key] for key in keys]
    values = measure(known, scale, wanted)
    return np.array([values.get(key, np.nan) for key in wanted], dtype=np.float64)


def is_length_px(output: str) -> bool:
    """Whether an output of a network is a length in px."""
    return output in _MEASUREMENT_OF and output.endswith(_PX)


def as_measurement(output: str, values: NDArray[np.float64], pixel_size_mm: ArrayLike) -> tuple[str, NDArray[np.float64]]:
    """An output of a network as the measurement that it stands for.

    Outputs other than lengths in px stay as they are, also the millimetres of networks that were trained to answer those.

        >>> as_measurement("N_Me_px", np.array([1200.0]), [0.1])
        ('N_Me_mm', array([120.]))

    Args:
        output: Its name.
        values: `(N,)`, lengths in px of the originals.
        pixel_size_mm: `(N,)` of the originals, NaN where unknown.

    Returns:
        Key and values; lengths in mm, NaN where the pixel size is unknown.
    """
    if not is_length_px(output):
        return output, values
    return _MEASUREMENT_OF[output], values * np.asarray(pixel_size_mm, dtype=np.float64)
