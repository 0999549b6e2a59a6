"""Splits for data sets without splits: from a sheet, or drawn at random by patient."""

from __future__ import annotations

import hashlib
import logging
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import pandas as pd

from ceph_pipeline.artifacts import pseudonym
from ceph_pipeline.errors import CephError
from ceph_pipeline.ingestion.params import SplitParams
from ceph_pipeline.landmarks.tables import SPLITS

logger = logging.getLogger(__name__)

_FAR_OFF = 0.5
"""Relative deviation from the wanted number of films beyond which a warning is logged."""


class SplitError(CephError, ValueError):
    """A data set cannot be split as configured."""


def with_splits(images: pd.DataFrame, facts: pd.DataFrame, params: SplitParams, seed: int) -> pd.DataFrame:
    """Set the split of each image.

    1. The split in the sheet of films takes precedence over the data set's split.
    2. If there are no test images, a share of the training images is held out as test split. If there are no validation images,
       a share of the remaining training images is held out as validation split.
    3. All films of a patient are held out together. A patient is skipped if the share is closer to the wanted one without this
       patient's films.
    4. The order of patients depends only on the seed and on each patient's key. Thus the removal of a patient with one film
       changes the split of at most two other films.

    Args:
        images: The images table.
        facts: Result of `read_film_sheet`, with splits and patients.
        params: Shares, and the pattern of patients in paths.
        seed: Seed of the order of patients.

    Returns:
        The table with splits and, if a patient has several films, a column `patient` of pseudonyms.

    Raises:
        SplitError: no training images, a share that leaves a split empty, a patient in two splits, films to be split of which
            only some have a known patient, or a pattern that matches no path.
    """
    named = facts["split"].reindex(images["image_id"]).to_numpy()
    images = _moved(images, {i: s for i, s in zip(images["image_id"], named, strict=True) if isinstance(s, str)})
    by_sheet, by_path = _keys(images, facts, params)
    patients = _patients(images["image_id"], by_sheet, by_path)
    _require_apart(images, patients)
    drawn = _hold_out(images, patients, "test", params.test_fraction, seed)
    drawn = _hold_out(drawn, patients, "valid", params.valid_fraction, seed)
    if drawn is not images:
        _require_patients(images, by_sheet.keys() | by_path.keys())
    if len(set(patients.values())) == len(patients):
        return drawn
    return drawn.assign(patient=[pseudonym(patients[image_id], "patient") for image_id in drawn["image_id"]])


def _require_patients(images: pd.DataFrame, known: Collection[str]) -> None:
    """Require that the patients of all or of no films to be split are known, since films of unknown patients may be theirs."""
    training = images.loc[images["split"] == "train", ["image_id", "path"]]
    lacking = training.loc[~training["image_id"].isin(known), "path"].tolist()
    if 0 < len(lacking) < len(training):
        raise SplitError(
            f"the patient is known for only {len(training) - len(lacking)} of {len(training)} training images (not for "
            f"{lacking[0]}); films of one patient could end up in different splits. Give each image a row with its patient in "
            "`ingestion.films.sheet` (a separate key if unknown); or set an `ingestion.splits.patient_pattern` that matches "
            "every path, with an optional group such as ^(?:([^/]+)/)? if other films are of separate patients; or remove both "
            "settings if no patient has two films."
        )


def _keys(images: pd.DataFrame, facts: pd.DataFrame, params: SplitParams) -> tuple[dict[str, str], dict[str, str]]:
    """Each image's patient key from the sheet, and from the path if the pattern matches.

    If the pattern's group is empty, the key is the image's identifier, which means a separate patient.
    """
    said = facts["patient"].reindex(images["image_id"])
    by_sheet = {str(image_id): f"patient {_normalised(key)}" for image_id, key in said.items() if isinstance(key, str)}
    if params.patient_pattern is None:
        return by_sheet, {}
    paths = dict(zip(images["image_id"], images["path"], strict=True))
    found = {image_id: re.search(params.patient_pattern, path) for image_id, path in paths.items()}
    by_path = {i: f"patient {_normalised(match[1])}" if match[1] else i for i, match in found.items() if match}
    if paths and not by_path:
        raise SplitError(
            f"ingestion.splits.patient_pattern = {params.patient_pattern!r} matches none of the {len(paths)} paths, such as "
            f"{next(iter(paths.values()))}. Paths are relative to the folder of films, with / between folders."
        )
    return by_sheet, by_path


