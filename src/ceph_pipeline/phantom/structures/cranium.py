"""The cranial vault: frontal bone with its sinus, vertex, occiput, and the brain inside."""

import numpy as np

from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.curves import Curve, offset, smooth
from ceph_pipeline.phantom.face import PhantomFace, Point

_SPAN = 8
"""Number of points of the vault's outline per span between control points."""

SCALP = slice(6 * _SPAN, 15 * _SPAN)
"""The part of the vault's outline below the skin, from the forehead to the occiput."""

_VAULT = (
    (0.25, 2.2),
    (2.0, 6.5),
    (4.0, 14.0),
    (2.5, 26.0),
    (-1.0, 40.0),
    (-10.0, 64.0),
    (-27.0, 86.0),
    (-52.0, 103.0),
    (-79.0, 112.0),
    (-108.0, 113.0),
    (-136.0, 103.0),
    (-157.0, 83.0),
    (-170.0, 57.0),
    (-174.0, 28.0),
    (-171.0, 6.0),
    (-161.0, -15.0),
    (-147.0, -29.0),
)
"""The vault's outer table from Nasion over the vertex to the nuchal plane, (forward, up) from Nasion."""


def draw_cranium(canvas: Canvas, face: PhantomFace) -> None:
    """The vault's two tables with the diploe between, the brain's mass, sutures and the frontal sinus."""
    outer = vault_outline(face)
    closed = np.concatenate([outer, _floor(face)])
    canvas.dome(closed, 80.0, 58.0)
    canvas.fill(closed, 11.0 * face.build.bone, texture=0.28)
    thickness = 6.4 * face.scale * face.build.bone
    middle = offset(outer[4 * _SPAN : -12], -thickness / 2)
    canvas.line(middle, thickness, 26.0 * face.build.bone, soft_mm=0.8)
    canvas.line(offset(outer[4 * _SPAN - 2 : -12], -thickness - 2.0), 5.0, 12.0 * face.build.bone, soft_mm=1.6)
    canvas.line(offset(outer[_SPAN + 2 : -6], -0.9), 1.8, 26.0 * face.build.bone, soft_mm=0.1)
    canvas.line(offset(outer[4 * _SPAN + 2 : -12], -thickness), 1.5, 20.0 * face.build.bone, soft_mm=0.35)
    _draw_sutures(canvas, face)
    _draw_frontal_bone(canvas, face)


def vault_outline(face: PhantomFace) -> Curve:
    """The outer table from Nasion over the vertex to Basion, in mm."""
    build = face.build
    points: list[Point] = [face["N"]]
    for forward, up in _VAULT:
        grow = min(1.0, max(0.0, (up - 20) / 60)) * (build.vault_height - 1)
        reach = min(1.0, max(0.0, -forward / 60)) * (build.vault_length - 1)
        bulge = (build.brow - 1) * 5.0 * np.exp(-(((up - 14) / 9) ** 2)) if forward > 0 else 0.0
        points.append(face.at("N", forward * (1 + reach) + bulge, up * (1 + grow)))
    return smooth([*points, *face.around(basion_of(face), [(-35, 2), (-22, 2)])], per_span=_SPAN)


def forehead_and_nose(face: PhantomFace) -> Curve:
    """The bony profile from the nasal bone's tip up through Nasion to the forehead, in mm."""
    return np.concatenate([smooth(_nasal_bone(face))[::-1], vault_outline(face)[1 : 5 * _SPAN]])


def _nasal_bone(face: PhantomFace) -> list[Point]:
    """Nasion and the points on the front of the nasal bone, down to its tip."""
    return [face["N"], face.at("N", 0.4, -2.0), face.between("N`", "Pn", 0.13, 3.4), face.between("N`", "Pn", 0.34, 2.8)]


def basion_of(face: PhantomFace) -> Point:
    """Basion, behind and below Articulare on the outline that crosses there."""
    return face.at("Ar", -8.5, -6.5)


def _floor(face: PhantomFace) -> Curve:
    """The cavity's floor from Basion up the clivus, over the sella and forward to Nasion."""
    return np.array(
        [
            face.at(basion_of(face), -14, 1),
            basion_of(face) + face.scale * 1.5 * face.up,
            *face.around("S", [(-9, -10), (-6, -3), (0, -4.6), (7, 5)]),
            face.between("S", "N", 0.5, -4.0),
            face.at("N", -6, 2),
        ]
    )


def _draw_sutures(canvas: Canvas, face: PhantomFace) -> None:
    """Coronal and lambdoid sutures and meningeal grooves: faint dark lines on the vault."""
    coronal = smooth(face.around("N", [(-66, 106), (-63, 92), (-67, 78), (-62, 64), (-66, 50)]))
    lambdoid = smooth(face.around("N", [(-160, 74), (-150, 60), (-151, 44), (-140, 30), (-134, 12)]))
    groove = smooth(face.around("N", [(-72, 40), (-84, 52), (-88, 66), (-99, 78), (-106, 92)]))
    for path, amount in ((coronal, -6.0), (lambdoid, -5.0), (groove, -4.0)):
        canvas.line(path, 1.2, amount, soft_mm=0.5)


def _draw_frontal_bone(canvas: Canvas, face: PhantomFace) -> None:
    """Thick glabellar bone with the air-filled frontal sinus, and the nasal bone below the suture at Nasion."""
    bulge = 1.6 * (face.build.brow - 1)
    sinus = [(-1.5, 7), (0.8 + bulge, 13), (0.2 + bulge, 21), (-2.6, 27), (-4.6, 20), (-5.6, 11), (-4.6, 5.5)]
    bone = [(-0.6, 1.5), (2.0, 7), (2.6 + bulge, 14), (1.4, 26), (-3, 42), (-8, 46), (-9.5, 32), (-10.5, 18), (-12, 8), (-8, 1.5)]
    canvas.fill(smooth(face.around("N", bone), closed=True), 26.0, soft_mm=1.0, texture=0.12)
    hollow = smooth(face.around("N", sinus), closed=True)
    canvas.fill(hollow, -40.0, soft_mm=0.3)
    canvas.wall(hollow, 0.9, 16.0)
    nasion, below, middle, tip = _nasal_bone(face)
    nasal = smooth(
        [
            nasion,
            below,
            middle,
            tip,
            face.at(tip, -0.9, -0.6),
            *face.around("N", [(-2.4, -8), (-6, -3), (-5, 1)]),
        ],
        closed=True,
    )
    canvas.fill(nasal, 24.0 * face.build.bone)
    canvas.cortex(smooth([nasion, below, middle, tip]), 1.0, 12.0)
    canvas.line(smooth(face.around("N", [(-0.9, 0.0), (-3.2, -0.5), (-6, -0.2)])), 0.8, -22.0)
