"""Kinds that change grey values and move nothing; the one module that calls albumentations."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from pydantic import Field

from ceph_pipeline.augmentation.kinds import Change, Kind, Pixels, Range, Source, register


@register("brightness")
class Brightness(Kind):
    """Darker and brighter copies, with a little contrast.

    Attributes:
        shifts: One copy each: range of the shift as a fraction of the full scale, negative is darker.
        contrast: Range of the change in contrast, as a fraction; 0.1 spreads grey values by a tenth.
    """

    shifts: tuple[Range, ...] = Field(((-0.20, -0.08), (0.08, 0.20)), min_length=1)
    contrast: Range = (-0.10, 0.10)

    @property
    def copies(self) -> int:
        """One for each range of shifts."""
        return len(self.shifts)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Change:
        """Draw a shift and a contrast."""
        del source
        shift, contrast = float(rng.uniform(*self.shifts[copy])), float(rng.uniform(*self.contrast))
        return Change(pixels=lambda image: adjust_brightness(image, shift=shift, contrast=contrast))


@register("gamma")
class Gamma(Kind):
    """Copies with another tone curve, black and white kept: what another exposure or display table does.

    Attributes:
        gammas: One copy each: range of the exponent; above 1 is darker.
    """

    gammas: tuple[Range, ...] = Field(((0.70, 0.90), (1.15, 1.50)), min_length=1)

    @property
    def copies(self) -> int:
        """One for each range of exponents."""
        return len(self.gammas)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Change:
        """Draw an exponent."""
        del source
        gamma = float(rng.uniform(*self.gammas[copy]))
        return Change(pixels=lambda image: adjust_gamma(image, gamma))


def full_scale(image: Pixels) -> int:
    """The value of white: 255 for 8 bits; for 16 bits the top of the used depth (4095 for a 12-bit detector)."""
    if image.dtype == np.uint8:
        return 255
    return (1 << max(8, int(image.max()).bit_length())) - 1


def adjust_brightness(image: Pixels, *, shift: float, contrast: float = 0.0) -> Pixels:
    """Scale grey values by `1 + contrast` and add `shift` of the full scale; clipped, bit depth kept."""
    albumentations = _albumentations()
    change = albumentations.RandomBrightnessContrast(
        brightness_limit=(shift, shift), contrast_limit=(contrast, contrast), brightness_by_max=True, p=1.0
    )
    return _apply(change, image)


def adjust_gamma(image: Pixels, gamma: float) -> Pixels:
    """Raise grey values, as fractions of the full scale, to the power `gamma`; bit depth kept."""
    percent = 100.0 * gamma
    return _apply(_albumentations().RandomGamma(gamma_limit=(percent, percent), p=1.0), image)


def _apply(change: Any, image: Pixels) -> Pixels:
    """Apply a transform whose ranges are single values, so that nothing is random in it."""
    if image.dtype == np.uint8:
        return np.asarray(change(image=image)["image"])
    white = full_scale(image)  # albumentations knows 8 bits and float32 only
    changed = np.asarray(change(image=image.astype(np.float32) / white)["image"])
    rounded: Pixels = np.rint(np.clip(changed, 0.0, 1.0) * white).astype(image.dtype)
    return rounded


def _albumentations() -> Any:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the network for newer versions
    import albumentations

    return albumentations
