"""Positions of the crowns that carry a fixed appliance: both dental arches, fitted to the eight dental landmarks.

A lateral cephalogram shows an arch from the side. The landmarks give the arch's sagittal course. Average arch forms give each
crown's distance from the midline and the direction of its outer face. Thus an incisor's bracket appears in profile, a canine's
obliquely and a premolar's from the front.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ceph_pipeline.augmentation.beam import Beam, Vector, perpendicular, unit
from ceph_pipeline.landmarks import find

UPPER_SYMBOLS = ("UMT", "UPM", "UIT", "UIA")
LOWER_SYMBOLS = ("LMT", "LPM", "LIT", "LIA")
DENTAL = tuple(find(symbol).name for symbol in (*UPPER_SYMBOLS, *LOWER_SYMBOLS))
"""Full names of the landmarks from which an appliance is placed."""


@dataclass(frozen=True)
class BracketPlace:
    """Position of one tooth in an average arch, and of its bracket.

    Attributes:
        fraction: Position along the landmarks: −1 first molar's mesial cusp, 0 second premolar's cusp, 1 central incisor's edge.
        aside_mm: Distance from the midline.
        facing_deg: Direction of the outer face: 0 forwards, 90 to the side.
        slot_mm: Height of the bracket's slot above the line through the crowns' edges.
        width_mm: The bracket's extent along the arch.
    """

    fraction: float
    aside_mm: float
    facing_deg: float
    slot_mm: float
    width_mm: float


UPPER_ARCH = (
    BracketPlace(-1.0, 25.5, 86, 2.4, 3.8),
    BracketPlace(0.0, 23.0, 82, 3.1, 3.2),
    BracketPlace(0.36, 20.5, 74, 3.3, 3.2),
    BracketPlace(0.70, 16.5, 52, 3.5, 3.3),
    BracketPlace(0.92, 10.5, 27, 3.4, 3.0),
    BracketPlace(1.0, 4.3, 9, 3.4, 3.5),
)
"""First molar, second and first premolar, canine, lateral and central incisor."""

LOWER_ARCH = (
    BracketPlace(-1.0, 24.0, 84, 2.3, 3.8),
    BracketPlace(0.0, 20.5, 80, 2.9, 3.2),
    BracketPlace(0.38, 17.5, 72, 3.1, 3.2),
    BracketPlace(0.74, 13.0, 48, 3.3, 3.2),
    BracketPlace(0.95, 7.8, 18, 3.2, 3.0),
    BracketPlace(1.0, 2.6, 6, 3.2, 3.0),
)

LABIAL_MM = 1.5
"""Distance from the line through an incisor's edge and apex to its outer face, at the height of the slot."""

TUBE_BEHIND_CUSP_MM = 1.0
"""Distance from the molar's mesial cusp backwards to the middle of its tube."""


@dataclass(frozen=True)
class Crown:
    """The outer face of one crown at its bracket, in space (see `Beam`), in mm.

    Attributes:
        tooth: The tooth.
        centre: Point on the face, at the height of the slot.
        mesial: Unit vector along the arch towards the midline.
        gingival: Unit vector towards the root.
        outwards: Unit vector away from the tooth.
    """

    tooth: BracketPlace
    centre: Vector
    mesial: Vector
    gingival: Vector
    outwards: Vector

    @property
    def is_molar(self) -> bool:
        """Whether the tooth is a molar, which carries a tube instead of a bracket."""
        return self.tooth.fraction < 0

    def at(self, points: Vector) -> Vector:
        """Convert points `(..., 3)` from (mesial, gingival, outwards) of the centre to space, in mm."""
        return np.asarray(self.centre + points @ np.stack([self.mesial, self.gingival, self.outwards]))


def fit_arches(
    landmarks: Mapping[str, tuple[float, float]], beam: Beam, rng: np.random.Generator
) -> tuple[tuple[Crown, ...], tuple[Crown, ...]]:
    """Both arches' crowns, each from the first molar on the tube's side to the first molar on the film's side.

    Args:
        landmarks: At least the eight landmarks of `DENTAL`, in pixels, by full name.
        beam: Projection of the same image.
        rng: For small irregularities of bonding.
    """
    upper, lower = (
        _fit_arch(tuple(beam.sagittal(landmarks[find(symbol).name]) for symbol in symbols), teeth, rng)
        for symbols, teeth in ((UPPER_SYMBOLS, UPPER_ARCH), (LOWER_SYMBOLS, LOWER_ARCH))
    )
    return upper, lower


def crown_lines(landmarks: Mapping[str, tuple[float, float]]) -> tuple[Vector, Vector]:
    """For each arch, the line `(3, 2)` through the cusp tips and the incisal edge, in pixels."""
    upper, lower = (
        np.array([landmarks[find(symbol).name] for symbol in symbols[:3]]) for symbols in (UPPER_SYMBOLS, LOWER_SYMBOLS)
    )
    return upper, lower


def _fit_arch(anchors: tuple[Vector, ...], teeth: tuple[BracketPlace, ...], rng: np.random.Generator) -> tuple[Crown, ...]:
    near = [_crown(anchors, tooth, 1, rng) for tooth in teeth]
    far = [_crown(anchors, tooth, -1, rng) for tooth in teeth]
    return (*near, *reversed(far))


def _crown(anchors: tuple[Vector, ...], tooth: BracketPlace, side: int, rng: np.random.Generator) -> Crown:
    """One bonded crown.

    Args:
        anchors: Sagittal positions of the molar's and premolar's cusp tips, and of the incisor's edge and apex, in mm.
        tooth: The tooth.
        side: 1 towards the tube, −1 towards the film.
        rng: For random deviations of the bracket, within 0.3 mm and a few degrees.
    """
    molar, _, edge, apex = anchors
    forwards = unit(edge - molar)
    front = max(0.0, tooth.fraction) ** 2
    axis = unit((1 - front) * perpendicular(forwards, apex - edge) + front * unit(apex - edge))
    labial = perpendicular(axis, forwards)
    facing = np.radians(tooth.facing_deg)
    outwards = np.array([*(np.cos(facing) * labial), side * np.sin(facing)])
    mesial = np.array([*(np.sin(facing) * labial), -side * np.cos(facing)])
    gingival = np.array([*axis, 0.0])
    off = np.clip(rng.normal(0.0, 0.12, 2), -0.3, 0.3)
    tip = np.radians(np.clip(rng.normal(0.0, 2.5), -6, 6))
    edge_point = np.array([*_along(anchors, tooth.fraction), side * tooth.aside_mm])
    behind = TUBE_BEHIND_CUSP_MM if tooth.fraction < 0 else 0.0
    centre = edge_point + (tooth.slot_mm + off[0]) * gingival + (off[1] - behind) * mesial + LABIAL_MM * outwards
    return Crown(
        tooth=tooth,
        centre=centre,
        mesial=np.cos(tip) * mesial + np.sin(tip) * gingival,
        gingival=np.cos(tip) * gingival - np.sin(tip) * mesial,
        outwards=outwards,
    )


def _along(anchors: tuple[Vector, ...], fraction: float) -> Vector:
    """The crown's edge at a fraction of the arch (see `BracketPlace`)."""
    molar, premolar, edge, _ = anchors
    if fraction < 0:
        return premolar + (molar - premolar) * -fraction
    return premolar + (edge - premolar) * fraction
