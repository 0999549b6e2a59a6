"""K-fold training: the sources that each fold holds out, and the tables of each fold's training."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from pathlib import Path

logger = logging.getLogger(__name__)


def assign_folds(sources: pd.DataFrame, duplicates: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Assign the training sources to folds, grouped by near-duplicates and patients, and stratified by device.

    Args:
        sources: Images table; only its training images are assigned.
        duplicates: Near-duplicate pairs `image_a, image_b`.
        count: Number of folds, at least 2.
        seed: Seed of the order of assignment.

    Returns:
        Rows `image_id, fold`, folds from 0, in the order of the sources. The numbers of a device's images per fold differ at
        most by the size of one group. A group belongs to the device of its first image.

    Raises:
        TrainingError: there are fewer groups of training sources than folds.
    """
    learned = sources[sources["split"] == "train"].set_index("image_id")
    machines = learned["machine"]
    groups = _groups(learned, duplicates)
    if len(groups) < count:
        raise TrainingError(f"folds.count = {count}, but there are {len(groups)} different training sources: lower it.")
    ranked = sorted(groups, key=lambda group: (str(machines[group[0]]), hashlib.sha256(f"{seed}:{group[0]}".encode()).digest()))
    of_device: dict[Hashable, Counter[int]] = {}
    total: Counter[int] = Counter()
    fold_of: dict[str, int] = {}
    for group in ranked:
        here = of_device.setdefault(machines[group[0]], Counter())
        fold = min(range(count), key=lambda number: (here[number], total[number]))
        here[fold] += len(group)
        total[fold] += len(group)
        fold_of |= dict.fromkeys(group, fold)
    return pd.DataFrame({"image_id": machines.index, "fold": [fold_of[image_id] for image_id in machines.index]})


def assign_own_validation(
    sources: pd.DataFrame, duplicates: pd.DataFrame, detectors: int, seed: int, *, learn_copies_of_test: bool
) -> pd.DataFrame:
    """Own validation images for each detector of an ensemble: the validation split, and folds of the training split.

    Each fold of training images has about the size of the validation split. A training image that is a near-duplicate of a
    validation image or shows the same patient is in no fold, so it is always a training image. The folds do not depend on the
    number of detectors.

    Args:
        sources: Images table; its training and validation images are used.
        duplicates: Near-duplicate pairs `image_a, image_b`.
        detectors: Number of detectors, at least 2.
        seed: Seed of the assignment to folds.
        learn_copies_of_test: Whether validation images that are near-duplicates of test images may be training images; if not,
            they have no row.

    Returns:
        Rows `image_id, fold`: 0 for the validation split, 1, 2, … for folds of the training split, -1 for other training images.
        Detector k > 0 is validated on fold k and trained on all other rows.

    Raises:
        TrainingError: there are too few different training images for the detectors.
    """
    groups = _groups(sources.set_index("image_id"), duplicates)
    split = sources.set_index("image_id")["split"]
    related = {image_id for group in groups if (split[group] == "valid").any() for image_id in group}
    of_test = {image_id for group in groups if (split[group] == "test").any() for image_id in group}
    free = sources[(sources["split"] == "train") & ~sources["image_id"].isin(related)]
    n_groups, n_valid = len(_groups(free.set_index("image_id"), duplicates)), int((split == "valid").sum())
    count = min(max(2, round(len(free) / max(n_valid, 1))), n_groups)
    if count < max(2, detectors - 1):
        raise TrainingError(
            f"ensemble.count = {detectors}, but the training split has only {count} parts of the size of the validation split "
            "and of different patients and films, one of which is held out for each further detector: lower it, or set "
            "ensemble.validation = shared."
        )
    fold = assign_folds(free, duplicates, count, seed).set_index("image_id")["fold"] + 1
    learned = split[split.isin(["train", "valid"])]
    fold = fold.reindex(learned.index).fillna(-1).astype("int64").mask(learned == "valid", 0)
    kept = pd.Series(learn_copies_of_test or ~((fold == 0) & fold.index.isin(of_test)), fold.index)
    return fold[kept].rename("fold").rename_axis("image_id").reset_index()


