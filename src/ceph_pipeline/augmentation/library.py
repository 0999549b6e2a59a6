"""Pixel-level transforms of albumentations as a kind of copy; only this module calls the library."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from pydantic import Field, JsonValue, ValidationError, ValidationInfo, field_validator

from ceph_pipeline.augmentation.kinds import DrawnKind, RecipeError, Source, register
from ceph_pipeline.augmentation.transforms import Transform, full_scale, to_depth
from ceph_pipeline.errors import did_you_mean, known_here

if TYPE_CHECKING:
    from ceph_pipeline.augmentation.transforms import Pixels

SHIFTING = {
    "MotionBlur": "`blur` with `shape: motion`",
    "Downscale": "`blur`",
    "GlassBlur": "`blur`",
    "Superpixels": "`blur`",
    "ZoomBlur": "`blur`",
    "Emboss": "`albumentations` with `transform: Sharpen`",
}
"""Transforms that albumentations lists as pixel-level but that displace structures (by 0.4–2.5 px with default settings), with
replacements."""

_SPATIAL = {
    "`flip`": ("HorizontalFlip", "VerticalFlip", "Transpose", "D4", "SquareSymmetry"),
    "`rotation`": ("Rotate", "SafeRotate", "RandomRotate90"),
    "`elastic`": ("ElasticTransform", "GridDistortion", "OpticalDistortion", "PiecewiseAffine", "ThinPlateSpline"),
    "`cutout`": (
        "CoarseDropout",
        "ConstrainedCoarseDropout",
        "Erasing",
        "GridDropout",
        "MaskDropout",
        "PixelDropout",
        "XYMasking",
    ),
}
_OWN_KIND = {name: kind for kind, names in _SPATIAL.items() for name in names}


@register("albumentations")
class LibraryTransform(DrawnKind):
    """A transform of albumentations that changes grey values and moves no points.

        sharpness: {type: albumentations, transform: Sharpen, settings: {alpha: [0.2, 0.5]}}

    Transforms work with 8 bits or with float32, which preserves 16 bits. The library is imported only if a recipe contains this
    kind.

    Attributes:
        transform: Class of the transform in albumentations.
        settings: Arguments of the transform, except `p`; `probability` sets how often the kind changes a sample.
    """

    transform: str
    settings: dict[str, JsonValue] = Field(default_factory=dict, validate_default=True)

    @field_validator("transform")
    @classmethod
    def _moves_nothing(cls, transform: str) -> str:
        check_still(transform)
        return transform

    @field_validator("settings")
    @classmethod
    def _fit(cls, settings: dict[str, JsonValue], info: ValidationInfo) -> dict[str, JsonValue]:
        if "transform" in info.data:  # otherwise `transform` is invalid, which is reported already
            check_settings(info.data["transform"], settings)
        return settings

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw the seed of the transform."""
        del source, copy
        seed = int(rng.integers(2**31))
        return Transform(lambda image: apply(self.transform, self.settings, image, seed))


def check_still(name: str) -> None:
    """Check that a transform exists and moves no points.

    Raises:
        RecipeError: otherwise; the message contains a replacement.
    """
    library = albumentations()
    found = getattr(library, name, None)
    if not (isinstance(found, type) and issubclass(found, library.BasicTransform)):
        hint = did_you_mean(name, pixel_level(), n=1, cutoff=0.4)
        raise RecipeError(f"albumentations {library.__version__} has no such transform.{hint}")
    if name in SHIFTING:
        raise RecipeError(f"the transform displaces structures away from their landmarks. Use {SHIFTING[name]}.")
    if not issubclass(found, library.ImageOnlyTransform):
        raise RecipeError(
            "the transform is spatial and would move structures without their landmarks. Use this project's kind "
            f"{_OWN_KIND.get(name, '`affine`')}, which transforms landmarks exactly."
        )


def pixel_level() -> list[str]:
    """Names of the library's transforms that move no points."""
    base = albumentations().ImageOnlyTransform
    found = inspect.getmembers(albumentations(), lambda member: isinstance(member, type) and issubclass(member, base))
    return [name for name, transform in found if transform is not base and name not in SHIFTING]


