"""The cranial base: sella turcica, planum, orbital roofs, clivus, petrous bone with the ear."""

import numpy as np

from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.curves import Curve, ellipse, smooth
from ceph_pipeline.phantom.face import PhantomFace
from ceph_pipeline.phantom.structures.cranium import basion_of

SELLA_RADIUS_MM = 5.4
"""First semi-axis of the sella's outline, along S–N, in an average skull."""

EAR_CANAL_MM = 4.2
"""Radius of the bony ear canal, in an average skull."""

SELLA_RATIO = 0.84
"""Ratio of the second semi-axis to the first."""


def draw_skull_base(canvas: Canvas, face: PhantomFace) -> None:
    """Everything between the brain and the face."""
    _draw_sphenoid(canvas, face)
    _draw_sella(canvas, face)
    _draw_anterior_fossa(canvas, face)
    _draw_clivus(canvas, face)
    _draw_temporal_bone(canvas, face)


def _sella(face: PhantomFace, start_deg: float = 0.0, stop_deg: float = 360.0) -> Curve:
    """An arc of the sella's outline, with angles measured from S–N."""
    axis = SELLA_RADIUS_MM * face.scale * (face["N"] - face["S"]) / np.linalg.norm(face["N"] - face["S"])
    return ellipse(face["S"], axis, SELLA_RATIO, start_deg, stop_deg)


def _draw_sella(canvas: Canvas, face: PhantomFace) -> None:
    """Draw the hypophyseal fossa: a bright outline, open at the top, with Sella as its centre."""
    canvas.fill(_sella(face), -9.0, soft_mm=0.3)
    canvas.sheet(_sella(face, 128, 408), 1.3, 38.0 * face.build.bone)
    back = _sella(face, 128, 200)
    dorsum = smooth([back[0], *face.around("S", [(-5.6, 7.2), (-7.6, 6.6), (-8.4, 0), (-10.5, -8)])])
    canvas.line(dorsum, 1.2, 24.0 * face.build.bone)
    post = [*face.around("S", [(-5.4, 6.6), (-7.6, 6.2), (-8.4, -1), (-10, -8)]), *back[::-4]]
    canvas.fill(np.array(post), 20.0)


def _draw_anterior_fossa(canvas: Canvas, face: PhantomFace) -> None:
    """Tuberculum and planum from the sella forwards, anterior clinoids, cribriform plate and the two orbital roofs."""
    lip = _sella(face, 20, 48)[-1]
    planum = smooth(
        [
            lip,
            face.at("S", 8, 6.6),
            face.at("S", 17, 6.4),
            face.between("S", "N", 0.5, -4.6),
            face.between("S", "N", 0.78, -1.2),
            face.at("N", -7, 3),
        ]
    )
    canvas.line(planum, 1.3, 26.0 * face.build.bone)
    clinoid = smooth(face.around("S", [(2.0, 8.4), (7, 9.6), (13, 10.2)]))
    canvas.line(clinoid, 2.2, 16.0, soft_mm=0.2)
    for lift, amount in ((0.0, 26.0), (2.6, 18.0)):
        roof = smooth(
            [
                face.at("S", 12, 10 + lift / 2),
                face.between("S", "N", 0.4, -9.5 - lift),
                face.between("S", "N", 0.62, -12.0 - lift),
                face.between("S", "N", 0.82, -10.5 - lift),
                face.at("N", -7.5, 11 + lift),
                face.at("N", -6.0, 22),
            ]
        )
        canvas.line(roof, 1.4, amount * face.build.bone, soft_mm=0.2)
    for depth in (0.0, 3.4):
        wing = smooth(face.around("S", [(26 + depth, 9), (20 + depth, 2), (19 + depth, -9), (23 + depth, -20)]))
        canvas.line(wing, 1.2, 15.0, soft_mm=0.2)


