"""Kinds of copies, and the register of their names in recipes.

A kind creates a `Transform` for a source, with one function for the pixels and one for the points. They are separate so that
tables can be made without reading images. All random numbers that move points are drawn in `change`; the others may be drawn
together with the pixels. The same kinds are used for copies made in advance and for augmentation on the fly.

To add a kind, write a subclass with `@register("its_name")`, or a class outside this package, which a recipe selects with `type:
package.module.Class`.
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
    """A recipe contains an unknown kind, or does not make the target number of images."""


Bounds = TypeVar("Bounds", bound=tuple[float, float])


def _ordered(bounds: Bounds) -> Bounds:
    if bounds[0] > bounds[1]:
        raise InvalidValueError(f"the lower end {bounds[0]} is above the upper end {bounds[1]}; write [lower, upper].")
    return bounds


def _not_negative(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] < 0:
        raise InvalidValueError(f"{list(bounds)} contains values below 0.")
    return bounds


FILM_LONG_SIDE_MM = 240.0
"""Long side of an 18 × 24 cm cassette and of the ISBI 2015 images."""

Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""[lower, upper]; a value is drawn uniformly between them."""

NonNegativeRange = Annotated[Range, AfterValidator(_not_negative)]
"""A range of values of at least 0."""

PositiveRange = Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_ordered)]
"""A range of values above 0."""

_Share = Annotated[float, Field(ge=0, le=1)]

ShareRange = Annotated[tuple[_Share, _Share], AfterValidator(_ordered)]
"""A range of fractions of a whole."""

ORDERED = AfterValidator(_ordered)
"""Validator of ranges whose ends have separate bounds: the lower end is not above the upper end."""


@dataclass(frozen=True)
class Source:
    """A source without its pixels.

    Attributes:
        image_id: The source's identifier.
        path: Path of the image, relative to the raw folder.
        size: (width, height) in pixels.
        pixel_size_mm: Millimetres per pixel, or None if unknown.
        landmarks: Consensus points in pixels by full name, without missing points.
    """

    image_id: str
    path: str
    size: tuple[int, int]
    pixel_size_mm: float | None
    landmarks: Mapping[str, tuple[float, float]]

    @property
    def pixels_per_mm(self) -> float:
        """Scale from the pixel size; if it is unknown, the long side is assumed to be 240 mm, as on most films."""
        return max(self.size) / FILM_LONG_SIDE_MM if self.pixel_size_mm is None else 1 / self.pixel_size_mm


class Kind(Params, ABC):
    """Settings of one kind of copy.

    Attributes:
        splits: Splits whose sources get copies of this kind; empty: the kind is not used.
        every: 1: each source; 2: every second source, counted across train, valid and test in order of identifiers.
        probability: For augmentation on the fly: probability that a sample is changed, by a random copy of the kind.
    """

    type: str | None = Field(None, description="name or import path of the kind, if it differs from the recipe's key")
    splits: tuple[Split, ...] = ("train", "valid", "test")
    every: int = Field(1, ge=1)
    probability: float = Field(1.0, ge=0, le=1)

    @property
    @abstractmethod
    def copies(self) -> int:
        """Number of copies per source."""

    @abstractmethod
    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """The transform of copy number `copy`, 0 ≤ copy < `copies`; all random numbers are drawn from `rng`."""

    def unavailable(self, source: Source) -> str | None:
        """The reason, for the summary, why this source cannot have such a copy; None if it can."""
        del source
        return None


class DrawnKind(Kind):
    """A kind whose copies differ only in their random numbers.

    Attributes:
        n_copies: Number of copies per source, each with different random numbers.
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
    """Register a kind under a name for recipes.

    @register("shadow")
    class Shadow(Kind): ...
    """

    def add(kind: KindClass) -> KindClass:
        KINDS[name] = kind
        return kind

    return add


def find_kind(name: str) -> type[Kind]:
    """The kind with a registered name or an import path.

    Raises:
        RecipeError: there is no such kind; the message suggests a similar name.
    """
    if name in KINDS:
        return KINDS[name]
    module, _, attribute = name.rpartition(".")
    if module:
        try:
            kind = getattr(importlib.import_module(module), attribute)
        except Exception as error:  # a user's module may raise any exception
            raise RecipeError(f"augmentation kind {name!r} cannot be imported: {type(error).__name__}: {error}.") from error
        if isinstance(kind, type) and issubclass(kind, Kind):
            return kind
        raise RecipeError(f"augmentation kind {name!r} is not a subclass of ceph_pipeline.augmentation.Kind.")
    hint = did_you_mean(name, KINDS, n=1, cutoff=0.4)
    raise RecipeError(f"unknown augmentation kind {name!r}.{hint} The kinds are {', '.join(sorted(KINDS))}.")


def random_generator(seed: int, source_id: str, kind: str, copy: int) -> np.random.Generator:
    """Random generator of one copy, independent of the worker and of the order of computation."""
    return np.random.default_rng(np.random.SeedSequence([seed, _number(source_id), _number(kind), copy]))


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
