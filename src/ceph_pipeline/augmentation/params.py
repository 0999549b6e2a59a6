"""Parameters of augmentation: recipes for copies and for changes on the fly, checked before any image is opened."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializeAsAny,
    ValidationError,
    model_validator,
)

from ceph_pipeline.artifacts import Params, WorkerParams
from ceph_pipeline.augmentation import (
    artefacts,
    braces,
    burned_in_marks,
    elastic,
    geometric,
    library,
    occlusion,
    photometric,
    sharpness,
)
from ceph_pipeline.augmentation.copy_counts import check_total
from ceph_pipeline.augmentation.kinds import Kind, RecipeError, find_kind
from ceph_pipeline.errors import did_you_mean

BUILT_IN = (geometric, elastic, photometric, sharpness, occlusion, artefacts, burned_in_marks, braces, library)
"""Modules whose import registers the kinds of this package."""


def name_kinds(recipe: Any) -> Any:
    """Convert each entry of a recipe, the settings under a kind's name, to the kind; null omits the kind.

    Raises:
        RecipeError: a kind or one of its settings does not exist; the message suggests the nearest name.
    """
    if not isinstance(recipe, Mapping):
        return recipe
    return {str(name): _kind(str(name), entry) for name, entry in recipe.items() if entry is not None}


def _kind(name: str, entry: Any) -> Kind:
    if isinstance(entry, Kind):
        return entry
    if not re.fullmatch("[A-Za-z0-9_]+", name) or "__" in name:
        raise RecipeError(f"the kind {name!r} becomes part of file names; use letters a-z, digits and single underscores.")
    if not isinstance(entry, Mapping):
        raise RecipeError(f"{name}: expected the kind's settings (or {{}} for its defaults), found {entry!r}.")
    kind = find_kind(str(entry.get("type") or name))
    try:
        return kind.model_validate(dict(entry))
    except ValidationError as error:
        raise RecipeError(" ".join(_explain(name, kind, detail) for detail in error.errors(include_url=False))) from None


def _explain(name: str, kind: type[Kind], detail: Any) -> str:
    place = ".".join([name, *map(str, detail["loc"])])
    if detail["type"] != "extra_forbidden":
        return f"{place} = {detail['input']!r}: {detail['msg'].removeprefix('Value error, ').removesuffix('.')}."
    known = sorted(kind.model_fields)
    hint = did_you_mean(str(detail["loc"][-1]), known, n=1, cutoff=0.7)
    return f"{place}: no such setting.{hint} Known here: {', '.join(known)}."


def _for_copies(recipe: dict[str, Kind]) -> dict[str, Kind]:
    for name, kind in recipe.items():
        if kind.probability != 1:
            raise RecipeError(
                f"{name}.probability = {kind.probability}: a copy has no probability. Set `every: 2` for a copy of every second "
                "source. `probability` is for the augmentation of stage1 and stage2."
            )
    return recipe


def _on_the_fly(recipe: dict[str, Kind]) -> dict[str, Kind]:
    for name, kind in recipe.items():
        if kind.every != 1 or kind.splits != Kind.model_fields["splits"].default:
            raise RecipeError(
                f"{name}: `every` and `splits` are for copies only. For changes on the fly set `probability`; these changes "
                "affect training images only."
            )
    return recipe


Recipe = Annotated[dict[str, SerializeAsAny[Kind]], BeforeValidator(name_kinds), AfterValidator(_for_copies)]
"""Kinds of copies by name; the key is the kind, unless the entry has a `type`. null omits a kind."""

OnlineRecipe = Annotated[dict[str, SerializeAsAny[Kind]], BeforeValidator(name_kinds), AfterValidator(_on_the_fly)]
"""Kinds that change training samples on the fly, each with its `probability`; a kind with several copies draws one at random."""


class SourceNumbers(Params):
    """The number of sources of each split."""

    train: int = Field(0, ge=0, description="sources of the training split")
    valid: int = Field(0, ge=0, description="sources of the validation split")
    test: int = Field(0, ge=0, description="sources of the test split")


class AugmentationParams(WorkerParams):
    """The `augmentation` pipeline: copies of each source, made before training."""

    recipe: Recipe = Field(min_length=1, description="kinds of copies by name, each with its settings; null omits a kind")
    target_total: int | None = Field(
        None,
        ge=1,
        description="number of images that the recipe must make of `target_sources`; another number raises an error; "
        "null: no check",
    )
    target_sources: SourceNumbers | None = Field(
        None,
        description="number of sources of each split that `target_total` applies to; a smaller data set is reported as "
        "`short_by` in the summary; null: the sources of the data set",
    )
    seed: int = Field(42, ge=0, description="seed of all random draws")
    cache_long_side: int = Field(512, ge=32, le=4096, description="long side of the pre-resized training copies, in px")
    force: bool = Field(False, description="delete all copies, of any recipe, and make them again")

    @model_validator(mode="after")
    def _adds_up(self) -> "AugmentationParams":
        """Check the total at once if `target_sources` is given; otherwise it is checked when the sources are known."""
        if self.target_total is not None and self.target_sources is not None:
            check_total(self.recipe, self.target_sources.model_dump(), self.target_total)
        return self
