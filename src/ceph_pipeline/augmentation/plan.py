"""The plan of all copies, and the number of missing copies with the reasons."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ceph_pipeline.augmentation.copy_counts import check_total, chosen_positions, expected_copies
from ceph_pipeline.augmentation.kinds import Kind, RecipeError, Source
from ceph_pipeline.augmentation.params import AugmentationParams
from ceph_pipeline.landmarks.tables import SPLITS, reader_points


@dataclass(frozen=True)
class Copy:
    """One planned image."""

    source_id: str
    kind: str
    copy: int

    @property
    def image_id(self) -> str:
        """Identifier of the copy: source, kind and number."""
        return f"{self.source_id}__{self.kind}_{self.copy}"


@dataclass(frozen=True)
class Plan:
    """The images that a run makes.

    Attributes:
        sources: Every source by identifier.
        copies: Every planned image, in order of source and recipe.
        summary: One row per kind and split: `kind, split, images, expected, short_by, reason`.
    """

    sources: dict[str, Source]
    copies: list[Copy]
    summary: pd.DataFrame


def plan_copies(images: pd.DataFrame, landmarks: pd.DataFrame, exclusions: pd.DataFrame, params: AugmentationParams) -> Plan:
    """Plan all copies without opening images.

    For a kind with `every: 2`, sources are counted over all of `images`, so that the exclusion of a source does not affect the
    copies of the others.

    Args:
        images: ImageTable.
        landmarks: LandmarkTable with a consensus.
        exclusions: ExclusionTable of the sources that are left out, including their copies.
        params: Recipe and target.

    Raises:
        RecipeError: the recipe does not make the target number of images, or an identifier is too long.
    """
    sources = read_sources(images, landmarks)
    by_split = {split: [sources[key] for key in sorted(images.loc[images["split"] == split, "image_id"])] for split in SPLITS}
    present = {split: len(by_split[split]) for split in SPLITS}
    if params.target_total is not None:
        check_total(params.recipe, present, params.target_total, may_fall_short=params.target_sources is not None)

    target = params.target_sources if params.target_total is not None else None
    meant = present if target is None else target.model_dump()
    excluded, copies, rows = set(exclusions["image_id"]), [], []
    for name, kind in params.recipe.items():
        for split in (split for split in SPLITS if split in kind.splits):
            candidates = [by_split[split][position] for position in chosen_positions(kind, split, present)]
            made, lost = _select(kind, candidates, excluded)
            copies += [Copy(source.image_id, name, copy) for source in made for copy in range(kind.copies)]
            expected = expected_copies(kind, split, meant)
            if expected != kind.copies * len(candidates):
                lost = {
                    f"the set has {present[split]} {split} sources, not {meant[split]}": expected - kind.copies * len(candidates)
                } | lost
            rows.append((name, split, kind.copies * len(made), expected, _in_words(lost)))
    _check_names(copies)
    return Plan(sources, _in_order(copies, params.recipe), _summary(rows))


def read_sources(images: pd.DataFrame, landmarks: pd.DataFrame) -> dict[str, Source]:
    """Sources with their consensus points, by identifier."""
    consensus = reader_points(landmarks).dropna(subset=["x", "y"])
    points: dict[str, dict[str, tuple[float, float]]] = {image_id: {} for image_id in images["image_id"]}
    for image_id, name, x, y in consensus[["image_id", "landmark", "x", "y"]].itertuples(index=False):
        if image_id in points:
            points[image_id][name] = (float(x), float(y))
    columns = ["image_id", "path", "width", "height", "pixel_size_mm"]
    return {
        image_id: Source(image_id, path, (int(width), int(height)), None if pd.isna(size) else float(size), points[image_id])
        for image_id, path, width, height, size in images[columns].itertuples(index=False)
    }


def _select(kind: Kind, candidates: list[Source], excluded: set[str]) -> tuple[list[Source], dict[str, int]]:
    """The candidates that get copies, and the number of copies lost by reason."""
    made, lost = [], Counter[str]()
    for source in candidates:
        reason = "excluded by the audit" if source.image_id in excluded else kind.unavailable(source)
        if reason:
            lost[reason] += kind.copies
        else:
            made.append(source)
    return made, dict(lost)


def _in_words(lost: Mapping[str, int]) -> str:
    return "; ".join(f"{reason}: {count}" for reason, count in lost.items())


def _in_order(copies: list[Copy], recipe: Mapping[str, Kind]) -> list[Copy]:
    order = {name: position for position, name in enumerate(recipe)}
    return sorted(copies, key=lambda copy: (copy.source_id, order[copy.kind], copy.copy))


def _summary(rows: Sequence[tuple[str, str, int, int, str]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["kind", "split", "images", "expected", "reason"])
    table.insert(4, "short_by", table["expected"] - table["images"])
    return table


def _check_names(copies: list[Copy]) -> None:
    for copy in copies:
        if len(copy.image_id) > 128:
            raise RecipeError(
                f"{copy.image_id!r} is longer than 128 characters; shorten the source's identifier or the kind's name."
            )
