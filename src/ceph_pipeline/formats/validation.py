"""From a parsed data set to tables: exclusions, points outside their image, and the treatment of bad items."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from ceph_pipeline.errors import did_you_mean
from ceph_pipeline.formats.annotations import Annotations, Reading
from ceph_pipeline.formats.problems import AnnotationError, OnBadItem, Problem, quarantine_table, refuse
from ceph_pipeline.formats.ruler_marks import unusable_marks
from ceph_pipeline.landmarks import UnknownLandmarkError, find, known_or_own


def validated(reading: Reading, place: str, *, on_bad_item: OnBadItem, exclude: Sequence[str]) -> Annotations:
    """Apply the exclusions, check every point against its image, and reject or quarantine bad items.

    Args:
        reading: The data set as parsed by the format's module.
        place: The data set's folder, for messages.
        on_bad_item: `error` raises one error for all bad items; `quarantine` continues without them.
        exclude: Images (`image`) and points (`image/symbol` or `image/name`, of every reader) to leave out.

    Raises:
        AnnotationError: a bad item with `error`, or an exclusion of an unknown item.
    """
    images, points = _parse_exclusions(exclude, reading)
    reading = _exclude(reading, images, points)
    outside = _take_out_points_outside(reading)
    unusable, wrong_marks = unusable_marks(reading.landmarks, reading.sources)
    reading.landmarks.loc[unusable, ["x", "y"]] = np.nan
    excluded_items = {*images, *(f"{image_id}/{known_or_own(name).symbol}" for image_id, name in points)}
    problems = [problem for problem in (*reading.problems, *outside, *wrong_marks) if not problem.concerns(excluded_items)]
    if on_bad_item == "error":
        refuse(problems, place)
    chosen = [Problem(item, item, "ingestion.exclude", "listed", "left out on request", "image quarantined") for item in images]
    chosen += [
        Problem(
            f"{image_id}/{known_or_own(name).symbol}",
            image_id,
            "ingestion.exclude",
            f"{name} listed",
            "left out on request",
            "point quarantined",
        )
        for image_id, name in points
    ]
    misleading = _misleading(reading, [*problems, *chosen])
    reading = _exclude(reading, [problem.item for problem in misleading], [])
    return Annotations(reading.images, reading.landmarks, reading.cvm, quarantine_table([*problems, *misleading, *chosen]))


def _misleading(reading: Reading, problems: Sequence[Problem]) -> list[Problem]:
    """Films without a landmark whose points were quarantined, in data sets where a film without points shows no landmark.

    Films with other remaining points are removed too, because one end of a ruler is not enough for a measurement.

    Args:
        reading: The data set without these points.
        problems: The problems of the quarantined points.
    """
    if not reading.blank_shows_none:
        return []
    names = reading.landmarks[["image_id", "landmark"]].astype(str).itertuples(index=False, name=None)
    items = [f"{image_id}/{known_or_own(landmark).symbol}" for image_id, landmark in names]
    lacking = set(items) - set(compress(items, reading.landmarks["x"].notna()))
    expected = "a usable point, since a film without points would count as showing none of the landmarks"
    lost = {p.item.partition("/")[0]: p for p in problems if p.outcome == "point quarantined" and p.item in lacking}
    return [Problem(image_id, p.file, p.item, "quarantined", expected) for image_id, p in lost.items()]


def _take_out_points_outside(reading: Reading) -> list[Problem]:
    """Make points outside their image missing. Valid x are −0.5 to width − 0.5, the outer edges of the pixels; y likewise."""
    table = reading.landmarks.merge(reading.images[["image_id", "width", "height"]], on="image_id", how="left")
    inside = table["x"].between(-0.5, table["width"] - 0.5) & table["y"].between(-0.5, table["height"] - 0.5)
    outside = (table["x"].notna() & ~inside).to_numpy()
    reading.landmarks.loc[outside, ["x", "y"]] = np.nan
    return [_outside(record, reading.sources) for record in table[outside].to_dict("records")]


def _outside(record: dict[Hashable, Any], sources: Mapping[tuple[str, str], str]) -> Problem:
    in_x = -0.5 <= record["x"] <= record["width"] - 0.5
    axis, length, side = ("y", record["height"], "high") if in_x else ("x", record["width"], "wide")
    symbol = known_or_own(record["landmark"]).symbol
    return Problem(
        f"{record['image_id']}/{symbol}",
        sources.get((record["image_id"], record["reader"]), record["image_id"]),
        f"landmark {symbol!r}",
        f"{axis} = {record[axis]:g}",
        f"-0.5 to {length - 0.5:g}, since the image is {length} px {side}",
        "point quarantined",
    )


def _parse_exclusions(exclude: Sequence[str], reading: Reading) -> tuple[list[str], list[tuple[str, str]]]:
    """Excluded images, and excluded points as (image, full name)."""
    own, bad = set(reading.landmarks["landmark"]), {problem.item for problem in reading.problems}
    known = {*reading.images["image_id"], *(problem.item.partition("/")[0] for problem in reading.problems)}
    images: list[str] = []
    points: list[tuple[str, str]] = []
    for item in exclude:
        image_id, slash, landmark = item.partition("/")
        if image_id not in known:
            hint = did_you_mean(image_id, known)
            raise AnnotationError(f"ingestion.exclude: {item!r} is not an image of the data set.{hint}")
        if not slash:
            images.append(image_id)
            continue
        try:
            points.append((image_id, known_or_own(landmark).name if landmark in own or item in bad else find(landmark).name))
        except UnknownLandmarkError as error:
            raise AnnotationError(f"ingestion.exclude: {item!r}: {error}") from None
    return images, points


def _exclude(reading: Reading, images: Sequence[str], points: Sequence[tuple[str, str]]) -> Reading:
    landmarks = reading.landmarks[~reading.landmarks["image_id"].isin(images)].reset_index(drop=True)
    keys = pd.MultiIndex.from_frame(landmarks[["image_id", "landmark"]])
    landmarks.loc[keys.isin(points), ["x", "y"]] = np.nan
    return replace(
        reading,
        images=reading.images[~reading.images["image_id"].isin(images)].reset_index(drop=True),
        landmarks=landmarks,
        cvm=reading.cvm[~reading.cvm["image_id"].isin(images)].reset_index(drop=True),
    )
