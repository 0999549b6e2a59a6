"""The midface: orbit, zygoma, maxilla with the palate, maxillary sinus, pterygoid region."""

import numpy as np

from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.curves import Curve, ellipse, smooth
from ceph_pipeline.phantom.face import PhantomFace, Point

_ORBITAL_RIM = [(5, 24.5), (-3, 23), (-8, 17), (-8.5, 10), (-5.5, 3.2), (0, 0), (5, 2.6), (8.5, 8)]


def draw_midface(canvas: Canvas, face: PhantomFace) -> None:
    """Everything between the anterior cranial base and the upper teeth."""
    _draw_sinus(canvas, face)
    _draw_palate(canvas, face)
    _draw_alveolar_process(canvas, face)
    _draw_orbit(canvas, face)
    _draw_zygoma(canvas, face)
    _draw_pterygoid(canvas, face)
    _draw_nasal_wall(canvas, face)
    _draw_ethmoid(canvas, face)


def orbital_rim(face: PhantomFace) -> Curve:
    """One orbit's rim through Orbitale, its lowest point, in mm."""
    return smooth(face.around("Or", _ORBITAL_RIM))


def _draw_orbit(canvas: Canvas, face: PhantomFace) -> None:
    """Draw the rims of both orbits and the orbits' dark content; Orbitale is midway between the rims' lowest points."""
    cavity = [(7, 22), (-5, 21), (-10, 13), (-6, 4), (0, 1.6), (6, 4), (9, 12)]
    canvas.fill(smooth(face.around("Or", cavity), closed=True), -8.0, soft_mm=1.5)
    for sign in (1, -1):
        canvas.sheet(orbital_rim(face.side(sign)), 1.7, 18.0 * face.build.bone)
    outer = [(-2, 23.5), (-9.5, 20), (-13, 12), (-10.5, 4), (-4.5, -2.5)]
    canvas.fill(smooth(face.around("Or", (*_ORBITAL_RIM[1:5], *outer[::-1])), closed=True), 12.0, soft_mm=0.7)
    ethmoid = [(-16, 20), (-14, 10), (-17, 1), (-13, -4)]
    canvas.line(smooth(face.around("Or", ethmoid)), 1.0, 12.0, soft_mm=0.2)


def _draw_zygoma(canvas: Canvas, face: PhantomFace) -> None:
    """The zygomatic process of the maxilla, a bright U below the orbit (the key ridge), and the arch behind it."""
    outline = [(0, -2.5), (2.5, -9), (0.5, -17), (-5.0, -22.5), (-11, -19), (-13, -11), (-18, -5), (-8, -2)]
    ridge = [(3.0, -4), (2.6, -11), (0.3, -18), (-4.8, -22.8), (-10.4, -19.5), (-13, -11), (-20, -5)]
    canvas.fill(smooth(face.around("Or", outline), closed=True), 13.0, soft_mm=1.2, texture=0.1)
    for back, amount, soft in ((0.0, 15.0, 0.3), (-4.5, 9.0, 0.6)):
        canvas.line(
            smooth(face.around("Or", [(x + back, y + back / 4) for x, y in ridge])), 1.8, amount * face.build.bone, soft_mm=soft
        )
    arch = smooth([face.at("Or", -12, -5), face.at("Or", -30, -4), face.at("Co", 20, 3.5), face.at("Co", 8, 5)])
    canvas.line(arch, 4.5, 9.0, soft_mm=1.0)


def _draw_sinus(canvas: Canvas, face: PhantomFace) -> None:
    """Draw the maxillary sinus: air between thin bright walls; the posterior wall ends above PNS."""
    outline = [(2, -5), (5, -12), (2, -22), (-6, -27), (-18, -29), (-27, -26), (-29, -14), (-26, -3), (-12, -2)]
    for back, lift, amount, soft in ((0.0, 0.0, -13.0, 1.0), (-3.0, 1.5, -9.0, 1.6)):
        walls = smooth(face.around("Or", [(x + back, y + lift) for x, y in outline]), closed=True)
        canvas.fill(walls, amount, soft_mm=soft)
        canvas.wall(walls, 1.2, -0.9 * amount, soft_mm=0.3 * soft)
    for path in (
        ((6, 20), (4, 8), (6, -6), (10, -18), (9, -26)),
        ((-14, 22), (-11, 8), (-16, -4), (-9, -14)),
        ((-22, 14), (-10, 10), (4, 12)),
    ):
        canvas.line(smooth(face.around("Or", path)), 1.4, 8.0, soft_mm=0.5)


