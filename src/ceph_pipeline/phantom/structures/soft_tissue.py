"""The soft-tissue profile from the forehead to the throat, the neck, and the air in nose, mouth and pharynx."""

import numpy as np

from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.curves import Curve, offset, smooth
from ceph_pipeline.phantom.face import PhantomFace
from ceph_pipeline.phantom.structures.cranium import SCALP, vault_outline


def draw_soft_tissue(canvas: Canvas, face: PhantomFace) -> None:
    """Draw skin, muscle and neck, and subtract the airways."""
    skin = skin_outline(face)
    canvas.dome(skin, 52.0, 58.0 * face.build.soft_tissue)
    canvas.fill(skin, 7.0)
    _draw_tongue_and_palate(canvas, face)
    _draw_airway(canvas, face)
    _draw_hyoid(canvas, face)


def profile(face: PhantomFace) -> Curve:
    """The visible profile from the forehead to the throat, through the six soft-tissue landmarks."""
    throat = face.between("Me", "Go", 0.6, -17.0)
    points = [
        face.at("N`", 2.9 + 3 * (face.build.brow - 1), 18.0),
        face.at("N`", 2.4 + 2 * (face.build.brow - 1), 9.5),
        face["N`"],
        face.between("N`", "Pn", 0.22, 1.0),
        face.between("N`", "Pn", 0.55, 0.2),
        face.between("N`", "Pn", 0.85, -0.9),
        face.at("Pn", -1.1, 2.9),
        face["Pn"],
        face.at("Pn", -1.2, -3.1),
        face.between("Pn", "Sn", 0.66, -1.4),
        face["Sn"],
        face.between("Sn", "Ls", 0.28, 0.9),
        face.between("Sn", "Ls", 0.72, 0.9),
        face["Ls"],
        face.at("Ls", -1.1, -3.0),
        face.between("Ls", "Li", 0.46, 6.0),
        face.between("Ls", "Li", 0.53, 6.4),
        face.at("Li", -1.2, 3.6),
        face["Li"],
        face.at("Li", -1.9, -3.8),
        face.between("Li", "Pog`", 0.45, 3.6),
        face.between("Li", "Pog`", 0.78, 0.9),
        face["Pog`"],
        face.at("Pog`", -2.6, -7.0),
        face.at("Gn", 6.0, -8.5),
        face.at("Me", -3.0, -9.5),
        face.between("Me", "Go", 0.2, -11.0),
        face.between("Me", "Go", 0.42, -13.0),
        throat,
    ]
    return smooth(points)


def skin_outline(face: PhantomFace) -> Curve:
    """The closed outline of face, scalp and neck; the neck extends beyond the image's lower border."""
    scalp = offset(vault_outline(face)[SCALP], 6.2 * face.scale * face.build.soft_tissue)
    front = profile(face)
    throat, nape = front[-1], scalp[-1]
    neck = 10.0 * (face.build.neck - 1)
    anterior = face.around(throat, [(-7, -5), (-12, -16), (-15, -40), (-17, -160)])
    posterior = face.around(nape, [(2 - neck, -160), (12 - neck, -90), (17 - neck, -50), (12, -22)])
    return smooth(np.concatenate([scalp[::4][::-1], front, anterior, posterior]), closed=True, per_span=2)


def _draw_airway(canvas: Canvas, face: PhantomFace) -> None:
    """Nasal cavity, nasopharynx and oropharynx."""
    nose = [
        face.at("ANS", -3, 6),
        face.at("ANS", -4, 17),
        face.at("N", -9, -24),
        face.at("Or", -14, 3),
        face.at("PNS", 6, 16),
        face.at("PNS", 1, 4),
        face.at("ANS", -14, 4),
    ]
    nostril = face.around("Sn", [(1.5, 3.5), (7, 4), (9.5, 7.5), (4, 9)])
    behind = face.around("PNS", [(-3, 12), (-13, 13), (-21, 2), (-24, -18), (-27, -42), (-32, -72), (-37, -160)])
    before = face.around("PNS", [(-24, -160), (-20, -72), (-16, -44), (-14, -22), (-9, -6)])
    canvas.fill(smooth(nose, closed=True), -16.0, soft_mm=1.6)
    canvas.fill(smooth(nostril, closed=True), -10.0, soft_mm=0.8)
    canvas.fill(smooth([*behind, *before], closed=True), -20.0, soft_mm=1.7)


def _draw_tongue_and_palate(canvas: Canvas, face: PhantomFace) -> None:
    """Draw the soft palate behind the hard palate, and the tongue."""
    palate = face.around("PNS", [(2, -1), (-7, -4), (-14, -14), (-18, -26), (-14, -24), (-8, -12), (1, -4)])
    tongue = [
        face.at("LIA", -6, 10),
        *face.around("PNS", [(22, -14), (2, -12), (-11, -26), (-16, -52)]),
        face.between("Me", "Go", 0.5, 3.0),
        face.at("LIA", -10, -8),
    ]
    canvas.fill(smooth(palate, closed=True), 10.0, soft_mm=0.6)
    canvas.fill(smooth(tongue, closed=True), 13.0, soft_mm=1.5)


def _draw_hyoid(canvas: Canvas, face: PhantomFace) -> None:
    """The hyoid bone below the jaw's angle."""
    centre = face.between("Me", "Go", 0.72, -17.0)
    body = face.around(centre, [(4, 1.5), (2, -3.5), (-2, -2.5), (-1.5, 1.5)])
    horn = face.around(centre, [(-1, 0), (-11, 3), (-22, 5)])
    canvas.fill(smooth(body, closed=True), 14.0, soft_mm=0.3)
    canvas.line(smooth(horn), 2.6, 9.0, soft_mm=0.4)
