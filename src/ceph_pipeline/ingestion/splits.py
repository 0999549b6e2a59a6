"""Splits for data sets that come without: by a sheet, or by chance, whole patients at a time."""

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
"""A split that misses its wanted number of films by more than this share of it is warned of."""


class SplitError(CephError, ValueError):
    """A data set cannot be split as asked."""


def with_splits(images: pd.DataFrame, facts: pd.DataFrame, params: SplitParams, seed: int) -> pd.DataFrame:
    """Give each image its split.

    A split that the sheet of films names counts, then the data set's own. Where no image is for testing, a share of the
    training images is held out, and where none is for validation, a share of those that are left. All films of a patient
    go together. The order in which they are drawn depends on the seed and on each one's key alone, so that leaving a patient
    of one film out moves two other films at most; a patient of so many that the share is nearer without them is passed over.

    Args:
        images: The images table.
        facts: Of `read_film_sheet`: splits and patients.
        params: Shares, and how a path tells the patient.
        seed: Chooses the patients.

    Returns:
        The table with its splits and, where a patient has several films, a column `patient` of pseudonyms.

    Raises:
        SplitError: no training images, a share that leaves none on one side, a patient in two splits, films are to be drawn of
            which only some have a patient, or the pattern matches no path.
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


def _require_patients(images: pd.DataFrame, told: Collection[str]) -> None:
    """Refuse to draw from films of which some patients are told only: the others may be films of these."""
    training = images.loc[images["split"] == "train", ["image_id", "path"]]
    untold = training.loc[~training["image_id"].isin(told), "path"].tolist()
    if 0 < len(untold) < len(training):
        raise SplitError(
            f"the patient of {len(training) - len(untold)} of {len(training)} training images is told, that of {untold[0]} is "
            "not, and some are to be held out: films of one patient could come into several splits. Give each image a row with "
            "its patient in `ingestion.films.sheet`, one of its own where nothing is known; or an "
            "`ingestion.splits.patient_pattern` that matches each path, with an optional group such as ^(?:([^/]+)/)? where "
            "some films are another patient's each; or leave both out where no patient has two."
        )


def _keys(images: pd.DataFrame, facts: pd.DataFrame, params: SplitParams) -> tuple[dict[str, str], dict[str, str]]:
    """A patient's key by image as the sheet tells it, and as the path does: of each image that the pattern matches.

    Where the pattern's group is empty, the key is the image's identifier: nobody else's film.
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
    """One key a patient by image; the image's own identifier where nothing is told.

    The sheet counts. Films of one path's key that it does not tell all of are one patient's, whatever it says of the others.
    """
    from scipy.cluster.hierarchy import DisjointSet  # loaded where it is needed: registering pipelines stays cheap

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
    told = {**by_path, **by_sheet}
    return {image_id: one_key.get(told.get(image_id, image_id), image_id) for image_id in image_ids}


def _normalised(key: str) -> str:
    """One form of a patient's name or number: `Meier 1` is `meier 1`; `7`, `007` and `7.0` are one number."""
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
    if abs(len(held_out) - wanted) > _FAR_OFF * wanted:
        logger.warning(
            "the %s split has %d of %d training images, where ingestion.splits.%s_fraction = %g asks for %d: whole patients are "
            "held out, and one has %d images",
            *(split, len(held_out), len(training), split, fraction, wanted, training.map(patients).value_counts().max()),
        )
    return _moved(images, dict.fromkeys(held_out, split))


def _drawn(training: pd.Series[str], patients: Mapping[str, str], wanted: int, seed: int) -> list[str]:
    """Images of as many patients as it takes to hold out about the wanted number.

    A patient goes over it by no more than the draw would fall short without them; where each of them does, the smallest is it.
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
