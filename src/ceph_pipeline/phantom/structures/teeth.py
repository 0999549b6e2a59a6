"""The teeth: incisors from apex to tip, premolars and molars with their cusps, and simplified other teeth."""

from dataclasses import dataclass

import numpy as np

from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.curves import Curve, smooth, spindle
from ceph_pipeline.phantom.face import PhantomFace, Point

_INCISOR = np.array(
    [
        (0.0, 0.3, 0.3),
        (0.008, 0.7, 0.7),
        (0.03, 1.0, 1.0),
        (0.12, 1.5, 1.5),
        (0.28, 3.0, 2.6),
        (0.38, 3.4, 3.1),
        (0.5, 3.0, 2.9),
        (0.75, 2.1, 2.1),
        (0.93, 1.3, 1.3),
        (0.98, 0.9, 0.9),
        (0.993, 0.6, 0.6),
        (1.0, 0.25, 0.25),
    ]
)
"""(fraction from tip to apex, half-widths on both sides) of an upper incisor, in mm."""

_PULP = np.array([(0.3, 0.35, 0.35), (0.5, 0.6, 0.6), (0.8, 0.4, 0.4), (0.96, 0.2, 0.2)])


@dataclass(frozen=True)
class ToothOutlines:
    """Outlines of a premolar or molar as (mesial, towards the root) in mm from the cusp's tip."""

    crown: Curve
    roots: Curve
    pulp: Curve


_MOLAR = ToothOutlines(
    crown=np.array(
        [
            (0, 0), (1.6, 1.3), (2.9, 3.2), (2.7, 5.6), (1.9, 7.4), (-2.3, 8.2), (-6.5, 7.4),
            (-7.6, 5.6), (-7.6, 3.2), (-6.4, 1.3), (-4.8, 0.6), (-3.4, 1.5), (-2.4, 1.9), (-1.2, 1.0),
        ]
    ),
    roots=np.array(
        [
            (2.2, 5.0), (1.9, 12), (0.9, 19), (-0.4, 19.2), (-1.4, 13), (-2.4, 10.6), (-3.4, 13),
            (-4.8, 19), (-6.0, 18.6), (-6.6, 12), (-7.0, 5.0), (-2.4, 3.6),
        ]
    ),
    pulp=np.array(
        [(0.2, 4.6), (0.3, 8.5), (0.2, 14), (-0.6, 8.8), (-3.8, 8.8), (-5.0, 14), (-5.2, 8.5), (-5.0, 4.6), (-2.4, 5.2)]
    ),
)  # fmt: skip

_PREMOLAR = ToothOutlines(
    crown=np.array(
        [(0, 0), (1.5, 1.2), (3.1, 2.9), (2.9, 5.4), (2.1, 7.4), (0, 8.0), (-2.1, 7.4), (-2.9, 5.4), (-3.1, 2.9), (-1.5, 1.2)]
    ),
    roots=np.array([(2.4, 5.0), (1.9, 13), (0.9, 20), (0.0, 21), (-0.9, 20), (-1.9, 13), (-2.4, 5.0), (0, 3.6)]),
    pulp=np.array([(0.7, 4.8), (0.5, 10), (0.2, 18), (-0.2, 18), (-0.5, 10), (-0.7, 4.8)]),
)


def draw_teeth(canvas: Canvas, face: PhantomFace) -> None:
    """Both arches."""
    _draw_incisor(canvas, face["UIT"], face["UIA"], face.scale)
    _draw_incisor(canvas, face["LIT"], face["LIA"], 0.86 * face.scale)
    for molar, premolar, incisor, apex, upwards in (("UMT", "UPM", "UIT", "UIA", 1), ("LMT", "LPM", "LIT", "LIA", -1)):
        mesial = _unit(face[premolar] - face[molar])
        root = upwards * np.array([mesial[1], -mesial[0]])
        axes = face.scale * np.stack([mesial, root])
        _draw_tooth(canvas, _MOLAR, face[molar], axes)
        _draw_tooth(canvas, _PREMOLAR, face[premolar], axes * np.array([[0.92], [1.0]]))
        _draw_other_molars(canvas, face[molar], axes)
        _draw_front(canvas, face, face[premolar], face[incisor], _unit(face[apex] - face[incisor]), root)


def _draw_incisor(canvas: Canvas, tip: Point, apex: Point, scale: float) -> None:
    """Draw a central incisor with blunt ends at its tip and its apex."""
    outline = _INCISOR * (1, scale, scale)
    canvas.fill(spindle(tip, apex, outline), 46.0)
    canvas.fill(spindle(tip, apex, outline[outline[:, 0] < 0.45]), 20.0)
    canvas.fill(spindle(tip, apex, _PULP * (1, scale, scale)), -11.0, soft_mm=0.15)


def _draw_tooth(
    canvas: Canvas, tooth: ToothOutlines, cusp: Point, axes: Point, strength: float = 1.0, soft_mm: float = 0.0
) -> None:
    """Draw a premolar or molar at its cusp's tip; `axes` rows are the mesial and the root direction, per mm."""
    canvas.fill(_placed(tooth.crown, cusp, axes), 46.0 * strength, soft_mm=soft_mm)
    canvas.rim(_placed(tooth.crown, cusp, axes), 1.2, 14.0 * strength)
    canvas.fill(_placed(tooth.roots, cusp, axes), 25.0 * strength, soft_mm=0.2 + soft_mm)
    canvas.fill(_placed(tooth.pulp, cusp, axes), -13.0 * strength, soft_mm=0.3)


def _draw_other_molars(canvas: Canvas, molar: Point, axes: Point) -> None:
    """Draw the second and third molars, and the first molar of the far side, slightly displaced and less sharp."""
    mesial, root = axes
    _draw_tooth(canvas, _MOLAR, molar - 10.6 * mesial + 0.5 * root, axes, 0.85, 0.2)
    _draw_tooth(canvas, _MOLAR, molar - 20.2 * mesial + 3.0 * root, axes * 0.88, 0.4, 0.4)
    _draw_tooth(canvas, _MOLAR, molar - 2.6 * mesial + 1.6 * root, axes, 0.3, 0.6)


def _draw_front(canvas: Canvas, face: PhantomFace, premolar: Point, incisor: Point, incisor_axis: Point, root: Point) -> None:
    """Draw the first premolar, canine and lateral incisor, with axes that approach the central incisor's axis."""
    for share, lift, strength in ((0.27, 0.3, 0.8), (0.52, 0.2, 0.7), (0.76, 1.2, 0.35)):
        axis = _unit((1 - share) * root + share * incisor_axis)
        across = np.array([-axis[1], axis[0]])
        axes = face.scale * np.stack([across, axis])
        cusp = premolar + share * (incisor - premolar) + face.scale * lift * axis
        _draw_tooth(canvas, _PREMOLAR, cusp, axes, strength, 0.25)


def _placed(outline: Curve, cusp: Point, axes: Point) -> Curve:
    return smooth(cusp + outline @ axes, closed=True, per_span=4)


def _unit(vector: Point) -> Point:
    return np.asarray(vector / np.linalg.norm(vector))
