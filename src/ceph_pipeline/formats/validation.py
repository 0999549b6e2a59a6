"""From what a format was parsed into to tables: exclusions, points outside their image, and the policy on bad items."""

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
    """Apply the exclusions, check every point against its image, and refuse or set aside what is bad.

    Args:
        reading: What the format's module found.
        place: The data set's folder, for messages.
        on_bad_item: `error` refuses the data set with one error; `quarantine` goes on without the bad items.
        exclude: Images (`image`) and points (`image/symbol` or `image/name`, of every reader) to leave out.

    Raises:
        AnnotationError: a bad item under `error`, or an exclusion that names nothing in the data set.
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
    chosen = [Problem(item, item, "ingestion.exclude", "listed", "left out on request", "image set aside") for item in images]
    chosen += [
        Problem(
            f"{image_id}/{known_or_own(name).symbol}",
            image_id,
            "ingestion.exclude",
            f"{name} listed",
            "left out on request",
            "point set aside",
        )
        for image_id, name in points
    ]
    misleading = _misleading(reading, [*problems, *chosen])
    reading = _exclude(reading, [problem.item for problem in misleading], [])
    return Annotations(reading.images, reading.landmarks, reading.cvm, quarantine_table([*problems, *misleading, *chosen]))


def _misleading(reading: Reading, problems: Sequence[Problem]) -> list[Problem]:
    """Films that lack a landmark whose points were set aside, in data sets where a film without points shows no landmark.

    A film left with other points says nothing wrong, but goes too: half a ruler measures nothing.

    Args:
        reading: With these points missing.
        problems: Which points were set aside.
    """
    if not reading.blank_shows_none:
        return []
    names = reading.landmarks[["image_id", "landmark"]].astype(str).itertuples(index=False, name=None)
    items = [f"{image_id}/{known_or_own(landmark).symbol}" for image_id, landmark in names]
    lacking = set(items) - set(compress(items, reading.landmarks["x"].notna()))
    expected = "a point that can be used, since a film left without any would say that it shows none"
    lost = {p.item.partition("/")[0]: p for p in problems if p.outcome == "point set aside" and p.item in lacking}
    return [Problem(image_id, p.file, p.item, "set aside", expected) for image_id, p in lost.items()]


def _take_out_points_outside(reading: Reading) -> list[Problem]:
    """Make points missing that do not lie on their image: x from −0.5 to width − 0.5 are its pixels' outer edges, y likewise."""
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
        "point set aside",
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
            raise AnnotationError(f"ingestion.exclude: {item!r} names no image of the data set.{hint}")
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
