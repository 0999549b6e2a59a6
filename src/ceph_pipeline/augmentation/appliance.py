"""Geometry of a fixed appliance: twin brackets, molar tubes or bands, hooks, and an arch wire through the slots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ceph_pipeline.augmentation.beam import Vector
from ceph_pipeline.augmentation.dentition import Crown

SLOT_OUT_MM = 1.3
"""Distance from the tooth's face to the wire's centre line."""

WIRE_BEHIND_TUBE_MM = 3.0
"""Distance from the middle of the molar's tube to the end of the wire."""

BAND_STEPS = 20
"""Number of pieces of sheet in a band's ring."""

BAND_SHEET_MM = 0.22
"""Thickness of a band, including the opacity of its cement."""


@dataclass(frozen=True)
class Block:
    """A convex piece of metal.

    Attributes:
        corners: `(N, 3)` in space (see `Beam`), mm.
        volume_mm3: Volume of the metal.
    """

    corners: Vector
    volume_mm3: float


@dataclass(frozen=True)
class Rod:
    """A piece of wire.

    Attributes:
        points: `(M, 3)`, the centre line in space, mm.
        height_mm: Thickness in the direction across the beam.
        section_mm2: Area of the cross-section.
    """

    points: Vector
    height_mm: float
    section_mm2: float

    @classmethod
    def round(cls, points: Vector, diameter_mm: float) -> Rod:
        """A round wire."""
        return cls(points, diameter_mm, np.pi / 4 * diameter_mm**2)


Part = Block | Rod


@dataclass(frozen=True)
class Design:
    """Design of an appliance.

    Attributes:
        slot_mm: Height of the slots: 0.46 (0.018 inch) or 0.56 (0.022 inch).
        wire_mm: Height of the arch wire.
        rectangular: An edgewise wire, 1.3 times as deep as high, instead of a round one.
        molar_bands: Bands around the first molars instead of bonded tubes.
        hooks: Ball hooks on canines and first premolars.
        width: Width of the brackets relative to the default, since it differs between makes.
        gap: Width of the gap between a bracket's halves, as a fraction of the bracket's width.
    """

    slot_mm: float
    wire_mm: float
    rectangular: bool
    molar_bands: bool
    hooks: bool
    width: float
    gap: float


def build(arch: Sequence[Crown], design: Design) -> list[Part]:
    """The appliance of one arch; crowns are ordered from molar to molar."""
    section = design.wire_mm**2 * (1.3 if design.rectangular else np.pi / 4)
    parts: list[Part] = [Rod(span, design.wire_mm, section) for span in _wire_spans(arch)]
    for crown in arch:
        if crown.is_molar:
            parts += _tube(crown, design.slot_mm)
            parts += _band(crown) if design.molar_bands else []
        else:
            parts += _twin(crown, design)
            if design.hooks and 0.3 < crown.tooth.fraction < 0.8:
                parts += _ball_hook(crown)
    return parts


def _twin(crown: Crown, design: Design) -> Iterator[Part]:
    """A twin bracket: base, a lower neck with the slot's floor, and two halves each with a tie-wing on both sides of the slot."""
    width = design.width * crown.tooth.width_mm
    yield _plate(crown, (0.0, 0.0), (width - 0.4, 2.4), (0.0, 0.45), rounded=0.5)
    yield _plate(crown, (0.0, 0.0), (width - 0.7, 1.8), (0.45, 1.2), rounded=0.3)
    half = 0.5 * (0.98 - design.gap) * width
    for side in (-1, 1):
        for level in (-1, 1):
            yield _wing(crown, side * (half + design.gap * width) / 2, half, level, design.slot_mm / 2)


def _wing(crown: Crown, aside: float, width: float, level: int, slot: float) -> Block:
    """A tie-wing with rounded corners, which widens outwards to hold a ligature."""
    x = width / 2
    corners = [
        (aside + side * across, level * edge, out)
        for side in (-1, 1)
        for across, edge, out in ((x, slot, 1.1), (x, 1.2, 1.1), (x, slot, 2.1), (x, 1.3, 2.1), (x - 0.25, 1.55, 2.0))
    ]
    return Block(crown.at(np.array(corners)), width * (1.35 - slot))