def _draw_palate(canvas: Canvas, face: PhantomFace) -> None:
    """Draw the hard palate, a plate from the tip of the anterior spine (ANS) to the tip of the posterior spine (PNS)."""
    tip = _spine_end(face, "ANS", "PNS")
    back = _spine_end(face, "PNS", "ANS")
    plate = np.concatenate(
        [
            tip,
            smooth(
                [face.between("ANS", "PNS", t, up) for t, up in ((0.07, 1.3), (0.2, 1.9), (0.5, 0.2), (0.75, 0.2), (0.93, 1.2))]
            ),
            back,
            smooth(
                [
                    face.between("ANS", "PNS", t, up)
                    for t, up in ((0.94, -1.4), (0.75, -2.4), (0.5, -2.8), (0.26, -3.2), (0.1, -2.0))
                ]
            ),
        ]
    )
    canvas.fill(plate, 30.0 * face.build.bone, texture=0.12)
    canvas.rim(plate, 1.0, 14.0)


def _spine_end(face: PhantomFace, tip: str, other: str) -> list[Point]:
    """A blunt end, 1.8 mm wide, with the landmark at its tip; points are ordered clockwise on the screen, from below."""
    length = float(np.linalg.norm(face[other] - face[tip])) / face.scale
    return [
        face.between(tip, other, along / length, side)
        for along, side in ((1.2, -1.2), (0.3, -0.8), (0.0, 0.0), (0.3, 0.8), (1.2, 1.2))
    ]


def alveolar_front(face: PhantomFace) -> Curve:
    """The maxilla's profile from ANS through the hollow at A down to the upper incisor, in mm."""
    return smooth(
        [
            face["ANS"],
            face.between("ANS", "A", 0.5, 0.5),
            face["A"],
            face.between("A", "UIT", 0.36, -0.8),
            face.between("UIT", "UIA", 0.41, 3.0),
        ]
    )


def _draw_alveolar_process(canvas: Canvas, face: PhantomFace) -> None:
    """Draw the bone around the upper teeth, with the profile from ANS through the hollow at A as its front."""
    front = alveolar_front(face)
    lower = [
        face.between("UIT", "UIA", 0.36, -3.0),
        face.between("UIT", "UIA", 0.5, -8.0),
        face.at("UPM", 4, 9),
        *face.around("UMT", [(0, 8.5), (-18, 9), (-22, 14)]),
        face.at("PNS", 3, -3),
    ]
    outline = np.concatenate(
        [front, smooth([front[-1], *lower])[8:], [face.between("ANS", "PNS", 0.5, -1.5), face.at("ANS", -6, -1)]]
    )
    canvas.fill(outline, 20.0, texture=0.12)
    canvas.cortex(front, 1.4, 16.0 * face.build.bone)


def _draw_pterygoid(canvas: Canvas, face: PhantomFace) -> None:
    """Draw the pterygomaxillary fissure, a dark drop shape above PNS between bright walls, and the pterygoid plates."""
    drop = smooth(face.around("PNS", [(1, 8), (4.5, 18), (3.5, 26), (-1, 27), (-2.5, 18)]), closed=True)
    canvas.fill(drop, -12.0, soft_mm=0.4)
    canvas.wall(drop, 1.1, 16.0)
    for shift in (0.0, -3.5):
        plate = smooth(face.around("PNS", [(-1 + shift, 26), (-4 + shift, 14), (-5 + shift, 2), (-3 + shift, -6)]))
        canvas.line(plate, 1.6, 13.0, soft_mm=0.3)


def _draw_nasal_wall(canvas: Canvas, face: PhantomFace) -> None:
    """The maxilla's frontal process beside the nose, its front edge (the piriform aperture) and the turbinates."""
    process = [
        face.at("N", -3, -5),
        face.between("N", "Pn", 0.3, 4.5),
        face.at("ANS", -5, 20),
        face.at("ANS", -5, 9),
        face.at("A", -5, 6),
    ]
    behind = [face.at("Or", 3, -14), face.at("Or", 7, 1), face.at("N", -9, -16)]
    canvas.fill(smooth([*process, *behind], closed=True), 13.0, soft_mm=1.2)
    canvas.line(smooth(process[1:]), 1.3, 9.0, soft_mm=0.4)
    for lift, amount in ((6.5, 9.0), (15.5, 7.0)):
        turbinate = [(-12, lift), (-24, lift - 1.5), (-38, lift), (-40, lift + 5), (-26, lift + 6), (-13, lift + 5.5)]
        canvas.fill(smooth(face.around("ANS", turbinate), closed=True), amount, soft_mm=1.3)


def _draw_ethmoid(canvas: Canvas, face: PhantomFace) -> None:
    """The ethmoid's air cells between the orbits: a honeycomb of faint walls."""
    cells = (
        (-20, 24, 4.6, 0.8),
        (-12, 25, 5.2, 0.6),
        (-22, 15, 5.6, 0.7),
        (-13, 17, 4.4, 1.1),
        (-5, 26, 4.0, 0.6),
        (-19, 7, 5.0, 0.9),
        (-4, 16, 3.6, 1.3),
    )
    for x, y, radius, ratio in cells:
        tilted = face.forward + 0.5 * np.sin(x + y) * face.up
        cell = ellipse(face.at("Or", x, y), radius * face.scale * tilted, ratio)
        canvas.fill(cell, -5.0, soft_mm=1.0)
        canvas.line(cell, 1.2, 6.5, soft_mm=0.5)
