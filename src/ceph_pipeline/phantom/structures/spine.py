"""The cervical spine: atlas, axis with its dens, and C3 to C6; the shapes of C2 to C4 depend on the CVM stage."""

from dataclasses import dataclass

import numpy as np

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.curves import smooth
from ceph_pipeline.phantom.face import PhantomFace, Point
from ceph_pipeline.phantom.structures.cranium import basion_of

_WIDTH_MM = 15.0
_DISC_MM = 4.6


@dataclass(frozen=True)
class Vertebra:
    """Shape of a vertebral body.

    Attributes:
        height: Posterior height divided by width: 0.66 is a horizontal rectangle, 1 a square, above 1 a vertical rectangle.
        taper: Anterior height divided by posterior height; below 1 is a trapezoid.
        concavity: Depth of the concavity of the lower border, in mm.
    """

    height: float
    taper: float
    concavity: float


def vertebrae(stage: int) -> tuple[Vertebra, Vertebra, Vertebra]:
    """C2, C3 and C4 at a cervical vertebral maturation stage.

    The lower borders become concave one after the other (none at CS1, C2 at CS2, C2 and C3 at CS3, all from CS4 on). C3 and C4
    change from trapezoids (CS1 and CS2) to horizontal rectangles (CS3 and CS4), a square (CS5) and a vertical rectangle (CS6).

    Raises:
        ValueError: stage is not in 1..6.
    """
    if stage not in range(1, 7):
        raise InvalidValueError(f"cervical vertebral maturation stages are 1 to 6, got {stage}.")
    hollows = {
        1: (0.0, 0.0, 0.0),
        2: (1.5, 0.0, 0.0),
        3: (1.8, 1.5, 0.0),
        4: (2.0, 1.8, 1.6),
        5: (2.2, 2.0, 1.9),
        6: (2.4, 2.2, 2.1),
    }
    heights = {1: (0.66, 0.62), 2: (0.68, 0.65), 3: (0.70, 0.66), 4: (0.76, 0.73), 5: (0.96, 0.86), 6: (1.13, 1.02)}
    tapers = {1: 0.66, 2: 0.73, 3: 0.86, 4: 0.94, 5: 0.97, 6: 0.98}
    c2, c3, c4 = hollows[stage]
    high3, high4 = heights[stage]
    taper = tapers[stage]
    return Vertebra(1.2, 0.97, c2), Vertebra(high3, taper, c3), Vertebra(high4, taper, c4)


def draw_spine(canvas: Canvas, face: PhantomFace) -> None:
    """Draw the vertebrae from the atlas to C6, each body with its arch and spinous process."""
    c2, c3, c4 = vertebrae(face.cvm_stage)
    below = Vertebra(c4.height, c4.taper, c4.concavity * 0.8)
    top = face.at(basion_of(face), -6.5, -19.0)
    _draw_atlas(canvas, face, top)
    _draw_dens(canvas, face, top)
    for number, shape in enumerate((c2, c3, c4, below, below)):
        angle = np.radians((6.0, 10.0, 14.0, 16.0, 15.0)[number])
        down = np.cos(angle) * -face.up - np.sin(angle) * face.forward
        forward = np.cos(angle) * face.forward - np.sin(angle) * face.up
        axes = face.scale * np.stack([forward, down])
        _draw_body(canvas, top, axes, shape)
        _draw_arch(canvas, top, axes, shape, number)
        top = top + (shape.height * _WIDTH_MM + _DISC_MM) * axes[1]


def _draw_body(canvas: Canvas, top: Point, axes: Point, shape: Vertebra) -> None:
    """Draw a vertebral body below `top`, the middle of its upper border; `axes` rows are forward and down per mm."""
    half, hind = _WIDTH_MM / 2, shape.height * _WIDTH_MM
    drop = (1 - shape.taper) * hind
    upper = [(-half, 0.0), (-half * 0.3, 0.55 + 0.3 * drop), (half * 0.5, 0.3 + 0.8 * drop), (half - 0.8, drop)]
    front = [(half, drop + 1.0), (half - 0.9, (hind + drop) / 2), (half + 0.1, hind - 0.9)]
    lower = [
        (half - 0.7, hind + 0.1),
        (half * 0.45, hind - 0.75 * shape.concavity),
        (-half * 0.1, hind - shape.concavity),
        (-half * 0.6, hind - 0.6 * shape.concavity),
    ]
    back = [(-half + 0.3, hind), (-half - 0.1, hind - 1.0), (-half + 0.7, hind * 0.5), (-half - 0.1, 0.9)]
    outline = smooth(top + np.array([*upper, *front, *lower, *back]) @ axes, closed=True, per_span=4)
    canvas.fill(outline, 24.0, texture=0.14)
    canvas.rim(outline, 1.3, 15.0)


def _draw_arch(canvas: Canvas, top: Point, axes: Point, shape: Vertebra, number: int) -> None:
    """Pedicle, articular mass and spinous process."""
    hind = shape.height * _WIDTH_MM
    reach = (37.0, 27.0, 26.0, 28.0, 32.0)[number]
    mass = [(-6, 1.0), (-13, -2.5), (-18, 3.0), (-16.5, hind * 0.7), (-10, hind + 1.5), (-6.5, hind * 0.6)]
    spine = [(-17, 2.5), (-reach * 0.75, 5.0), (-reach, 10.0), (-reach + 2, 14.0), (-reach * 0.7, 11.5), (-17, 9.0)]
    for shape_mm, amount in ((mass, 16.0), (spine, 15.0)):
        outline = smooth(top + np.array(shape_mm) @ axes, closed=True, per_span=4)
        canvas.fill(outline, amount, soft_mm=0.6, texture=0.14)
        canvas.rim(outline, 1.4, 5.0)


def _draw_dens(canvas: Canvas, face: PhantomFace, top: Point) -> None:
    """Draw the dens of the axis, from its body to just below Basion."""
    points = [(-6.0, 0), (-4.8, 7), (-4.0, 13), (-0.5, 16), (3.2, 13), (4.0, 7), (5.5, 0)]
    outline = smooth(face.around(top, points))
    canvas.fill(outline, 20.0, texture=0.14)
    canvas.cortex(outline, 1.3, 13.0)


def _draw_atlas(canvas: Canvas, face: PhantomFace, top: Point) -> None:
    """Draw the anterior arch in front of the dens, and the posterior arch far behind it."""
    front = [(6.0, 13), (10.5, 11), (11.0, 6), (8.0, 3), (6.0, 7)]
    rear = [(-8, 12), (-22, 8), (-33, 9), (-37, 4), (-33, 0), (-24, 2.5), (-10, 5)]
    for points, amount in ((front, 24.0), (rear, 16.0)):
        outline = smooth(face.around(top, points), closed=True)
        canvas.fill(outline, amount, texture=0.2, soft_mm=0.3)
        canvas.rim(outline, 1.2, 12.0)
