"""Kinds that change grey values by one curve, the same at every pixel, and move nothing.

The curves are exact at any bit depth and cost one table look-up; on the fly they fuse with the normalisation.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from pydantic import Field, field_validator

from ceph_pipeline.augmentation.changes import Change, Levels, Tone
from ceph_pipeline.augmentation.kinds import Kind, Range, Source, register


def _positive(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    for bounds in ranges:
        if not 0.1 <= bounds[0] <= bounds[1] <= 10:
            raise ValueError(f"{list(bounds)} leaves next to no picture; keep within 0.1 and 10, where 1 is no change.")
    return ranges


def _draw_factor(rng: np.random.Generator, bounds: Range) -> float:
    """A factor whose logarithm is uniform: half is as likely as twice."""
    return float(np.exp(rng.uniform(*np.log(bounds))))


@register("brightness")
class Brightness(Kind):
    """Darker and brighter copies in which nothing is clipped.

    A plain shift would drive the soft-tissue profile into black or the vault into white, and the landmarks there with it. So
    the grey scale shrinks by the amount of the shift, towards black or towards white, and every difference stays visible.

    Attributes:
        shifts: One copy each: range of the shift as a fraction of the full scale; negative is darker.
    """

    shifts: tuple[Range, ...] = Field(((-0.35, -0.15), (0.15, 0.35)), min_length=1)

    @field_validator("shifts")
    @classmethod
    def _leave_a_picture(cls, shifts: tuple[Range, ...]) -> tuple[Range, ...]:
        for shift in shifts:
            if not -0.8 <= shift[0] <= shift[1] <= 0.8:
                raise ValueError(f"the shift {list(shift)} leaves next to no picture; keep within -0.8 and 0.8.")
        return shifts

    @property
    def copies(self) -> int:
        """One for each range of shifts."""
        return len(self.shifts)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Change:
        """Draw a shift."""
        del source
        return Change(Tone(partial(shift_brightness, shift=float(rng.uniform(*self.shifts[copy])))))


@register("gamma")
class Gamma(Kind):
    """Copies with another tone curve, black and white kept: what another exposure or display table does.

    Attributes:
        gammas: One copy each: range of the exponent, drawn so that its logarithm is uniform; above 1 is darker.
    """

    gammas: tuple[Range, ...] = Field(((0.70, 0.90), (1.15, 1.50)), min_length=1)

    _check = field_validator("gammas")(_positive)

    @property
    def copies(self) -> int:
        """One for each range of exponents."""
        return len(self.gammas)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Change:
        """Draw an exponent."""
        del source
        return Change(Tone(partial(adjust_gamma, gamma=_draw_factor(rng, self.gammas[copy]))))


@register("contrast")
class Contrast(Kind):
    """Softer and harder copies, like films of another gradation: black, mean grey and white stay, nothing is clipped.

    Attributes:
        factors: One copy each: range of the contrast at the mean grey, drawn so that its logarithm is uniform; above 1 is
            harder.
    """

    factors: tuple[Range, ...] = Field(((0.65, 0.85), (1.20, 1.50)), min_length=1)

    _check = field_validator("factors")(_positive)

    @property
    def copies(self) -> int:
        """One for each range of factors."""
        return len(self.factors)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Change:
        """Draw a factor."""
        del source
        return Change(Tone(partial(adjust_contrast, factor=_draw_factor(rng, self.factors[copy]))))


def shift_brightness(levels: Levels, mean: float, *, shift: float) -> Levels:
    """Shrink the grey scale by |shift|: towards white where `shift` is positive, else towards black."""
    del mean
    return levels * (1 - abs(shift)) + max(shift, 0.0)


def adjust_gamma(levels: Levels, mean: float, *, gamma: float) -> Levels:
    """Levels to the power `gamma`."""
    del mean
    return np.asarray(levels**gamma)


def adjust_contrast(levels: Levels, mean: float, *, factor: float) -> Levels:
    """Two power curves that meet at the mean with slope `factor`, one down to black and one up to white."""
    pivot = min(max(mean, 0.05), 0.95)
    lower = pivot * (np.minimum(levels, pivot) / pivot) ** factor
    upper = (1 - pivot) * (np.minimum(1 - levels, 1 - pivot) / (1 - pivot)) ** factor
    return np.where(levels <= pivot, lower, 1 - upper)
