"""Every measurement by key: what it is, its unit, and how it is computed.

An angle ∠XYZ has its vertex at Y. The angle of two lines is the acute one unless the entry says otherwise. FH is the
Frankfort horizontal, from Porion forward to Orbitale. All are unchanged when the image is turned, scaled or flipped,
millimetres with the pixel size scaled along. Norms depend on population, sex and age and are no business of this module.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ceph_pipeline.cephalometry.face import Face
from ceph_pipeline.cephalometry.plane import angle_at, angle_between, angle_of_lines, distance, distance_in_front

Unit = Literal["deg", "mm", "%"]


@dataclass(frozen=True)
class Measurement:
    """One measurement.

    Attributes:
        key: Its name in every table.
        unit: Degrees, millimetres or percent.
        definition: In the field's words.
        compute: From a face to the value, NaN where it cannot be computed.
    """

    key: str
    unit: Unit
    definition: str
    compute: Callable[[Face], float]


def _at(x: str, vertex: str, z: str) -> Callable[[Face], float]:
    """∠XYZ."""
    return lambda face: angle_at(face[x], face[vertex], face[z])


def _lines(a: str, b: str, c: str, d: str) -> Callable[[Face], float]:
    """The acute angle of the lines a–b and c–d."""
    return lambda face: angle_of_lines(face.direction(a, b), face.direction(c, d))


def _directions(a: str, b: str, c: str, d: str) -> Callable[[Face], float]:
    """The angle between the directions a→b and c→d."""
    return lambda face: angle_between(face.direction(a, b), face.direction(c, d))


def _mm(a: str, b: str) -> Callable[[Face], float]:
    """The distance a–b."""
    return lambda face: face.mm(a, b)


def _percent(a: str, b: str, c: str, d: str) -> Callable[[Face], float]:
    """100 · a–b / c–d; needs no pixel size."""

    def ratio(face: Face) -> float:
        whole = distance(face[c], face[d])
        return 100.0 * distance(face[a], face[b]) / whole if whole else math.nan

    return ratio


def _in_front_mm(point: str, a: str, b: str) -> Callable[[Face], float]:
    """Distance of a point from the line a–b, positive in front of it."""
    return lambda face: distance_in_front(face[point], face.line(a, b), face.anterior) * face.pixel_size_mm


def _sum(*keys: str) -> Callable[[Face], float]:
    return lambda face: math.fsum(MEASUREMENTS[key].compute(face) for key in keys)


def _anb(face: Face) -> float:
    return MEASUREMENTS["SNA"].compute(face) - MEASUREMENTS["SNB"].compute(face)


def _wits(face: Face) -> float:
    """AO − BO along the occlusal line, from the molars' midpoint forward to the premolars'."""
    forward = (face["UPM"] + face["LPM"] - face["UMT"] - face["LMT"]) / 2
    length = math.hypot(*forward)
    return float((face["A"] - face["B"]) @ forward) / length * face.pixel_size_mm if length else math.nan


def _convexity(face: Face) -> float:
    in_front = distance_in_front(face["A"], face.line("N", "Pog"), face.anterior)
    return math.copysign(180.0 - angle_at(face["N"], face["A"], face["Pog"]), in_front) if not math.isnan(in_front) else math.nan


def _ab_plane(face: Face) -> float:
    facial = face.line("N", "Pog")
    behind = distance_in_front(face["B"], facial, face.anterior) - distance_in_front(face["A"], facial, face.anterior)
    angle = angle_of_lines(face.direction("A", "B"), face.direction("N", "Pog"))
    return math.copysign(angle, behind) if not math.isnan(behind) else math.nan


def _fmia(face: Face) -> float:
    return 180.0 - MEASUREMENTS["FMA"].compute(face) - MEASUREMENTS["IMPA"].compute(face)


_ALL = (
    Measurement("SNA", "deg", "∠S-N-A", _at("S", "N", "A")),
    Measurement("SNB", "deg", "∠S-N-B", _at("S", "N", "B")),
    Measurement("ANB", "deg", "SNA − SNB, positive with A in front of B", _anb),
    Measurement("Wits_mm", "mm", "A and B projected on the occlusal line, positive with A in front", _wits),
    Measurement("FacialAngle", "deg", "FH to N-Pog, posterior-inferior", _directions("Or", "Po", "N", "Pog")),
    Measurement("Convexity", "deg", "180° − ∠N-A-Pog, positive with A in front of N-Pog", _convexity),
    Measurement("ABPlane", "deg", "A-B to N-Pog, negative with B behind A", _ab_plane),
    Measurement("YAxis", "deg", "FH to S-Gn, anterior-inferior", _directions("Po", "Or", "S", "Gn")),
    Measurement("SN_GoGn", "deg", "S-N to Go-Gn", _lines("S", "N", "Go", "Gn")),
    Measurement("FMA", "deg", "FH to Go-Me", _lines("Po", "Or", "Go", "Me")),
    Measurement("IMPA", "deg", "LIA→LIT to Me→Go, posterior", _directions("LIA", "LIT", "Me", "Go")),
    Measurement("FMIA", "deg", "180° − FMA − IMPA", _fmia),
    Measurement("Gonial", "deg", "∠Ar-Go-Me", _at("Ar", "Go", "Me")),
    Measurement("Saddle", "deg", "∠N-S-Ar", _at("N", "S", "Ar")),
    Measurement("Articular", "deg", "∠S-Ar-Go", _at("S", "Ar", "Go")),
    Measurement("BjorkSum", "deg", "Saddle + Articular + Gonial", _sum("Saddle", "Articular", "Gonial")),
    Measurement("Jarabak_pct", "%", "100 · S-Go / N-Me", _percent("S", "Go", "N", "Me")),
    Measurement("CoA_mm", "mm", "Co-A", _mm("Co", "A")),
    Measurement("CoGn_mm", "mm", "Co-Gn", _mm("Co", "Gn")),
    Measurement("U1_NA_deg", "deg", "UIA-UIT to N-A", _lines("UIA", "UIT", "N", "A")),
    Measurement("U1_NA_mm", "mm", "UIT from N-A, positive in front", _in_front_mm("UIT", "N", "A")),
    Measurement("L1_NB_deg", "deg", "LIA-LIT to N-B", _lines("LIA", "LIT", "N", "B")),
    Measurement("L1_NB_mm", "mm", "LIT from N-B, positive in front", _in_front_mm("LIT", "N", "B")),
    Measurement("U1_L1", "deg", "UIT→UIA to LIT→LIA", _directions("UIT", "UIA", "LIT", "LIA")),
    Measurement("U1_SN", "deg", "UIA-UIT to S-N, posterior-inferior", _directions("UIA", "UIT", "N", "S")),
    Measurement("L1_APog_deg", "deg", "LIA-LIT to A-Pog", _lines("LIA", "LIT", "A", "Pog")),
    Measurement("L1_APog_mm", "mm", "LIT from A-Pog, positive in front", _in_front_mm("LIT", "A", "Pog")),
    Measurement("Ls_E_mm", "mm", "Ls from Pn-Pog`, positive in front", _in_front_mm("Ls", "Pn", "Pog`")),
    Measurement("Li_E_mm", "mm", "Li from Pn-Pog`, positive in front", _in_front_mm("Li", "Pn", "Pog`")),
    Measurement("Nasolabial", "deg", "∠Pn-Sn-Ls, about 20° above the columella's angle", _at("Pn", "Sn", "Ls")),
    Measurement("N_ANS_mm", "mm", "N-ANS, upper anterior face height", _mm("N", "ANS")),
    Measurement("ANS_Me_mm", "mm", "ANS-Me, lower anterior face height", _mm("ANS", "Me")),
    Measurement("N_Me_mm", "mm", "N-Me, anterior face height", _mm("N", "Me")),
    Measurement("S_Go_mm", "mm", "S-Go, posterior face height", _mm("S", "Go")),
    Measurement("Ar_Go_mm", "mm", "Ar-Go, ramus height", _mm("Ar", "Go")),
    Measurement("ANSMe_NMe_pct", "%", "100 · ANS-Me / N-Me", _percent("ANS", "Me", "N", "Me")),
    Measurement("PP_MP", "deg", "palatal plane ANS-PNS to mandibular plane Go-Me", _lines("ANS", "PNS", "Go", "Me")),
)

MEASUREMENTS = {measurement.key: measurement for measurement in _ALL}
"""Measurements by key."""

VERTICAL_MEASUREMENTS = (
    "N_ANS_mm",
    "ANS_Me_mm",
    "N_Me_mm",
    "S_Go_mm",
    "Ar_Go_mm",
    "Jarabak_pct",
    "ANSMe_NMe_pct",
    "SN_GoGn",
    "FMA",
    "PP_MP",
)
"""Keys of the ten vertical measurements, in the order of a network's outputs."""