def _tube(crown: Crown, slot_mm: float) -> Iterator[Part]:
    """A molar's buccal tube: base, walls around the lumen, and a hook that points backwards."""
    width = crown.tooth.width_mm
    yield _plate(crown, (0.0, 0.0), (width, 2.8), (0.0, 0.4), rounded=0.6)
    for level in (-1, 1):
        yield _plate(crown, (0.0, level * (slot_mm + 0.7) / 2), (width - 0.5, 0.7), (0.4, 1.9))
    for wall in ((0.4, 0.8), (1.5, 1.9)):
        yield _plate(crown, (0.0, 0.0), (width - 0.5, slot_mm), wall)
    curl = np.array([(1.1, 1.0, 1.2), (1.2, 1.8, 1.4), (0.9, 2.4, 1.5), (0.3, 2.6, 1.5), (-0.2, 2.3, 1.5)])
    yield Rod.round(crown.at(curl), 0.55)


def _ball_hook(crown: Crown) -> Iterator[Part]:
    distal = -0.32 * crown.tooth.width_mm
    yield Rod.round(crown.at(np.array([(distal, 1.2, 1.4), (distal, 2.0, 1.6)])), 0.55)
    yield _plate(crown, (distal, 2.1), (0.85, 0.85), (1.1, 2.0), rounded=0.25)


def _band(crown: Crown) -> Iterator[Part]:
    """A molar band: a ring of thin sheet, which appears dense where the beam is tangential to its mesial and distal walls.

    Like the crown, the band is 10 mm deep, and slightly lower at the back than at the front.
    """
    turn = np.linspace(0.0, 2 * np.pi, BAND_STEPS + 1)
    mesial, outwards = np.sign([np.cos(turn), np.sin(turn)]) * np.abs([np.cos(turn), np.sin(turn)]) ** 0.8
    margins = (np.full_like(turn, -2.2), 1.5 + 0.6 * mesial)
    low, high = (crown.at(np.stack([-0.1 + 3.8 * mesial, level, -5.0 + 5.1 * outwards], axis=1)) for level in margins)
    for i in range(BAND_STEPS):
        width = float(np.linalg.norm(low[i + 1] - low[i]))
        height = float(np.linalg.norm(high[i] - low[i] + high[i + 1] - low[i + 1])) / 2
        yield Block(np.array([low[i], low[i + 1], high[i + 1], high[i]]), width * height * BAND_SHEET_MM)


def _plate(
    crown: Crown,
    centre: tuple[float, float],
    size: tuple[float, float],
    layer: tuple[float, float],
    rounded: float = 0.0,
) -> Block:
    """A plate along a crown's face.

    Args:
        crown: The crown.
        centre: (mesial, gingival), mm.
        size: (mesial, gingival), mm.
        layer: Distances of the lower and upper sides from the face, mm.
        rounded: Size of the cut corners, mm.
    """
    x, y = size[0] / 2, size[1] / 2
    outline = np.array([(x - rounded, y), (x, y - rounded), (x, rounded - y), (x - rounded, -y)])
    outline = np.concatenate([outline, -outline]) + centre
    sides = [np.column_stack([outline, np.full(len(outline), height)]) for height in layer]
    return Block(crown.at(np.concatenate(sides)), (size[0] * size[1] - 2 * rounded**2) * (layer[1] - layer[0]))


def _wire_spans(arch: Sequence[Crown]) -> list[Vector]:
    """The wire's centre line from end to end through the slots; in each slot the wire has the slot's direction."""
    half = len(arch) // 2
    ways = [crown.mesial if i < half else -crown.mesial for i, crown in enumerate(arch)]
    slots = [crown.at(np.array([0.0, 0.0, SLOT_OUT_MM])) for crown in arch]
    knots = [slots[0] - WIRE_BEHIND_TUBE_MM * ways[0], *slots, slots[-1] + WIRE_BEHIND_TUBE_MM * ways[-1]]
    ways = [ways[0], *ways, ways[-1]]
    return [_bent(knots[i], knots[i + 1], ways[i], ways[i + 1]) for i in range(len(knots) - 1)]


def _bent(start: Vector, stop: Vector, way_out: Vector, way_in: Vector) -> Vector:
    """Elastic wire between two slots: the cubic curve with given ends and directions (Hermite)."""
    t = np.linspace(0.0, 1.0, 8)[:, None]
    chord = float(np.linalg.norm(stop - start))
    ends = (1 + 2 * t) * (1 - t) ** 2 * start + t**2 * (3 - 2 * t) * stop
    return np.asarray(ends + chord * (t * (1 - t) ** 2 * way_out - t**2 * (1 - t) * way_in))
