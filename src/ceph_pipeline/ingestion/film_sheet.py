"""A user's sheet of facts about films (split, patient, pixel size, device), with one row per film."""

from __future__ import annotations

import logging
import math
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from ceph_pipeline.artifacts.user_path import user_path
from ceph_pipeline.errors import CephError, InvalidValueError
from ceph_pipeline.formats.entries import PIXEL_SIZE
from ceph_pipeline.formats.files import UnreadableFileError, shown
from ceph_pipeline.formats.film_names import file_path, loosely, stem
from ceph_pipeline.formats.layout import SPLIT_NAMES
from ceph_pipeline.formats.sheets import ABSENT, Sheet, read_sheet
from ceph_pipeline.ingestion.params import FilmSheetParams

logger = logging.getLogger(__name__)

FACTS = ("split", "patient", "pixel_size_mm", "machine")


class FilmSheetError(CephError, ValueError):
    """The sheet of films cannot be used."""


def no_facts(images: pd.DataFrame) -> pd.DataFrame:
    """The empty table of facts, for data sets without a sheet."""
    nothing = {"split": None, "patient": None, "pixel_size_mm": math.nan, "machine": None}
    return pd.DataFrame(nothing, index=pd.Index(images["image_id"], name="image_id"))


def read_film_sheet(images: pd.DataFrame, params: FilmSheetParams, setting: str = "ingestion.films") -> pd.DataFrame:
    """Facts about the images, from the configured sheet.

    A row names a film by its identifier, its path or the end of its path, its file name with or without suffix, or its number
    without leading zeros, which spreadsheets drop. The patient's key is never written to tables or logs, and the sheet's name is
    never logged.

    Args:
        images: The images table.
        params: The sheet and the names of its columns.
        setting: Name of these parameters in messages.

    Returns:
        `split, patient, pixel_size_mm, machine` by `image_id`, one row per image; unknown facts are None or NaN.

    Raises:
        FilmSheetError: the sheet cannot be read, lacks the column of films or all other columns, has an ambiguous name of a film
            or contradictory rows of one film, or contains an invalid value.
    """
    if params.sheet is None:
        return no_facts(images)
    path = user_path(params.sheet)
    try:
        sheet = read_sheet(path)
        columns = {fact: sheet.column(getattr(params, fact)) for fact in ("image", *FACTS)}
    except UnreadableFileError as error:
        raise FilmSheetError(f"{setting}.sheet = {path}: {error}.") from None
    for note in sheet.notes:
        logger.warning("%s.sheet: %s: using %s", setting, note.field, note.found)
    present = [fact for fact in FACTS if columns[fact] is not None]
    if columns["image"] is None or not present:
        wanted = f"{params.image!r}, and of {', '.join(repr(getattr(params, fact)) for fact in FACTS)} at least one"
        found = list(sheet.header)
        raise FilmSheetError(f"{path}: found the columns {found}, expected {wanted}. Name them in `{setting}`.")
    known = {fact: position for fact, position in columns.items() if position is not None}
    return _facts(images, sheet, path, known, setting)


