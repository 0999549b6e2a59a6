"""The cephalostat: ear rods at Porion and the nasal ruler with its two marks."""

import numpy as np

from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.curves import ellipse, smooth
from ceph_pipeline.phantom.face import Face, Point

EAR_ROD_RADIUS_MM = 4.2
RULER_LENGTH_MM = 10.0


def draw_ear_rods(canvas: Canvas, face: Face) -> None:
    """Two metal rings; the near one's uppermost point is Porion."""
    centre = face["Po"] - EAR_ROD_RADIUS_MM * face.up
    near = ellipse(centre, EAR_ROD_RADIUS_MM * face.forward, 1.0)
    canvas.fill(near, 14.0)
    canvas.rim(near, 1.3, 60.0)
    far = ellipse(centre + face.scale * (-3.1 * face.forward - 1.4 * face.up), 4.6 * face.forward, 1.0)
    canvas.rim(far, 0.9, 26.0)


def draw_ruler(canvas: Canvas, p1: Point, p2: Point) -> None:
    """A scale between p1 (below) and p2 (above): long marks centred on the two, short ones every millimetre between.

    Args:
        canvas: What to draw on.
        p1: Lower mark, in mm.
        p2: Upper mark, in mm.
    """
    along = (p1 - p2) / np.linalg.norm(p1 - p2)
    across = np.array([-along[1], along[0]])

    def bar(start: float, stop: float, half: float, side: float = 0.0) -> Point:
        corners = ((start, -half), (stop, -half), (stop, half), (start, half))
        return np.array([p2 + a * along + (b + side) * across for a, b in corners])

    canvas.fill(bar(-150.0, 24.0, 3.2), 5.0)
    canvas.rim(bar(-150.0, 24.0, 3.2), 0.6, 7.0)
    for start, stop in ((-150.0, -12.0),):
        canvas.fill(bar(start, stop, 1.0), 22.0)
    for millimetre in range(-10, 21):
        end = millimetre in (0, 10)
        half, thick = (1.9, 0.34) if end else (0.75, 0.2)
        canvas.fill(bar(millimetre - thick, millimetre + thick, half, 0.0 if end else -1.0), 85.0 if end else 34.0)
    foot = smooth(
        [p1 + a * along + b * across for a, b in ((13.5, -3.6), (13.5, 8.0), (15, 11), (19, 11), (20.0, 8.0), (20.0, -3.6))],
        closed=True,
    )
    canvas.fill(foot, 9.0)
