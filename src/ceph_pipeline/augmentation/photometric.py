"""Kinds that change grey values by one curve, the same at every pixel, and move nothing.

The curves are exact at any bit depth and cost one table look-up; on the fly they fuse with the normalisation.
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
"""Share of the density range at either end that the digitised image does not show: base and fog, and full black."""


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
    """Copies of another exposure: the dose changed, seen through the film's or the sensor's characteristic curve.

    A change that is affine in grey levels would be undone by the network's normalisation. A change of dose is not: through the
    curve's straight part contrast stays, in its toe and shoulder it is lost, and what the digitised range no longer holds is
    clipped. More dose is a darker film with burnt-out soft tissue, less dose a pale one.

    Attributes:
        dose_stops: One copy each: range of the change of dose in stops (1 is twice the dose); above 0 is darker.
        film_gamma: Slope of the curve's straight part, optical density per tenfold dose: 2.5–3.5 for screen films.
    """

    dose_stops: tuple[Range, ...] = Field(((0.4, 0.8), (-0.8, -0.4)), min_length=1)
    film_gamma: float = Field(2.8, ge=0.5, le=6)

    @field_validator("dose_stops")
    @classmethod
    def _leave_a_picture(cls, ranges: tuple[Range, ...]) -> tuple[Range, ...]:
        for bounds in ranges:
            if not -3 <= bounds[0] <= bounds[1] <= 3:
                raise ValueError(f"{list(bounds)} stops leave next to no picture; keep within -3 and 3, where 0 is no change.")
        return ranges

    @property
    def copies(self) -> int:
        """One for each range of doses."""
        return len(self.dose_stops)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw a change of dose."""
        del source
        stops = float(rng.uniform(*self.dose_stops[copy]))
        return Transform(Tone(partial(change_dose, stops=stops, film_gamma=self.film_gamma)))


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

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw an exponent."""
        del source
        return Transform(Tone(partial(adjust_gamma, gamma=_draw_factor(rng, self.gammas[copy]))))


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

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw a factor."""
        del source
        return Transform(Tone(partial(adjust_contrast, factor=_draw_factor(rng, self.factors[copy]))))


def change_dose(levels: Levels, mean: float, *, stops: float, film_gamma: float) -> Levels:
    """Grey levels of the same object under another dose.

    The characteristic curve is a logistic function of the dose's logarithm, steepest in its middle. Grey is linear in optical
    density, white where the film is clear; the digitised range leaves out the curve's ends, `CURVE_ENDS` on either side.

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
    """Two power curves that meet at the mean with slope `factor`, one down to black and one up to white."""
    pivot = min(max(mean, 0.05), 0.95)
    lower = pivot * (np.minimum(levels, pivot) / pivot) ** factor
    upper = (1 - pivot) * (np.minimum(1 - levels, 1 - pivot) / (1 - pivot)) ** factor
    return np.where(levels <= pivot, lower, 1 - upper)