def with_machines(images: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """The images table with the devices of the sheet; other images keep their device."""
    named = facts["machine"].reindex(images["image_id"]).reset_index(drop=True)
    return images.assign(machine=images["machine"].reset_index(drop=True).where(named.isna(), named))


def _facts(images: pd.DataFrame, sheet: Sheet, path: Path, columns: dict[str, int], setting: str) -> pd.DataFrame:
    films = _films_by_name(images)
    facts = no_facts(images)
    said: dict[str, tuple[int, tuple[str, ...]]] = {}
    strangers: list[int] = []
    for line, cells in sheet.rows:
        name = unicodedata.normalize("NFC", file_path(cells[columns["image"]]).removeprefix("/"))
        keys = [name] if "/" in name else [name, loosely(name), _number(loosely(name))]
        found = next((films[key] for key in keys if key in films), set())
        if len(found) > 1:
            name = shown(cells[columns["image"]])
            raise FilmSheetError(f"{path}: line {line}: {name} is the name of {len(found)} images; use their paths instead.")
        if not found:
            strangers.append(line)
            continue
        (image_id,) = found
        values = tuple(cells[columns[fact]].strip() for fact in FACTS if fact in columns)
        if said.setdefault(image_id, (line, values))[1] != values:
            lines = f"lines {said[image_id][0]} and {line}"
            raise FilmSheetError(f"{path}: {lines} contradict each other on one film; expected one row per film.")
        for fact in (fact for fact in FACTS if fact in columns):
            facts.loc[image_id, fact] = _value(fact, cells[columns[fact]].strip(), f"{path}: line {line}", sheet)
    if strangers and not said:
        some = ", ".join(shown(cells[columns["image"]]) for _, cells in sheet.rows[:3])
        expected = ", ".join(map(shown, images["image_id"][:3]))
        raise FilmSheetError(
            f"{path}: none of its {len(strangers)} rows matches one of the {len(images)} images: found {some}, …; expected "
            f"identifiers, paths or file names such as {expected}."
        )
    names = ", ".join(fact for fact in FACTS if fact in columns)
    logger.info("%s.sheet: %s of %d of %d images", setting, names, len(said), len(images))
    if strangers:
        some = ", ".join(map(str, strangers[:5])) + (", …" if len(strangers) > 5 else "")
        message = "%s.sheet: %d of %d rows match no image and are ignored: lines %s"
        logger.warning(message, setting, len(strangers), len(sheet.rows), some)
    return facts


def _number(name: str) -> str:
    """Key of a name that is a number, without leading zeros; it differs from all file names."""
    return f"/{name.lstrip('0')}" if name.isascii() and name.isdecimal() else ""


def _films_by_name(images: pd.DataFrame) -> dict[str, set[str]]:
    """The images that match a name; an identifier or a complete path matches only its own image."""
    films: dict[str, set[str]] = defaultdict(set)
    pairs = list(zip(images["image_id"], images["path"], strict=True))
    for image_id, path in pairs:
        films[PurePosixPath(path).name].add(image_id)
        films[stem(path)].add(image_id)
        folders = PurePosixPath(path).parts[:-1]
        for folder in ("/".join(folders[start:]) for start in range(len(folders))):
            films[f"{folder}/{PurePosixPath(path).name}"].add(image_id)
            films[f"{folder}/{stem(path)}"].add(image_id)
        films[loosely(PurePosixPath(path).name)].add(image_id)
        films[_number(loosely(PurePosixPath(path).name))].add(image_id)
    films.pop("", None)
    by_name = {unicodedata.normalize("NFC", name): images for name, images in films.items()}
    by_path = {unicodedata.normalize("NFC", path): {image_id} for image_id, path in pairs}
    return by_name | by_path | {image_id: {image_id} for image_id, _ in pairs}


def _value(fact: str, cell: str, place: str, sheet: Sheet) -> Any:
    if cell.lower() in ABSENT:
        cell = ""
    read: dict[str, Callable[[], Any]] = {"split": lambda: _split(cell), "pixel_size_mm": lambda: _pixel_size(cell, sheet)}
    try:
        return read[fact]() if fact in read else cell or None
    except InvalidValueError as error:
        raise FilmSheetError(f"{place}, {fact}: found {shown(cell)}, expected {error}.") from None


def _split(cell: str) -> str | None:
    if cell and cell.lower() not in SPLIT_NAMES:
        raise InvalidValueError("train, valid or test")
    return SPLIT_NAMES.get(cell.lower())


def _pixel_size(cell: str, sheet: Sheet) -> float:
    try:
        return sheet.pixel_size(cell)
    except InvalidValueError:
        raise InvalidValueError(PIXEL_SIZE) from None
