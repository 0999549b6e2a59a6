"""The mandible: body, ramus, condyle, coronoid process and symphysis."""

import numpy as np

from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.curves import Curve, offset, smooth
from ceph_pipeline.phantom.face import PhantomFace

_SPAN = 8
"""Number of points of the outline per span between control points."""


def draw_mandible(canvas: Canvas, face: PhantomFace) -> None:
    """Draw both sides with their cortex, which diverge backwards from the symphysis, the symphysis and the mandibular canal."""
    for sign in (1, -1):
        _draw_side(canvas, face.side(sign))
    _draw_symphysis(canvas, face)
    canal = smooth([face.at("R", 16, 2), face.at("Go", 17, 12), face.at("Go", 30, 8), face.between("Me", "Go", 0.42, 11.0)])
    canvas.line(canal, 2.6, -6.0, soft_mm=0.4)
    oblique = smooth([face.at("R", 27, 6), face.at("LMT", -17, -9), face.at("LMT", -5, -14)])
    canvas.line(oblique, 1.6, 10.0, soft_mm=0.4)


def _draw_side(canvas: Canvas, face: PhantomFace) -> None:
    """Draw body, ramus, condyle and coronoid process of one side, with half of the bone's attenuation."""
    outline = mandible_outline(face)
    bone = 0.5 * face.build.bone
    canvas.fill(outline, 26.0 * bone, texture=0.14)
    cortex = outline[: 17 * _SPAN]
    for width, amount in ((4.6, 7.0), (2.9, 10.0), (1.4, 11.0)):
        canvas.cortex(cortex, -width, amount * bone)
    canvas.line(offset(outline[23 * _SPAN :], -0.7), 1.4, 14.0 * bone)


def mandible_outline(face: PhantomFace) -> Curve:
    """One side's closed outline, through Co, Ar, R, Go, Me, Gn, Pog and B, from the condyle down the ramus' posterior border."""
    points = [
        face["Co"],
        face.at("Co", -2.6, -2.6),
        face.between("Co", "Ar", 0.62, 0.9),
        face["Ar"],
        face.between("Ar", "R", 0.5, -0.2),
        face["R"],
        face.between("R", "Go", 0.62, 0.4),
        face["Go"],
        face.between("Go", "Me", 0.14, 1.6),
        face.between("Go", "Me", 0.36, -0.4),
        face.between("Go", "Me", 0.66, 0.6),
        face.between("Go", "Me", 0.9, 0.4),
        face["Me"],
        face["Gn"],
        face["Pog"],
        face.between("Pog", "B", 0.45, 0.3),
        face["B"],
        face.between("LIT", "LIA", 0.62, -4.4),
        face.between("LIT", "LIA", 0.42, -3.2),
        face.between("LIT", "LIA", 0.42, 3.2),
        face.at("LPM", 8, -9),
        face.at("LPM", 0, -9),
        face.at("LMT", -10, -8),
        face.at("LMT", -20, -4),
        face.at("R", 29, 12),
        face.at("R", 30, 21),
        *face.around("Co", [(29, -7), (26, -6.4), (20, -14), (13, -17.5), (7.2, -12.5), (7.6, -5.0), (5.0, -0.9)]),
    ]
    return smooth(points, closed=True, per_span=_SPAN)


def _draw_symphysis(canvas: Canvas, face: PhantomFace) -> None:
    """Draw the chin, where rays are tangential to the bone: denser, with a cortex in front and behind."""
    outline = mandible_outline(face)
    front = outline[_SPAN * 12 : _SPAN * 17 + 1]
    behind = smooth(
        [
            face.between("LIT", "LIA", 0.46, 3.4),
            face.between("LIT", "LIA", 0.8, 4.6),
            face.at("B", -12.0, -3),
            face.at("Pog", -13.5, -2.5),
            face.at("Me", -7.5, 4.0),
            face["Me"],
        ]
    )
    chin = np.concatenate([front, behind[:-1]])
    canvas.fill(chin, 12.0 * face.build.bone, texture=0.25)
    canvas.cortex(front, -2.8, 8.0 * face.build.bone)
    canvas.rim(chin, 1.8, 22.0 * face.build.bone)
