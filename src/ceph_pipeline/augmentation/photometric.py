"""Kinds that change grey values and move nothing; the one module that calls albumentations."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any, cast

import numpy as np
from pydantic import Field, field_validator

from ceph_pipeline.augmentation.kinds import Change, Kind, Pixels, Range, Source, register


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
        shift = float(rng.uniform(*self.shifts[copy]))
        return Change(pixels=lambda image: shift_brightness(image, shift))


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


def shift_brightness(image: Pixels, shift: float) -> Pixels:
    """Shrink the grey scale by |shift|: towards white where `shift` is positive, else towards black; bit depth kept."""
    brightness, contrast = max(shift, 0.0), -abs(shift)
    change = _albumentations().RandomBrightnessContrast(
        brightness_limit=(brightness, brightness), contrast_limit=(contrast, contrast), brightness_by_max=True, p=1.0
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


@cache
def _albumentations() -> Any:
    """The library, without torch unless torch is there already.

    It offers torch transforms and loads torch for them where it is installed: 4 seconds and 500 MB in every worker, for
    nothing that is used here.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the network for newer versions
    with _hidden("torch"):
        return importlib.import_module("albumentations")


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Let imports of a module fail inside the block, as if it were not installed; one that is loaded stays."""
    if module in sys.modules:
        yield
        return
    loaded = cast("dict[str, ModuleType | None]", sys.modules)
    loaded[module] = None  # the import system's documented way to say "not there"
    try:
        yield
    finally:
        del sys.modules[module]
