"""How many images a recipe makes, and whether that is the number it promises."""

from collections.abc import Mapping

from ceph_pipeline.augmentation.kinds import Kind, RecipeError
from ceph_pipeline.landmarks.tables import SPLITS


def chosen_positions(kind: Kind, split: str, sources: Mapping[str, int]) -> range:
    """Which sources of a split get copies of a kind, as positions among the split's sources in order of identifiers.

    With `every: 2` it is every second one of all the kind's sources, counted through the splits, so that 700, 150 and 150
    sources give 350, 75 and 75.
    """
    if split not in kind.splits:
        return range(0)
    before = sum(sources.get(earlier, 0) for earlier in SPLITS[: SPLITS.index(split)] if earlier in kind.splits)
    return range(-before % kind.every, sources.get(split, 0), kind.every)


def expected_copies(kind: Kind, split: str, sources: Mapping[str, int]) -> int:
    """Copies of a kind in a split."""
    return kind.copies * len(chosen_positions(kind, split, sources))


def check_total(
    recipe: Mapping[str, Kind], sources: Mapping[str, int], target_total: int, *, may_fall_short: bool = False
) -> None:
    """Compare what a recipe makes of `sources` with the promised total.

    Args:
        recipe: Kinds by name.
        sources: Number of sources by split.
        target_total: The promise.
        may_fall_short: Fewer are accepted: the set is smaller than the one the target is meant for.

    Raises:
        RecipeError: it makes another number; the message shows the arithmetic.
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
