"""Splits for data sets that come without: by a sheet, or by chance, whole patients at a time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import pandas as pd

from ceph_pipeline.errors import CephError
from ceph_pipeline.ingestion.params import SplitParams
from ceph_pipeline.landmarks.tables import SPLITS


class SplitError(CephError, ValueError):
    """A data set cannot be split as asked."""


def with_splits(images: pd.DataFrame, facts: pd.DataFrame, params: SplitParams, seed: int) -> pd.DataFrame:
    """Give each image its split.

    A split that the sheet of films names counts, then the data set's own. Where no image is for testing, a share of the
    training images is held out, and where none is for validation, a share of those that are left. All films of a patient
    go together. Which patients depends on the seed and on each one's key alone, so that leaving one out moves no other.

    Args:
        images: The images table.
        facts: Of `read_film_sheet`: splits and patients.
        params: Shares, and how a path tells the patient.
        seed: Chooses the patients.

    Raises:
        SplitError: no training images, a share that leaves none on one side, or a patient in two splits.
    """
    named = facts["split"].reindex(images["image_id"]).to_numpy()
    images = _moved(images, {i: s for i, s in zip(images["image_id"], named, strict=True) if isinstance(s, str)})
    patients = _patients(images, facts, params)
    _require_apart(images, patients)
    images = _hold_out(images, patients, "test", params.test_fraction, seed)
    return _hold_out(images, patients, "valid", params.valid_fraction, seed)


def _patients(images: pd.DataFrame, facts: pd.DataFrame, params: SplitParams) -> dict[str, str]:
    """A patient's key by image: of the sheet, else of the path, else the image's own identifier."""
    pattern = re.compile(params.patient_pattern) if params.patient_pattern else None
    keys = {}
    for image_id, path in zip(images["image_id"], images["path"], strict=True):
        said = facts.loc[image_id, "patient"]
        match = pattern.search(path) if pattern else None
        keys[image_id] = f"patient {said}" if isinstance(said, str) else f"patient {match[1]}" if match else image_id
    return keys


def _require_apart(images: pd.DataFrame, patients: Mapping[str, str]) -> None:
    groups = images.groupby(images["image_id"].map(patients), sort=False)
    for _, films in groups:
        one_each = films.drop_duplicates("split")
        if len(one_each) > 1:
            some = ", ".join(f"{row.image_id} ({row.split})" for row in one_each.itertuples())
            raise SplitError(
                f"films of one patient are in several splits: {some}. A patient that a network has learned from cannot test it: "
                "mend the splits or the patients: `ingestion.films.sheet`, `ingestion.splits.patient_pattern`."
            )


def _hold_out(images: pd.DataFrame, patients: Mapping[str, str], split: str, fraction: float, seed: int) -> pd.DataFrame:
    """Move a share of the training images to a split that has none yet."""
    training = images.loc[images["split"] == "train", "image_id"]
    if training.empty:
        found = ", ".join(f"{count} {split}" for split, count in images["split"].value_counts().items()) or "none"
        raise SplitError(f"the data set has no training images (found {found}): nothing can be learned from it.")
    if (images["split"] == split).any() or (split == "test" and fraction == 0):
        return images
    wanted = round(fraction * len(training))
    held_out = _drawn(training, patients, wanted, seed)
    if not 0 < len(held_out) < len(training):
        n_patients = training.map(patients).nunique()
        way_out = (
            f"Set a fraction that leaves images on both sides, such as {max(0.1, 1 / len(training)):.2g}."
            if n_patients > 1
            else "One patient cannot be on both sides: read films of others as well."
        )
        raise SplitError(
            f"the data set has no {split} split, and ingestion.splits.{split}_fraction = {fraction} of {len(training)} training "
            f"images of {n_patients} patients holds out {len(held_out)}. {way_out}"
        )
    return _moved(images, dict.fromkeys(held_out, split))


def _drawn(training: pd.Series[str], patients: Mapping[str, str], wanted: int, seed: int) -> list[str]:
    """Images of as many patients as it takes to hold out the wanted number."""
    groups = training.groupby(training.map(patients)).agg(list)
    drawn: list[str] = []
    for key in sorted(groups.index, key=lambda key: hashlib.sha256(f"{seed}:{key}".encode()).digest()):
        if len(drawn) >= wanted:
            break
        drawn += groups[key]
    return drawn


def _moved(images: pd.DataFrame, splits: Mapping[str, str]) -> pd.DataFrame:
    """The table with some images in other splits, in the order of the splits."""
    if not splits:
        return images
    new = images["image_id"].map(splits)
    split, subset = images["split"].where(new.isna(), new), images["subset"].where(new.isna(), new)
    order = split.map({name: position for position, name in enumerate(SPLITS)})
    return (
        images.assign(split=split, subset=subset, order=order)
        .sort_values("order", kind="stable", ignore_index=True)
        .drop(columns="order")
    )
