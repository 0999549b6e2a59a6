"""Parts of the cephalostat: ear rods over Porion, and the nasal ruler with its two marks."""

import numpy as np

from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.cephalostat import RULER_HALF_WIDTH_MM, EarRods, Ruler
from ceph_pipeline.phantom.curves import ellipse, smooth
from ceph_pipeline.phantom.face import PhantomFace, Point
from ceph_pipeline.phantom.structures.skull_base import EAR_CANAL_MM

_NEAR_RADIUS_MM, _FAR_RADIUS_MM = 4.2, 6.4


def draw_ear_rods(canvas: Canvas, face: PhantomFace, rods: EarRods) -> None:
    """Draw two metal rings of different size, and the shaft of the near ring."""
    if not rods.strength:
        return
    middle = face.at("Po", 0.0, -EAR_CANAL_MM)
    forward, up = face.scale * face.forward, face.scale * face.up
    near_centre = middle + rods.near[0] * forward + rods.near[1] * up
    near = ellipse(near_centre, _NEAR_RADIUS_MM * forward, 1.0)
    canvas.fill(near, 14.0 * rods.strength)
    canvas.rim(near, 1.1, 60.0 * rods.strength)
    far = ellipse(middle + rods.far[0] * forward + rods.far[1] * up, _FAR_RADIUS_MM * forward, 1.0)
    canvas.rim(far, 0.9, 34.0 * rods.strength)
    canvas.line(smooth([near_centre, near_centre + 16.0 * up]), 2.2, 16.0 * rods.strength, soft_mm=0.3)


def draw_ruler(canvas: Canvas, ruler: Ruler) -> None:
    """Draw a scale from p1 (below) to p2 (above): long strokes centred on both, short strokes every millimetre between."""
    p1, p2, strength = ruler.p1, ruler.p2, ruler.strength
    along = (p1 - p2) / np.linalg.norm(p1 - p2)
    across = np.array([-along[1], along[0]])

    def bar(start: float, stop: float, half: float, side: float = 0.0) -> Point:
        corners = ((start, -half), (stop, -half), (stop, half), (start, half))
        return np.array([p2 + a * along + (b + side) * across for a, b in corners])

    holder = bar(-150.0, 24.0, RULER_HALF_WIDTH_MM)
    canvas.fill(holder, 5.0 * strength)
    canvas.rim(holder, 0.6, 7.0 * strength)
    canvas.fill(bar(-150.0, -12.0, 1.0), 22.0 * strength)
    for millimetre in range(-10, 21):
        end = millimetre in (0, 10)
        half, thick = (1.9, 0.34) if end else (0.75, 0.2)
        canvas.fill(bar(millimetre - thick, millimetre + thick, half, 0.0 if end else -1.0), (85.0 if end else 34.0) * strength)
    foot = smooth(
        [p1 + a * along + b * across for a, b in ((13.5, -3.6), (13.5, 8.0), (15, 11), (19, 11), (20.0, 8.0), (20.0, -3.6))],
        closed=True,
    )
    canvas.fill(foot, 9.0 * strength)
