"""Aariz's `cephalogram_machine_mappings.csv`: which device made an image, and its pixel size."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ceph_pipeline.formats.layout import SPLIT_NAMES
from ceph_pipeline.formats.problems import AnnotationError, Problem

FILE = "cephalogram_machine_mappings.csv"
COLUMNS = ("cephalogram_id", "machine", "pixel_size", "image_format", "mode")


@dataclass(frozen=True)
class Machine:
    """One row of the mappings.

    Attributes:
        name: The X-ray device.
        pixel_size_mm: Millimetres per pixel of the original image; NaN where the field is empty.
        split: The split that the row claims.
    """

    name: str
    pixel_size_mm: float
    split: str


UNKNOWN = Machine("unknown", math.nan, "")


def read_machines(root: Path) -> tuple[dict[str, Machine], list[Problem]]:
    """The mappings by identifier, and the rows that cannot be used.

    Raises:
        AnnotationError: the file lacks a column or is no CSV.
    """
    path = root / FILE
    if not path.is_file():
        return {}, [Problem(FILE, FILE, "file", "no such file", "devices and pixel sizes (errors in mm need them)", "kept")]
    machines: dict[str, Machine] = {}
    problems: list[Problem] = []
    for line, row in enumerate(_rows(path).itertuples(index=False), start=2):
        image_id, *fields = (str(getattr(row, column)).strip() for column in COLUMNS)
        machine = _machine(image_id, fields, line)
        if isinstance(machine, Machine) and machines.get(image_id, machine) != machine:
            machine = Problem(image_id, FILE, f"line {line}", "a second row that says otherwise", "one row an image")
        if isinstance(machine, Problem):
            problems.append(machine)
        else:
            machines[image_id] = machine
    return machines, problems


def unused_rows(machines: Collection[str], images: Collection[str]) -> list[Problem]:
    """A remark on rows whose image is not in the folder (a partial download has many)."""
    unused = sorted(set(machines) - set(images))
    if not unused:
        return []
    shown = ", ".join(unused[:3]) + (", …" if len(unused) > 3 else "")
    return [Problem(FILE, FILE, "cephalogram_id", f"{len(unused)} without an image: {shown}", "an image for each row", "kept")]


def _rows(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{path}: not a CSV file ({error}). Copy it again from the data set.") from None
    table.columns = table.columns.str.strip().str.lower()
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise AnnotationError(f"{path}: no column {', '.join(missing)}; found {list(table.columns)}, expected {list(COLUMNS)}.")
    return table


def _machine(image_id: str, fields: list[str], line: int) -> Machine | Problem:
    name, size, _, mode = fields
    split = SPLIT_NAMES.get(mode.lower())
    if split is None:
        return Problem(image_id, FILE, f"line {line}, mode", repr(mode), "Train, Valid or Test")
    try:
        pixel_size_mm = float(size) if size else math.nan
    except ValueError:
        pixel_size_mm = -1.0
    if pixel_size_mm <= 0 or math.isinf(pixel_size_mm):
        return Problem(image_id, FILE, f"line {line}, pixel_size", repr(size), "millimetres per pixel above 0")
    return Machine(name or UNKNOWN.name, pixel_size_mm, split)
