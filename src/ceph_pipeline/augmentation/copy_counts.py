"""Number of images that a recipe makes, and its comparison with the target."""

from collections.abc import Mapping

from ceph_pipeline.augmentation.kinds import Kind, RecipeError
from ceph_pipeline.landmarks.tables import SPLITS


def chosen_positions(kind: Kind, split: str, sources: Mapping[str, int]) -> range:
    """Positions, among a split's sources in order of identifiers, of the sources that get copies of a kind.

    With `every: 2`, every second source is selected, counted across the splits: 700, 150 and 150 sources give 350, 75 and 75.
    """
    if split not in kind.splits:
        return range(0)
    before = sum(sources.get(earlier, 0) for earlier in SPLITS[: SPLITS.index(split)] if earlier in kind.splits)
    return range(-before % kind.every, sources.get(split, 0), kind.every)


def expected_copies(kind: Kind, split: str, sources: Mapping[str, int]) -> int:
    """Number of copies of a kind in a split."""
    return kind.copies * len(chosen_positions(kind, split, sources))


def check_total(
    recipe: Mapping[str, Kind], sources: Mapping[str, int], target_total: int, *, may_fall_short: bool = False
) -> None:
    """Compare the number of images that a recipe makes from `sources` with the target.

    Args:
        recipe: Kinds by name.
        sources: Number of sources by split.
        target_total: Target number of images.
        may_fall_short: Accept fewer images, because the data set is smaller than the one of the target.

    Raises:
        RecipeError: the numbers differ; the message contains the calculation.
    """
    made = {name: sum(expected_copies(kind, split, sources) for split in SPLITS) for name, kind in recipe.items()}
    total = sum(made.values())
    if total == target_total or (may_fall_short and total < target_total):
        return
    terms = " + ".join(f"{name} {_factors(recipe[name], count)}" for name, count in made.items())
    by_split = ", ".join(f"{sources.get(split, 0):,} {split}" for split in SPLITS)
    raise RecipeError(
        f"augmentation.recipe does not add up: {terms} = {total:,} images of {sum(sources.values()):,} sources ({by_split}), "
        f"but augmentation.target_total is {target_total:,}. Change the copies of a kind, or set target_total: {total} "
        "(null: no check)."
    )


def _factors(kind: Kind, count: int) -> str:
    return f"{kind.copies} × {count // kind.copies:,}"
