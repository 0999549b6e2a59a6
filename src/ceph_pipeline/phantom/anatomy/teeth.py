"""The teeth: incisors from apex to tip, premolars and molars with their cusps, and the others as hints."""

import numpy as np

from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.curves import smooth, spindle
from ceph_pipeline.phantom.face import Face, Point

_INCISOR = (
    (0.0, 0.45, 0.45),
    (0.02, 0.75, 0.75),
    (0.12, 1.5, 1.5),
    (0.28, 3.0, 2.6),
    (0.38, 3.4, 3.1),
    (0.5, 3.0, 2.9),
    (0.75, 2.1, 2.1),
    (0.93, 1.3, 1.3),
    (0.99, 0.8, 0.8),
    (1.0, 0.45, 0.45),
)
"""(fraction from tip to apex, half-width in front, behind) in mm of an upper incisor."""

_MOLAR_CROWN = (
    (0, 0),
    (1.6, 1.3),
    (2.9, 3.2),
    (2.7, 5.6),
    (2.0, 7.8),
    (-6.6, 7.8),
    (-7.6, 5.6),
    (-7.6, 3.2),
    (-6.4, 1.3),
    (-4.8, 0.6),
    (-3.4, 1.5),
    (-2.4, 1.9),
    (-1.2, 1.0),
)
_MOLAR_ROOTS = (
    (2.0, 7.0),
    (1.8, 12),
    (0.9, 19),
    (-0.4, 19.2),
    (-1.4, 13),
    (-2.4, 10.6),
    (-3.4, 13),
    (-4.8, 19),
    (-6.0, 18.6),
    (-6.6, 12),
    (-6.6, 7.0),
)
_PREMOLAR_CROWN = ((0, 0), (1.5, 1.2), (3.1, 2.9), (2.9, 5.4), (2.2, 7.8), (-2.2, 7.8), (-2.9, 5.4), (-3.1, 2.9), (-1.5, 1.2))
_PREMOLAR_ROOT = ((2.2, 7.0), (1.9, 13), (0.9, 20), (0.0, 21), (-0.9, 20), (-1.9, 13), (-2.2, 7.0))
"""Outlines as (mesial, towards the root) in mm from the cusp tip."""

_PULP = ((0.3, 0.35, 0.35), (0.5, 0.6, 0.6), (0.8, 0.4, 0.4), (0.96, 0.2, 0.2))


def draw_teeth(canvas: Canvas, face: Face) -> None:
    """Both arches."""
    _draw_incisor(canvas, face["UIT"], face["UIA"], 1.0 * face.scale)
    _draw_incisor(canvas, face["LIT"], face["LIA"], 0.86 * face.scale)
    for molar, premolar, incisor, upper in (("UMT", "UPM", "UIT", True), ("LMT", "LPM", "LIT", False)):
        mesial = face[premolar] - face[molar]
        mesial = mesial / np.linalg.norm(mesial)
        root = np.array([mesial[1], -mesial[0]]) * (1 if upper else -1)
        axes = np.stack([mesial, root]) * face.scale
        _draw_posterior(canvas, face[molar], axes, _MOLAR_CROWN, _MOLAR_ROOTS, 1.0)
        _draw_posterior(canvas, face[premolar], axes * (0.92, 1.0), _PREMOLAR_CROWN, _PREMOLAR_ROOT, 1.0)
        _draw_hints(canvas, face, (molar, premolar, incisor), axes)


def _draw_incisor(canvas: Canvas, tip: Point, apex: Point, scale: float) -> None:
    """A central incisor whose blunt ends lie on its tip and its apex."""
    outline = np.array(_INCISOR) * (1, scale, scale)
    canvas.fill(spindle(tip, apex, outline), 42.0)
    crown = outline[outline[:, 0] < 0.4]
    canvas.fill(spindle(tip, apex, crown), 22.0)
    canvas.fill(spindle(tip, apex, np.array(_PULP) * (1, scale, scale)), -10.0, soft_mm=0.15)


def _draw_posterior(canvas: Canvas, cusp: Point, axes: Point, crown: object, roots: object, strength: float) -> None:
    """A premolar or molar whose cusp tip is given; `axes` rows are the mesial and the root direction, per mm."""
    canvas.fill(smooth(cusp + np.array(crown) @ axes, closed=True, per_span=4), 52.0 * strength)
    canvas.fill(smooth(cusp + np.array(roots) @ axes, closed=True, per_span=4), 26.0 * strength, soft_mm=0.15)


def _draw_hints(canvas: Canvas, face: Face, arch: tuple[str, str, str], axes: Point) -> None:
    """The teeth without landmarks: second and third molar, first premolar, canine, fainter and a little out of line."""
    molar, premolar, incisor = (face[symbol] for symbol in arch)
    mesial, root = axes
    _draw_posterior(canvas, molar - 10.6 * mesial + 0.4 * root, axes, _MOLAR_CROWN, _MOLAR_ROOTS, 0.8)
    _draw_posterior(canvas, molar - 20.5 * mesial + 2.6 * root, axes * 0.9, _MOLAR_CROWN, _MOLAR_ROOTS, 0.4)
    gap = incisor - premolar
    for share, lift, strength in ((0.27, 0.3, 0.75), (0.53, 0.2, 0.7), (0.74, 0.8, 0.4)):
        _draw_posterior(canvas, premolar + share * gap + lift * root, axes, _PREMOLAR_CROWN, _PREMOLAR_ROOT, strength)