def shared_validation(sources: pd.DataFrame) -> pd.DataFrame:
    """The validation split for all detectors of an ensemble: rows `image_id, fold`, 0 for validation, -1 for training images."""
    learned = sources[sources["split"].isin(["train", "valid"])]
    return pd.DataFrame({"image_id": learned["image_id"], "fold": learned["split"].map({"valid": 0, "train": -1})})


def resplit(table: pd.DataFrame, folds: pd.DataFrame, number: int, *, by: str = "source_id") -> pd.DataFrame:
    """The table of one fold's training: the fold is the validation split, the other folds are the training split.

    Images of sources without a row in `folds` are omitted, such as those of the test split.

    Args:
        table: Table with the columns `split` and `by`.
        folds: Result of `assign_folds`, `assign_own_validation` or `shared_validation`.
        number: The held-out fold.
        by: The column of the source's identifier.
    """
    fold = table[by].map(folds.set_index("image_id")["fold"])
    split = fold.eq(number).map({True: "valid", False: "train"})
    return table.assign(split=split)[fold.notna()].reset_index(drop=True)


def checkpoint_table(checkpoints: Mapping[int, Path], folder: Path) -> pd.DataFrame:
    """Rows `fold, checkpoint, digest`: paths relative to `folder`, and digests of the files."""
    return pd.DataFrame(
        {
            "fold": pd.Series(list(checkpoints), dtype="int64"),
            "checkpoint": pd.Series([path.relative_to(folder).as_posix() for path in checkpoints.values()], dtype=str),
            "digest": pd.Series([fingerprint(path) for path in checkpoints.values()], dtype=str),
        }
    )


def delete_surplus_folds(folder: Path, count: int) -> None:
    """Delete folds of an earlier run with more folds, which no longer match the assignment of sources.

    Args:
        folder: Folder of the folds, which are named by number.
        count: Present number of folds.
    """
    for place in folder.glob("[0-9]*"):
        if place.name.isdecimal() and int(place.name) >= count:
            logger.info("deleting %s: fold from an earlier run with more folds", place)
            shutil.rmtree(place)


def listed_checkpoints(table: pd.DataFrame, folder: Path) -> list[Path]:
    """The paths of a `checkpoint_table`, after a check of their digests; empty for a table without rows.

    Without this check, the network of another fold could be evaluated on its own training sources.

    Raises:
        TrainingError: a checkpoint is missing or has another digest, or the table lacks a column.
    """
    if table.empty:
        return []
    if missing := sorted({"fold", "checkpoint", "digest"} - set(table.columns)):
        raise TrainingError(
            f"{folder}: the table of trained folds has no column {', '.join(missing)}. Delete stage1.parquet and stage2.parquet "
            "there, and run the pipeline folds again: trained networks are kept."
        )
    paths = [folder / path for path in table["checkpoint"]]
    for path, digest in zip(paths, table["digest"], strict=True):
        if not path.is_file() or fingerprint(path) != digest:
            found = "is not the trained file" if path.is_file() else "does not exist"
            raise TrainingError(
                f"{path} {found}. Restore it, or delete {path.parent} and run the pipeline folds again with the "
                "folds.count of that training."
            )
    return paths


def _groups(sources: pd.DataFrame, duplicates: pd.DataFrame) -> list[list[str]]:
    """Sources, by their identifiers, that must share a fold, each group sorted."""
    from scipy.cluster.hierarchy import DisjointSet  # imported here to keep the registration of pipelines fast

    pairs = duplicates[["image_a", "image_b"]]
    connected = DisjointSet([*sources.index, *pairs.to_numpy().ravel()])  # a film of another split may link two sources
    for first, second in pairs.itertuples(index=False):
        connected.merge(first, second)
    for _, films in sources.groupby("patient") if "patient" in sources else ():
        for image_id in films.index[1:]:
            connected.merge(films.index[0], image_id)
    groups = (sorted(group.intersection(sources.index)) for group in connected.subsets())
    return [group for group in groups if group]
