"""What a kind of copy is, and the register under whose names recipes ask for them.

A kind turns a source into a `Transform`: one function for the pixels and one for the points. The two are apart so that
tables can be made without touching an image: whatever moves points is drawn in `change`, the rest may be drawn with the
pixels. The same kinds make copies beforehand and change training's samples on the fly.

A further kind is a subclass with `@register("its_name")`, or a class outside this package that a recipe names by
`type: package.module.Class`.
"""

import hashlib
import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import AfterValidator, Field, PositiveFloat

from ceph_pipeline.artifacts import Params
from ceph_pipeline.augmentation.transforms import Transform
from ceph_pipeline.errors import CephError, InvalidValueError, did_you_mean

Split = Literal["train", "valid", "test"]


class RecipeError(CephError, ValueError):
    """A recipe names a kind that does not exist, or does not make the number of images it promises."""


Bounds = TypeVar("Bounds", bound=tuple[float, float])


def _ordered(bounds: Bounds) -> Bounds:
    if bounds[0] > bounds[1]:
        raise InvalidValueError(f"the lower end {bounds[0]} is above the upper end {bounds[1]}; write [lower, upper].")
    return bounds


def _not_negative(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] < 0:
        raise InvalidValueError(f"{list(bounds)} goes below 0.")
    return bounds


FILM_LONG_SIDE_MM = 240.0
"""Long side of an 18 × 24 cm cassette, and of the ISBI 2015 images."""

Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""[lower, upper]; a value is drawn uniformly between them."""

NonNegativeRange = Annotated[Range, AfterValidator(_not_negative)]
"""A range of what cannot be below 0."""

PositiveRange = Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_ordered)]
"""A range of what is above 0."""

_Share = Annotated[float, Field(ge=0, le=1)]

ShareRange = Annotated[tuple[_Share, _Share], AfterValidator(_ordered)]
"""A range of fractions of a whole."""

ORDERED = AfterValidator(_ordered)
"""Of a range whose ends have bounds of their own: the lower end is not above the upper."""


@dataclass(frozen=True)
class Source:
    """What a kind may know of a source without opening the image.

    Attributes:
        image_id: The source's identifier.
        path: The image, relative to the raw folder.
        size: (width, height) in pixels.
        pixel_size_mm: Millimetres per pixel, or None where unknown.
        landmarks: Consensus points in pixels by full name; only those that are present.
    """

    image_id: str
    path: str
    size: tuple[int, int]
    pixel_size_mm: float | None
    landmarks: Mapping[str, tuple[float, float]]

    @property
    def pixels_per_mm(self) -> float:
        """From the pixel size; where it is unknown the long side stands for 240 mm, as on most films."""
        return max(self.size) / FILM_LONG_SIDE_MM if self.pixel_size_mm is None else 1 / self.pixel_size_mm


class Kind(Params, ABC):
    """Settings of one kind of copy.

    Attributes:
        splits: The splits whose sources get copies of this kind; empty switches the kind off.
        every: 1: each source; 2: every second source, counted through train, valid and test in order of identifiers.
        probability: On the fly: the chance that a sample is changed, by one of the kind's copies at random.
    """

    type: str | None = Field(None, description="name or import path of the kind, where it differs from the recipe's key")
    splits: tuple[Split, ...] = ("train", "valid", "test")
    every: int = Field(1, ge=1)
    probability: float = Field(1.0, ge=0, le=1)

    @property
    @abstractmethod
    def copies(self) -> int:
        """Copies of one source."""

    @abstractmethod
    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """The change that makes copy number `copy`, 0 ≤ copy < `copies`; all that is random is drawn from `rng`."""

    def unavailable(self, source: Source) -> str | None:
        """Why this source can have no such copy, in words for the summary; None if it can."""
        del source
        return None


class DrawnKind(Kind):
    """A kind whose copies differ in their draws only.

    Attributes:
        n_copies: Copies of one source, each with draws of its own.
    """

    n_copies: int = Field(1, ge=1)

    @property
    def copies(self) -> int:
        """`n_copies`."""
        return self.n_copies


KINDS: dict[str, type[Kind]] = {}
"""Registered kinds by name."""

KindClass = TypeVar("KindClass", bound=type[Kind])


def register(name: str) -> Callable[[KindClass], KindClass]:
    """Make a kind known to recipes under a name.

    @register("shadow")
    class Shadow(Kind): ...
    """

    def add(kind: KindClass) -> KindClass:
        KINDS[name] = kind
        return kind

    return add


def find_kind(name: str) -> type[Kind]:
    """The kind of a registered name or an import path.

    Raises:
        RecipeError: there is no such kind; the message suggests the nearest.
    """
    if name in KINDS:
        return KINDS[name]
    module, _, attribute = name.rpartition(".")
    if module:
        try:
            kind = getattr(importlib.import_module(module), attribute)
        except Exception as error:  # a module of the user's may fail in any way
            raise RecipeError(f"augmentation kind {name!r} cannot be imported: {type(error).__name__}: {error}.") from error
        if isinstance(kind, type) and issubclass(kind, Kind):
            return kind
        raise RecipeError(f"augmentation kind {name!r} is no subclass of ceph_pipeline.augmentation.Kind.")
    hint = did_you_mean(name, KINDS, n=1, cutoff=0.4)
    raise RecipeError(f"unknown augmentation kind {name!r}.{hint} There are {', '.join(sorted(KINDS))}.")


def random_generator(seed: int, source_id: str, kind: str, copy: int) -> np.random.Generator:
    """The random numbers of one copy: the same whichever worker makes it, and whenever."""
    return np.random.default_rng(np.random.SeedSequence([seed, _number(source_id), _number(kind), copy]))


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