def _patients(image_ids: Iterable[str], by_sheet: Mapping[str, str], by_path: Mapping[str, str]) -> dict[str, str]:
    """The patient's key of each image; the image's identifier if the patient is unknown.

    The sheet takes precedence. If it lacks some of the films with the same key by path, all of them are of one patient.
    """
    from scipy.cluster.hierarchy import DisjointSet  # imported here, so that registering the pipelines stays fast

    films_of = defaultdict(list)
    for image_id, key in by_path.items():
        films_of[key].append(image_id)
    joined = DisjointSet(by_sheet.values())
    for key, films in films_of.items():
        if not all(image_id in by_sheet for image_id in films):
            joined.add(key)
            for image_id in films:
                joined.merge(key, by_sheet.get(image_id, key))
    one_key = {key: min(keys) for keys in joined.subsets() for key in keys}
    patient_of = {**by_path, **by_sheet}
    return {image_id: one_key.get(patient_of.get(image_id, image_id), image_id) for image_id in image_ids}


def _normalised(key: str) -> str:
    """Normalised form of a patient's name or number: `Meier 1` is `meier 1`; `7`, `007` and `7.0` are equal."""
    plain = " ".join(unicodedata.normalize("NFC", key).split()).casefold()
    number = re.fullmatch(r"0*(\d+)(?:\.0+)?", plain)
    return number[1] if number else plain


def _require_apart(images: pd.DataFrame, patients: Mapping[str, str]) -> None:
    groups = images.groupby(images["image_id"].map(patients), sort=False)
    for _, films in groups:
        one_each = films.drop_duplicates("split")
        if len(one_each) > 1:
            some = ", ".join(f"{row.image_id} ({row.split})" for row in one_each.itertuples())
            raise SplitError(
                f"films of one patient are in several splits: {some}. Each patient must be in one split only: "
                "correct the splits or the patients (`ingestion.films.sheet`, `ingestion.splits.patient_pattern`)."
            )


def _hold_out(images: pd.DataFrame, patients: Mapping[str, str], split: str, fraction: float, seed: int) -> pd.DataFrame:
    """Move a share of the training images to a split that is still empty."""
    training = images.loc[images["split"] == "train", "image_id"]
    if training.empty:
        found = ", ".join(f"{count} {split}" for split, count in images["split"].value_counts().items()) or "none"
        raise SplitError(f"the data set has no training images (found {found}).")
    if (images["split"] == split).any() or (split == "test" and fraction == 0):
        return images
    wanted = round(fraction * len(training))
    held_out = _drawn(training, patients, wanted, seed)
    if not 0 < len(held_out) < len(training):
        n_patients = training.map(patients).nunique()
        way_out = (
            f"Set a fraction that leaves images on both sides, such as {max(0.1, 1 / len(training)):.2g}."
            if n_patients > 1
            else "All films are of one patient; add films of other patients."
        )
        raise SplitError(
            f"the data set has no {split} split, and ingestion.splits.{split}_fraction = {fraction} of {len(training)} training "
            f"images of {n_patients} patients holds out {len(held_out)}. {way_out}"
        )
    if abs(len(held_out) - wanted) > _FAR_OFF * wanted:
        logger.warning(
            "the %s split has %d of %d training images, but ingestion.splits.%s_fraction = %g corresponds to %d: whole patients "
            "are held out, and one patient has %d images",
            *(split, len(held_out), len(training), split, fraction, wanted, training.map(patients).value_counts().max()),
        )
    return _moved(images, dict.fromkeys(held_out, split))


def _drawn(training: pd.Series[str], patients: Mapping[str, str], wanted: int, seed: int) -> list[str]:
    """Images of random patients, about the wanted number.

    A patient may exceed the wanted number by at most the shortage without this patient. If no patient fits, the smallest is used.
    """
    groups = training.groupby(training.map(patients)).agg(list)
    order = sorted(groups.index, key=lambda key: hashlib.sha256(f"{seed}:{key}".encode()).digest())
    drawn: list[str] = []
    for key in order:
        if len(groups[key]) <= 2 * (wanted - len(drawn)):
            drawn += groups[key]
    return drawn or (min((groups[key] for key in order), key=len) if wanted else [])


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
