"""Where a fixed appliance sits: brackets on the visible crowns of both arches, and the wire through their slots.

Everything is placed from the eight dental landmarks, in the plane of the film. The beam meets the right and the left
side of an arch at different magnifications, so that each bracket behind the incisors appears twice, a little apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.augmentation.kinds import Source
from ceph_pipeline.landmarks import find

Vector = NDArray[np.float64]

UPPER_SYMBOLS = ("UMT", "UPM", "UIT", "UIA")
LOWER_SYMBOLS = ("LMT", "LPM", "LIT", "LIA")
DENTAL = tuple(find(symbol).name for symbol in (*UPPER_SYMBOLS, *LOWER_SYMBOLS))
"""Full names of the landmarks an appliance is placed from."""

SELLA_NASION_MM = 72.0
"""Mean adult S-N length: the scale where no plausible pixel size is known."""

PLAUSIBLE_SELLA_NASION_MM = (55.0, 85.0)
"""S-N length outside of which an image's pixel size is not believed."""


@dataclass(frozen=True)
class Tooth:
    """Where one bonded crown of an arch lies, and how its bracket appears from the side.

    Attributes:
        fraction: Along the arch: −1 first molar, 0 second premolar, 1 central incisor.
        side: 1 where right and left are farthest apart in the projection, 0 at the midline.
        width_mm: Projected width of the bracket, along the wire.
        view: A tube on the molar; a twin bracket from the front; a bracket in profile.
    """

    fraction: float
    side: float
    width_mm: float
    view: Literal["tube", "twin", "profile"]


TEETH = (
    Tooth(-1.0, 1.0, 4.2, "tube"),
    Tooth(0.0, 0.9, 3.3, "twin"),
    Tooth(0.36, 0.75, 3.2, "twin"),
    Tooth(0.70, 0.45, 2.6, "twin"),
    Tooth(0.92, 0.2, 1.8, "profile"),
    Tooth(1.0, 0.0, 1.6, "profile"),
)
"""First molar, second and first premolar, canine, lateral and central incisor."""

SLOT_HEIGHT_MM = 3.5
"""From the cusp tip or incisal edge to the bracket's slot."""

LABIAL_MM = 2.6
"""From the central incisor's long axis to the middle of its bracket."""


@dataclass(frozen=True)
class Bracket:
    """One bracket in the image.

    Attributes:
        centre: The slot's middle, in pixels.
        along: Unit vector along the wire, forwards.
        gingival: Unit vector from the crown's edge towards its root.
        width_mm: Extent along the wire.
        view: As in `Tooth`.
    """

    centre: Vector
    along: Vector
    gingival: Vector
    width_mm: float
    view: Literal["tube", "twin", "profile"]


@dataclass(frozen=True)
class Arch:
    """The brackets and the wire of one side of one arch.

    Attributes:
        tips: `(3, 2)`, the cusp tips and the incisal edge that anchor the arch, in pixels.
        brackets: From the molar forwards.
        wire: `(M, 2)`, the wire's middle line, in pixels.
    """

    tips: Vector
    brackets: tuple[Bracket, ...]
    wire: Vector


def pixels_per_mm(source: Source) -> float | None:
    """Scale of the film: the pixel size if S-N comes out at a plausible length, else S-N taken as 72 mm.

    Returns:
        None where neither a pixel size nor Sella and Nasion are known.
    """
    points = [source.landmarks.get(find(symbol).name) for symbol in ("S", "N")]
    known = 1.0 / source.pixel_size_mm if source.pixel_size_mm else None
    if points[0] is None or points[1] is None:
        return known
    length = float(np.linalg.norm(np.subtract(points[1], points[0])))
    low, high = PLAUSIBLE_SELLA_NASION_MM
    return known if known and low <= length / known <= high else length / SELLA_NASION_MM


def fit_arches(
    landmarks: Mapping[str, tuple[float, float]], scale: float, rng: np.random.Generator
) -> tuple[Arch, Arch, Arch, Arch]:
    """Place both arches, each with its near and its far side.

    Args:
        landmarks: At least the eight of `DENTAL`, in pixels, by full name.
        scale: Pixels per mm.
        rng: For the sides' displacement and the small irregularities of bonding.
    """
    apart = scale * np.array([rng.uniform(0.5, 1.3), rng.uniform(-0.4, 0.4)]) / 2
    arches = [
        _fit_arch([np.asarray(landmarks[find(symbol).name], dtype=np.float64) for symbol in symbols], scale, offset, rng)
        for symbols in (UPPER_SYMBOLS, LOWER_SYMBOLS)
        for offset in (apart, -apart)
    ]
    return arches[0], arches[1], arches[2], arches[3]


def _fit_arch(anchors: Sequence[Vector], scale: float, offset: Vector, rng: np.random.Generator) -> Arch:
    """One side of one arch.

    Args:
        anchors: Molar's and premolar's cusp tip, incisor's edge and apex.
        scale: Pixels per mm.
        offset: The side's displacement (forwards, towards the root), in pixels.
        rng: For the irregularities of bonding.
    """
    molar, premolar, edge, apex = anchors
    forwards = _unit(edge - molar)
    towards_root = _perpendicular(forwards, apex - edge)
    brackets = []
    for tooth in TEETH:
        front = max(0.0, tooth.fraction) ** 2
        gingival = _unit((1 - front) * towards_root + front * _unit(apex - edge))
        labial = _perpendicular(gingival, forwards)
        tip = _between(molar, premolar, edge, tooth.fraction)
        aside = tooth.side * (offset[0] * forwards + offset[1] * towards_root)
        bonded = rng.normal(0.0, 0.12, 2) * scale  # no two brackets are bonded at quite the same place
        centre = tip + scale * (SLOT_HEIGHT_MM * gingival + front * LABIAL_MM * labial)
        centre = centre + aside + bonded[0] * labial + bonded[1] * gingival
        tilt = np.radians(rng.normal(0.0, 2.0))
        along = np.cos(tilt) * labial + np.sin(tilt) * gingival
        brackets.append(Bracket(centre, along, _perpendicular(along, gingival), tooth.width_mm, tooth.view))
    distal_end = brackets[0].centre - 3.2 * scale * brackets[0].along
    wire = _smooth(np.array([distal_end, *(bracket.centre for bracket in brackets)]))
    return Arch(np.array([molar, premolar, edge]), tuple(brackets), wire)


def _between(molar: Vector, premolar: Vector, edge: Vector, fraction: float) -> Vector:
    """The crown's tip at a fraction of the arch (see `Tooth`)."""
    if fraction < 0:
        return premolar + (molar - premolar) * -fraction
    return premolar + (edge - premolar) * fraction


def _unit(vector: Vector) -> Vector:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def _perpendicular(direction: Vector, side: Vector) -> Vector:
    """The unit vector at right angles to `direction` that points to the side of `side`."""
    across = np.array([-direction[1], direction[0]])
    return _unit(across if across @ side >= 0 else -across)


def _smooth(knots: Vector, samples: int = 80) -> Vector:
    """A line through all knots without overshoot, as springy wire lies in its slots."""
    from scipy.interpolate import PchipInterpolator

    steps = np.maximum(np.linalg.norm(np.diff(knots, axis=0), axis=1), 1e-6)
    arc = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(PchipInterpolator(arc, knots)(np.linspace(0.0, arc[-1], samples)), dtype=np.float64)