def _draw_sphenoid(canvas: Canvas, face: PhantomFace) -> None:
    """The sphenoid's body around its air-filled sinus."""
    body = [(9, 6), (20, 6), (24, -2), (20, -16), (8, -21), (-4, -22), (-11, -12), (-8, -2), (-2, -6), (5, -2)]
    sinus = [(8, 1.0), (18, 2.5), (20, -4), (16, -14), (6, -17.5), (-3, -15), (-6, -9), (0, -7.6), (5.5, -4.5)]
    canvas.fill(smooth(face.around("S", body), closed=True), 24.0, soft_mm=0.8, texture=0.15)
    hollow = smooth(face.around("S", sinus), closed=True)
    canvas.fill(hollow, -26.0, soft_mm=0.9)
    canvas.wall(hollow, 0.9, 10.0, soft_mm=0.15)


def _draw_clivus(canvas: Canvas, face: PhantomFace) -> None:
    """Draw the basioccipital bone; Articulare is the intersection of its lower outline with the ramus."""
    basion = basion_of(face)
    lower = smooth([basion, face["Ar"], face.at("Ar", 9.5, 8.2), face.at("S", 2, -24)])
    upper = smooth([face.at("S", -10.5, -8), face.at("Ar", -2.5, 12), basion + face.scale * np.array([0.0, -1.5])])
    canvas.fill(np.concatenate([lower, upper]), 13.0, texture=0.1, soft_mm=1.3)
    canvas.sheet(lower, 1.7, 30.0 * face.build.bone)
    canvas.line(upper, 1.6, 14.0, soft_mm=0.4)


def _draw_temporal_bone(canvas: Canvas, face: PhantomFace) -> None:
    """Draw the petrous bone, the densest bone of the skull, above the mottled mastoid."""
    petrous = [(-12, 4), (-8, 13), (2, 18), (13, 17), (20, 9), (14, 5), (4, 3.5), (-6, 2)]
    capsule = [(-2, 6), (1, 12), (8, 13), (11, 8), (6, 5)]
    mastoid = [(-24, 6), (-12, 12), (-4, 8), (-4, -4), (-7, -16), (-13, -19), (-20, -12), (-26, -2)]
    floor = [(-50, 10), (-30, 2), (-12, 2), (2, -2), (8, -9), (-6, -14), (-24, -14), (-46, -4)]
    cells = [(-19, 2), (-12, 6), (-7, 0), (-9, -9), (-15, -9)]
    for shape, amount, soft, grain in (
        (petrous, 44.0, 2.6, 0.1),
        (capsule, 26.0, 1.8, 0.1),
        (mastoid, 20.0, 2.4, 0.22),
        (cells, -9.0, 2.2, 0.5),
        (floor, 16.0, 2.6, 0.15),
    ):
        canvas.fill(smooth(face.around("Po", shape), closed=True), amount, soft_mm=soft, texture=grain)
    for ridge in (
        ((-14, 8), (-4, 15), (6, 18.5), (14, 17), (21, 11)),
        ((-12, 4), (-2, 11), (7, 14.5), (16, 12)),
        ((-34, 6), (-22, 12), (-12, 11)),
        ((-2, 4), (1, 9), (6, 10), (9, 6)),
    ):
        canvas.line(smooth(face.around("Po", ridge)), 1.3, 14.0, soft_mm=0.3)
    for sign in (1, -1):
        _draw_ear(canvas, face.side(sign))


def _draw_ear(canvas: Canvas, face: PhantomFace) -> None:
    """Draw one side's ear canal, an oval with Porion as its uppermost point, a smaller oval in front, and the joint's fossa."""
    canal = ellipse(face.at("Po", 0.0, -EAR_CANAL_MM), EAR_CANAL_MM * face.scale * face.up, 0.85)
    canvas.fill(canal, -7.0, soft_mm=0.5)
    canvas.sheet(canal, 1.4, 14.0 * face.build.bone)
    internal = ellipse(face.at("Po", 9.0, 5.5), 2.6 * face.scale * face.up, 0.85)
    canvas.fill(internal, -6.0, soft_mm=0.6)
    canvas.line(internal, 1.0, 5.0 * face.build.bone, soft_mm=0.2)
    fossa = smooth(face.around("Co", [(-5.5, -2.0), (-2.5, 1.8), (2.5, 3.2), (8.5, 2.2), (13, -2.5)]))
    canvas.line(fossa, 1.0, 6.0, soft_mm=0.15)
