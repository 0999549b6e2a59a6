"""Measurements as outputs of a network: lengths in pixels of its input, angles and ratios unchanged.

A network does not receive the pixel size and cannot distinguish a large skull from a magnified one. It can therefore predict
lengths in pixels of its input, but not in millimetres.
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
"""Names of a network's outputs other than measurements: the CVM stage (1–6) and the probability of this stage."""

_MM, _PX = "_mm", "_px"


def learned_key(measurement: str) -> str:
    """Name of the network output for a measurement: `N_Me_px` for the length `N_Me_mm`, `FMA` for the angle."""
    return measurement.removesuffix(_MM) + _PX if MEASUREMENTS[measurement].unit == "mm" else measurement


_MEASUREMENT_OF = {learned_key(key): key for key in VERTICAL_MEASUREMENTS}

LEARNED_MEASUREMENTS = tuple(_MEASUREMENT_OF)
"""The ten vertical measurements by the names of the network outputs, in the order of the outputs."""


def learned_values(points: Mapping[str, tuple[float, float]], scale: float, keys: Sequence[str]) -> NDArray[np.float64]:
    """Training targets of a network.

        >>> learned_values({"Nasion": (0, 0), "Menton": (0, 400)}, 0.5, ["N_Me_px", "FMA"])
        array([200.,  nan])

    Args:
        points: `(x, y)` by full name, in px of the same size along both axes; names beyond the 29 landmarks are ignored.
        scale: Pixels of the network's input per pixel of the points.
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
    """Convert an output of a network to a measurement.

    Outputs other than lengths in px are returned unchanged, also millimetres of networks that were trained to predict them.

        >>> as_measurement("N_Me_px", np.array([1200.0]), [0.1])
        ('N_Me_mm', array([120.]))

    Args:
        output: Name of the output.
        values: `(N,)`, lengths in px of the originals.
        pixel_size_mm: `(N,)` of the originals, NaN where unknown.

    Returns:
        Key and values; lengths in mm, NaN where the pixel size is unknown.
    """
    if not is_length_px(output):
        return output, values
    return _MEASUREMENT_OF[output], values * np.asarray(pixel_size_mm, dtype=np.float64)
