"""Aariz's JSON files: one reader's landmarks of a cephalogram, and its CVM stage.

The ruler marks p1 and p2 may be part of a landmark file. They are identified by their symbol; their identifier is ignored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ceph_pipeline.formats.annotations import MISSING, Point, is_coordinate
from ceph_pipeline.formats.entries import as_number, key_of
from ceph_pipeline.formats.files import UnreadableFileError, read_json, shown
from ceph_pipeline.formats.problems import Problem
from ceph_pipeline.images.identifiers import safe_identifier
from ceph_pipeline.landmarks.schemas import AARIZ, RULER, Landmark, tidy

_BY_ID = {landmark.aariz_id: landmark for landmark in AARIZ}
_BY_SYMBOL = {landmark.symbol: landmark for landmark in (*AARIZ, *RULER)}
FILE_QUARANTINED = "file quarantined"
POINT_QUARANTINED = "point quarantined"


def read_points(path: Path, file: str, root: Path) -> tuple[dict[str, Point] | None, list[Problem]]:
    """The points of one annotation file by full name, and its problems.

    Args:
        path: The JSON file; its stem is the image's name.
        file: Name of the file in problems.
        root: The data set's folder, which must contain the file.

    Returns:
        The points and the problems. Points without coordinates are NaN; None instead of points: the file cannot be used.
    """
    entries = _entries(path, file, root)
    if isinstance(entries, Problem):
        return None, [entries]
    image_id = safe_identifier(path.stem)
    points: dict[str, Point] = {}
    problems: list[Problem] = []
    for position, entry in enumerate(entries):
        landmark = _landmark(entry)
        if landmark is None:
            problems.append(_unknown(image_id, file, position, entry))
            continue
        point = _point(entry.get("value"))
        item, field = f"{image_id}/{landmark.symbol}", f"landmark {landmark.symbol!r}"
        if point is None:
            problems.append(Problem(item, file, field, shown(entry.get("value")), "numbers x and y", POINT_QUARANTINED))
        elif landmark.name in points:
            problems.append(Problem(item, file, field, "a second entry", "each landmark once", POINT_QUARANTINED))
            points[landmark.name] = MISSING
        points.setdefault(landmark.name, point or MISSING)
    return points, problems


def read_stage(path: Path, file: str, root: Path) -> int | Problem:
    """The CVM stage 1–6 of one file, or its problem."""
    image_id = safe_identifier(path.stem)
    expected = "cvm_stage.value from 1 to 6, equal to the stage in its title"
    try:
        stage = read_json(path, root)["cvm_stage"]
        value, title = as_number(stage["value"]), stage.get("title") or ""
    except UnreadableFileError as error:
        return Problem(image_id, file, "file", str(error), expected, FILE_QUARANTINED)
    except (KeyError, TypeError, AttributeError):
        return Problem(image_id, file, "cvm_stage", "no such field", expected, FILE_QUARANTINED)
    agrees = isinstance(title, str) and (not title or title.endswith(f"{value or 0:g}"))
    if value is None or value not in range(1, 7) or not agrees:
        return Problem(
            image_id, file, "cvm_stage", f"value {shown(stage['value'])}, title {shown(title)}", expected, FILE_QUARANTINED
        )
    return int(value)


def _entries(path: Path, file: str, root: Path) -> list[Any] | Problem:
    image_id = safe_identifier(path.stem)
    expected = "a list 'landmarks' of entries with landmark_id, symbol and value"
    try:
        content = read_json(path, root)
    except UnreadableFileError as error:
        return Problem(image_id, file, "file", str(error), expected, FILE_QUARANTINED)
    entries = content.get("landmarks") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        return Problem(image_id, file, "landmarks", "none", expected, FILE_QUARANTINED)
    if "ceph_id" in content and key_of(content["ceph_id"]) != path.stem:
        return Problem(
            image_id, file, "ceph_id", shown(content["ceph_id"]), f"{path.stem!r}, the name of the file", FILE_QUARANTINED
        )
    return entries


def _landmark(entry: Any) -> Landmark | None:
    """The landmark of an entry: by its id, which must agree with its symbol; without an id, by its symbol."""
    if not isinstance(entry, dict):
        return None
    symbol = entry.get("symbol")
    by_symbol = _BY_SYMBOL.get(tidy(symbol)) if isinstance(symbol, str) else None
    if "landmark_id" not in entry:
        return by_symbol
    identifier = entry["landmark_id"]
    by_id = _BY_ID.get(identifier) if isinstance(identifier, str) else None
    if by_symbol in RULER and by_id is None:
        return by_symbol
    return None if symbol is not None and by_symbol is not by_id else by_id


def _unknown(image_id: str, file: str, position: int, entry: Any) -> Problem:
    keys = {key: entry.get(key) for key in ("landmark_id", "symbol")} if isinstance(entry, dict) else entry
    found = shown(keys, 120)
    return Problem(
        image_id,
        file,
        f"landmarks[{position}]",
        found,
        "one of the 29 landmarks, or p1 or p2, with matching id and symbol",
        POINT_QUARANTINED,
    )


def _point(value: Any) -> Point | None:
    """(x, y): NaN if either is absent; None if they are not finite numbers."""
    if value is None:
        return MISSING
    if not isinstance(value, dict):
        return None
    x, y = value.get("x"), value.get("y")
    if x is None or y is None:
        return MISSING
    return (float(x), float(y)) if is_coordinate(x) and is_coordinate(y) else None
