"""Parameters of augmentation: the recipe, checked before any image is opened."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, field_validator, model_validator

from ceph_pipeline.augmentation import braces, geometric, photometric
from ceph_pipeline.augmentation.arithmetic import check_total
from ceph_pipeline.augmentation.kinds import Kind, RecipeError, find_kind

BUILT_IN = (geometric, photometric, braces)
"""Modules whose import registers the kinds that come with the package."""


class SourceNumbers(BaseModel):
    """Number of sources of each split."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: int = Field(0, ge=0)
    valid: int = Field(0, ge=0)
    test: int = Field(0, ge=0)


class AugmentationParams(BaseModel):
    """What copies augmentation makes, and how.

    Attributes:
        recipe: Kinds by name; the key is the kind, unless the entry has a `type`. null leaves a kind out.
        target_total: The number of images the recipe must make, or null for no check.
        target_sources: The number of sources of each split that `target_total` is meant for; where a set is smaller, the
            summary's `short_by` says so. null: as many as there are.
        seed: Of everything random.
        n_jobs: Processes; −1: one a core.
        backend: loky: processes; threading: threads, which start at once, for small sets; dask: the current client's cluster.
        cache_long_side: Long side of the pre-resized training copies, in pixels.
        force: Make all copies again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: dict[str, SerializeAsAny[Kind]] = Field(min_length=1)
    target_total: int | None = Field(None, ge=1)
    target_sources: SourceNumbers | None = None
    seed: int = Field(42, ge=0)
    n_jobs: int = Field(-1, ge=-1)
    backend: Literal["loky", "threading", "dask"] = "loky"
    cache_long_side: int = Field(512, ge=32, le=4096, description="px")
    force: bool = False

    @field_validator("recipe", mode="before")
    @classmethod
    def _name_kinds(cls, recipe: Any) -> Any:
        """Turn each entry into the settings of its kind."""
        if not isinstance(recipe, Mapping):
            return recipe
        return {name: _settings(str(name), entry) for name, entry in recipe.items() if entry is not None}

    @field_validator("n_jobs")
    @classmethod
    def _some_jobs(cls, n_jobs: int) -> int:
        if n_jobs == 0:
            raise ValueError("0 processes do nothing; set -1 for one a core, or 1 and more.")
        return n_jobs

    @model_validator(mode="after")
    def _adds_up(self) -> "AugmentationParams":
        """A target and the sources it is meant for are checked at once; without the sources, when they are known."""
        if self.target_total is not None and self.target_sources is not None:
            check_total(self.recipe, self.target_sources.model_dump(), self.target_total)
        return self


def _settings(name: str, entry: Any) -> Kind:
    if isinstance(entry, Kind):
        return entry
    if not name.isidentifier() or "__" in name:
        raise RecipeError(
            f"augmentation.recipe: {name!r} becomes part of file names; use letters, digits and single underscores."
        )
    if not isinstance(entry, Mapping):
        raise RecipeError(
            f"augmentation.recipe.{name}: expected the kind's settings (or {{}} for its defaults), found {entry!r}."
        )
    return find_kind(str(entry.get("type") or name)).model_validate(dict(entry))