def check_settings(name: str, settings: Mapping[str, Any]) -> None:
    """Test a transform on a small grey image, because the library only warns of unknown arguments.

    Raises:
        RecipeError: an argument is unknown or out of range, or the transform does not change grey images.
    """
    if "p" in settings:
        raise RecipeError("`p` is not supported; set the probability of a change with the kind's `probability`.")
    known = set(inspect.signature(getattr(albumentations(), name)).parameters) - {"p"}
    for unknown in settings.keys() - known:
        raise RecipeError(f"{name} has no argument {unknown!r}.{known_here(unknown, sorted(known))}")
    try:
        with warnings.catch_warnings(action="error"):
            _make(name, settings)
    except (TypeError, ValueError, Warning) as error:
        raise RecipeError(f"{name} rejects these settings: {_reason(error)}") from None
    specimen = np.random.default_rng(0).integers(60, 180, (128, 128), dtype=np.uint8)
    if all(np.array_equal(apply(name, settings, specimen, seed), specimen) for seed in range(4)):
        raise RecipeError(f"{name} with these settings does not change grey images.")


def apply(name: str, settings: Mapping[str, Any], image: Pixels, seed: int) -> Pixels:
    """Change an image by a transform of albumentations.

    Args:
        name: Class of the transform.
        settings: Arguments of the transform.
        image: `(height, width)`, 8 or 16 bits; not modified.
        seed: Seed of all random numbers, below 2³¹.

    Raises:
        RecipeError: the transform cannot change such an image, or would change its size or depth.
    """
    if image.dtype == np.uint8:
        return _call(name, settings, np.array(image), seed)
    white = full_scale(image)
    levels = image.astype(np.float32) / white
    coarse = _has_8_bits(levels)
    changed = _call(name, settings, levels, seed)
    if _has_8_bits(changed) and not coarse:
        raise RecipeError(
            f"albumentations.{name} works with 8 bits and would reduce the depth of this 16-bit image. Remove it from the recipe."
        )
    return to_depth(changed * white, white, image.dtype)


def _call(name: str, settings: Mapping[str, Any], image: Pixels, seed: int) -> Pixels:
    import cv2

    transform = _make(name, settings)
    transform.set_random_seed(seed)
    cv2.setRNGSeed(seed)  # some transforms use OpenCV's random generator without seeding it
    before = image.shape, image.dtype
    try:
        changed: Pixels = np.asarray(transform(image=image)["image"])
    except (NotImplementedError, TypeError, ValueError, cv2.error) as error:  # exceptions of transforms for unsupported depths
        raise RecipeError(f"albumentations.{name} cannot change grey images of {image.dtype}: {_reason(error)}") from error
    if (changed.shape, changed.dtype) != before:
        raise RecipeError(
            f"albumentations.{name} changes {before[0]}, {before[1]} to {changed.shape}, {changed.dtype}; a copy must have its "
            "source's size and depth."
        )
    return changed


def _make(name: str, settings: Mapping[str, Any]) -> Any:
    return getattr(albumentations(), name)(**settings, p=1.0)


def _has_8_bits(levels: Pixels) -> bool:
    """Whether fractions of the full scale are all multiples of 1/255."""
    steps = levels * np.float32(255)
    return bool(np.abs(steps - np.rint(steps)).max() < 1e-3)


def _reason(error: Exception) -> str:
    if isinstance(error.__cause__, ValidationError):
        return " ".join(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}." for detail in error.__cause__.errors())
    return " ".join(str(error).split())


@cache
def albumentations() -> Any:
    """The library, imported without torch unless torch is already imported.

    For its torch transforms, which are not used here, the library imports torch if it is installed. This takes seconds and
    hundreds of MB in every worker.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # otherwise the library checks for newer versions over the network
    with _hidden("torch"):
        return importlib.import_module("albumentations")


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Make imports of a module fail inside the block, as if it were not installed; an already imported module stays available."""
    if module in sys.modules:
        yield
        return
    loaded = cast("dict[str, ModuleType | None]", sys.modules)
    loaded[module] = None  # the documented way to mark a module as absent
    try:
        yield
    finally:
        del loaded[module]
