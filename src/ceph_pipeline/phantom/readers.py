"""Two readers who mark the landmarks, each with a hand of their own."""

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.phantom.specimen import Specimen, stream

READERS = {"senior": 1.0, "junior": 1.25}
"""Readers and how widely they scatter."""

SCATTER_MM = {
    "A": 0.60,
    "ANS": 0.55,
    "B": 0.60,
    "Me": 0.35,
    "N": 0.45,
    "Or": 0.65,
    "Pog": 0.40,
    "PNS": 0.65,
    "Pn": 0.30,
    "R": 1.20,
    "S": 0.25,
    "Ar": 0.80,
    "Co": 1.10,
    "Gn": 0.35,
    "Go": 0.95,
    "Po": 1.00,
    "LPM": 0.45,
    "LIT": 0.30,
    "LMT": 0.50,
    "UPM": 0.45,
    "UIA": 0.70,
    "UIT": 0.25,
    "UMT": 0.50,
    "LIA": 0.70,
    "Li": 0.30,
    "Ls": 0.30,
    "N`": 0.40,
    "Pog`": 0.50,
    "Sn": 0.35,
}
"""Standard deviation per coordinate, in mm: a mean distance of 0.3 to 1.5 mm from the truth. The order follows what
readers of real cephalograms agree on best (tips, Sella) and worst (Ramus, Condylion, Porion, Gonion, Articulare)."""

_FIRST_STREAM = 2


def read_landmarks(specimen: Specimen, index: int, seed: int, noise: float) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Each reader's landmarks.

    Args:
        specimen: What they look at.
        index: Number of the image.
        seed: Of the data set.
        noise: Scatter relative to `SCATTER_MM`; 0 for readers who hit the truth.

    Returns:
        (x, y) in pixels by reader and symbol, inside the picture, not rounded. Readers are independent of each other.
    """
    truth = specimen.landmarks_px()
    limit = np.array(specimen.size) - 1.0
    readings: dict[str, dict[str, NDArray[np.float64]]] = {}
    for number, (reader, factor) in enumerate(READERS.items()):
        scatter = np.clip(stream(seed, index, _FIRST_STREAM + number).standard_normal((len(SCATTER_MM), 2)), -3, 3)
        to_px = noise * factor / specimen.pixel_size_mm
        readings[reader] = {
            symbol: np.clip(truth[symbol] + to_px * sd * shift, 0, limit)
            for (symbol, sd), shift in zip(SCATTER_MM.items(), scatter, strict=True)
        }
    return readings
