"""Aariz's `cephalogram_machine_mappings.csv`: the X-ray device and the pixel size of each image."""

from __future__ import annotations

import math
from collections.abc import Collection, Container
from dataclasses import dataclass, replace
from pathlib import Path

from ceph_pipeline.errors import InvalidValueError, first_of
from ceph_pipeline.formats.entries import PIXEL_SIZE
from ceph_pipeline.formats.files import UnreadableFileError, shown
from ceph_pipeline.formats.film_names import stem
from ceph_pipeline.formats.layout import SPLIT_NAMES
from ceph_pipeline.formats.problems import AnnotationError, Problem
from ceph_pipeline.formats.sheets import Sheet, read_sheet
from ceph_pipeline.images.identifiers import safe_identifier

FILE = "cephalogram_machine_mappings.csv"
COLUMNS = ("cephalogram_id", "machine", "pixel_size", "image_format", "mode")


@dataclass(frozen=True)
class Machine:
    """One row of the mappings.

    Attributes:
        name: The X-ray device.
        pixel_size_mm: Millimetres per pixel of the original image; NaN (unknown) if the field is empty or 0.
        split: The split in the row.
    """

    name: str
    pixel_size_mm: float
    split: str


UNKNOWN = Machine("unknown", math.nan, "")


def read_machines(root: Path, images: Container[str]) -> tuple[dict[str, Machine], list[Problem]]:
    """Mappings by image identifier, and problems of rows that cannot be used.

    Args:
        root: The data set's folder.
        images: Identifiers of the available images. A row contains an identifier, or the image's file name.

    Raises:
        AnnotationError: a column is missing, or the file is not a CSV file.
    """
    path = root / FILE
    if not path.is_file():
        return {}, [Problem(FILE, FILE, "file", "no such file", "devices and pixel sizes (errors in mm need them)", "kept")]
    machines: dict[str, Machine] = {}
    problems: list[Problem] = []
    sheet, positions = _rows(path, root)
    for line, cells in sheet.rows:
        name, *fields = (cells[position].strip() for position in positions)
        image_id = named if (named := safe_identifier(name)) in images else safe_identifier(stem(name))
        machine = _machine(image_id, fields, line, sheet)
        if isinstance(machine, Machine) and machines.get(image_id, machine) != machine:
            machine = Problem(image_id, FILE, f"line {line}", "a second row with other values", "one row an image")
        if isinstance(machine, Problem):
            problems.append(machine)
        else:
            machines[image_id] = machine
    return machines, problems


def unused_rows(machines: Collection[str], images: Collection[str]) -> list[Problem]:
    """A note on rows whose image is not in the folder, as in a partial download."""
    unused = sorted(set(machines) - set(images))
    if not unused:
        return []
    found = f"{len(unused)} without an image: {first_of(unused, 3)}"
    return [Problem(FILE, FILE, "cephalogram_id", found, "an image for each row", "kept")]


def _rows(path: Path, root: Path) -> tuple[Sheet, list[int]]:
    """The sheet, and the positions of `COLUMNS` in it; case is ignored in column names."""
    try:
        sheet = read_sheet(path, root)
        sheet = replace(sheet, header=tuple(name.lower() for name in sheet.header))
        positions = {name: sheet.column(name) for name in COLUMNS}
    except UnreadableFileError as error:
        raise AnnotationError(f"{path}: {error}.") from None
    missing = [name for name, position in positions.items() if position is None]
    if missing:
        raise AnnotationError(f"{path}: no column {', '.join(missing)}; found {list(sheet.header)}, expected {list(COLUMNS)}.")
    return sheet, [position for position in positions.values() if position is not None]


def _machine(image_id: str, fields: list[str], line: int, sheet: Sheet) -> Machine | Problem:
    name, size, _, mode = fields
    split = SPLIT_NAMES.get(mode.lower())
    if split is None:
        return Problem(image_id, FILE, f"line {line}, mode", shown(mode), "Train, Valid or Test")
    try:
        return Machine(name or UNKNOWN.name, sheet.pixel_size(size), split)
    except InvalidValueError as error:
        return Problem(image_id, FILE, f"line {line}, pixel_size", str(error), PIXEL_SIZE)
