"""Drawing of a specimen's image."""

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.phantom import structures
from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.film import develop, trabecular_texture
from ceph_pipeline.phantom.specimen import Specimen

_TISSUES = (
    structures.draw_soft_tissue,
    structures.draw_cranium,
    structures.draw_spine,
    structures.draw_skull_base,
    structures.draw_midface,
    structures.draw_mandible,
    structures.draw_teeth,
)

RECIPE_VERSION = 4
"""Version of the drawing code; it is increased with each change of pixels, so that older data sets are drawn again."""


def draw_cephalogram(specimen: Specimen, rng: np.random.Generator, grain: float = 1.0) -> NDArray[np.uint8]:
    """Draw the cephalogram.

    Args:
        specimen: The specimen.
        rng: Random generator for the bone's texture and the noise.
        grain: Noise relative to the device's noise; 0: no noise.

    Returns:
        `(height, width)`.
    """
    texture = trabecular_texture(specimen.size, specimen.pixel_size_mm, rng)
    canvas = Canvas(specimen.size, specimen.to_px, texture)
    for draw in _TISSUES:
        draw(canvas, specimen.face)
    structures.draw_ear_rods(canvas, specimen.face, specimen.ear_rods)
    if specimen.ruler is not None:
        structures.draw_ruler(canvas, specimen.ruler)
    return develop(
        canvas.attenuation, specimen.device, specimen.pixel_size_mm, grain, rng, specimen.exposure, specimen.over_exposure()
    )
