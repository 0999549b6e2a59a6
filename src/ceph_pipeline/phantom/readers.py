"""Two simulated readers, who annotate the landmarks independently."""

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.phantom.contours import contours, slide
from ceph_pipeline.phantom.specimen import Specimen, stream

READERS = {"senior": 1.0, "junior": 1.25}
"""Readers, and their scatter relative to `SCATTER_MM`."""

SCATTER_MM = {
    "A": (1.58, 0.75),
    "ANS": (1.26, 0.42),
    "B": (1.44, 0.63),
    "Me": (0.72, 0.25),
    "N": (1.34, 0.51),
    "Or": (1.27, 0.85),
    "Pog": (0.81, 0.19),
    "PNS": (0.80, 0.44),
    "Pn": (0.58, 0.29),
    "R": (2.20, 0.55),
    "S": (0.51, 0.32),
    "Ar": (1.71, 0.66),
    "Co": (1.92, 0.77),
    "Gn": (0.62, 0.23),
    "Go": (1.39, 0.82),
    "Po": (1.66, 1.28),
    "LPM": (0.60, 0.40),
    "LIT": (0.33, 0.27),
    "LMT": (0.66, 0.44),
    "UPM": (0.60, 0.40),
    "UIA": (0.97, 0.49),
    "UIT": (0.29, 0.23),
    "UMT": (0.66, 0.44),
    "LIA": (0.97, 0.49),
    "Li": (0.69, 0.43),
    "Ls": (0.77, 0.40),
    "N`": (0.82, 0.33),
    "Pog`": (1.37, 0.43),
    "Sn": (0.58, 0.44),
}
"""The senior's standard deviations (along the landmark's contour, across it) in mm.

Half of the mean distance between the readers then equals that of the readers of the ISBI 2015 challenge on Test1 without offsets
(from 0.26 mm at the upper incisor to 1.47 at Porion). The ratios along : across (4.2 at Pogonion, 1.3 at Porion; measured on the
later 150 films) are those of the same readers. Values of landmarks that the challenge lacks are estimates; the largest are those
of Ramus and Condylion. Constant offsets between readers, 1.7 mm in that data set, are not simulated, so that the readers' mean is
unbiased.
"""

_CLIP_SD = 2.5
_FIRST_STREAM = 2


def read_landmarks(specimen: Specimen, index: int, seed: int, noise: float) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Each reader's landmarks, with larger random errors along the contours than across them.

    Args:
        specimen: The annotated specimen.
        index: Number of the image.
        seed: Seed of the data set.
        noise: Scatter relative to `SCATTER_MM`; 0: readers without errors.

    Returns:
        (x, y) in pixels by reader and symbol, inside the image, not rounded.
    """
    face, limit = specimen.face, np.array(specimen.size) - 1.0
    outlines = contours(face)
    readings: dict[str, dict[str, NDArray[np.float64]]] = {}
    for number, (reader, factor) in enumerate(READERS.items()):
        rng = stream(seed, index, _FIRST_STREAM + number)
        scores = np.clip(rng.standard_normal((len(SCATTER_MM), 2)), -_CLIP_SD, _CLIP_SD)
        moves = noise * factor * scores * np.array(list(SCATTER_MM.values()))
        readings[reader] = {
            symbol: np.clip(specimen.to_px(slide(outlines[symbol], face[symbol], along, across)), 0, limit)
            for symbol, (along, across) in zip(SCATTER_MM, moves, strict=True)
        }
    return readings
