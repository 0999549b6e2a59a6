"""Kinds that change grey values by one curve, the same at every pixel, and move no points.

The curves are exact at any bit depth and need one table look-up. On the fly, they are combined with the normalisation.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from pydantic import Field, field_validator

from ceph_pipeline.augmentation.kinds import Kind, Range, Source, register
from ceph_pipeline.augmentation.transforms import Levels, Tone, Transform

DENSITY_RANGE = 3.0
"""Optical density of a radiographic film from clear to black."""

CURVE_ENDS = 0.04
"""Share of the density range at either end that the digitised image does not contain: base and fog, and full black."""


def _positive(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    for bounds in ranges:
        if not 0.1 <= bounds[0] <= bounds[1] <= 10:
            raise ValueError(f"{list(bounds)} is too extreme; expected values from 0.1 to 10, where 1 is no change.")
    return ranges


def _draw_factor(rng: np.random.Generator, bounds: Range) -> float:
    """A log-uniform factor: 0.5 is as likely as 2."""
    return float(np.exp(rng.uniform(*np.log(bounds))))


@register("brightness")
class Brightness(Kind):
    """Copies with a different exposure: a change of dose, applied through the characteristic curve of the film or sensor.

    The network's normalisation would undo a change that is affine in grey levels, but not a change of dose. Contrast is preserved
    in the curve's straight part and lost in its toe and shoulder, and values outside the digitised range are clipped. A higher
    dose gives a darker film with overexposed soft tissue, and a lower dose a pale film.

    Attributes:
        dose_stops: Ranges of the change of dose in stops, with one copy each; 1 is twice the dose, above 0 is darker.
        film_gamma: Slope of the curve's straight part, optical density per tenfold dose: 2.5–3.5 for screen films.
    """

    dose_stops: tuple[Range, ...] = Field(((0.4, 0.8), (-0.8, -0.4)), min_length=1)
    film_gamma: float = Field(2.8, ge=0.5, le=6)

    @field_validator("dose_stops")
    @classmethod
    def _leave_a_picture(cls, ranges: tuple[Range, ...]) -> tuple[Range, ...]:
        for bounds in ranges:
            if not -3 <= bounds[0] <= bounds[1] <= 3:
                raise ValueError(f"{list(bounds)} stops are too extreme; expected values from -3 to 3, where 0 is no change.")
        return ranges

    @property
    def copies(self) -> int:
        """One copy for each range of doses."""
        return len(self.dose_stops)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw a change of dose."""
        del source
        stops = float(rng.uniform(*self.dose_stops[copy]))
        return Transform(Tone(partial(change_dose, stops=stops, film_gamma=self.film_gamma)))


@register("gamma")
class Gamma(Kind):
    """Copies with a different gamma, as from a different exposure or display table; black and white are kept.

    Attributes:
        gammas: Ranges of the exponent, drawn log-uniformly, with one copy each; above 1 is darker.
    """

    gammas: tuple[Range, ...] = Field(((0.70, 0.90), (1.15, 1.50)), min_length=1)

    _check = field_validator("gammas")(_positive)

    @property
    def copies(self) -> int:
        """One copy for each range of exponents."""
        return len(self.gammas)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw an exponent."""
        del source
        return Transform(Tone(partial(adjust_gamma, gamma=_draw_factor(rng, self.gammas[copy]))))


@register("contrast")
class Contrast(Kind):
    """Copies with lower or higher contrast; black, mean grey and white are kept, and nothing is clipped.

    Attributes:
        factors: Ranges of the contrast factor at the mean grey, drawn log-uniformly, with one copy each; above 1 is higher
            contrast.
    """

    factors: tuple[Range, ...] = Field(((0.65, 0.85), (1.20, 1.50)), min_length=1)

    _check = field_validator("factors")(_positive)

    @property
    def copies(self) -> int:
        """One copy for each range of factors."""
        return len(self.factors)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw a factor."""
        del source
        return Transform(Tone(partial(adjust_contrast, factor=_draw_factor(rng, self.factors[copy]))))


def change_dose(levels: Levels, mean: float, *, stops: float, film_gamma: float) -> Levels:
    """Grey levels of the same object with a different dose.

    The characteristic curve is a logistic function of the logarithm of the dose. Grey is linear in optical density, and clear
    film is white. The digitised range excludes `CURVE_ENDS` of the density range at either end.

    Args:
        levels: 0–1, white is 1.
        mean: Not used.
        stops: Change of dose; 1 is twice the dose.
        film_gamma: Optical density per tenfold dose in the middle of the curve.

    Source: Bushberg et al., The Essential Physics of Medical Imaging, screen-film radiography (characteristic curve).
    """
    del mean
    digitised = 1 - 2 * CURVE_ENDS
    density = CURVE_ENDS + digitised * (1 - levels)
    odds = density / (1 - density) * math.exp(4 * film_gamma / DENSITY_RANGE * stops * math.log10(2))
    return np.clip(1 - (odds / (1 + odds) - CURVE_ENDS) / digitised, 0.0, 1.0)


def adjust_gamma(levels: Levels, mean: float, *, gamma: float) -> Levels:
    """Levels to the power `gamma`."""
    del mean
    return np.asarray(levels**gamma)


def adjust_contrast(levels: Levels, mean: float, *, factor: float) -> Levels:
    """Two power curves that meet at the mean with slope `factor`: one to black, the other to white."""
    pivot = min(max(mean, 0.05), 0.95)
    lower = pivot * (np.minimum(levels, pivot) / pivot) ** factor
    upper = (1 - pivot) * (np.minimum(1 - levels, 1 - pivot) / (1 - pivot)) ** factor
    return np.where(levels <= pivot, lower, 1 - upper)
