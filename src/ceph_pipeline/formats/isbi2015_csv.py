"""ISBI 2015 as one sheet, the form in which the 400 films are redistributed.

    [train_]senior.csv      image_path,1_x,1_y,…,19_x,19_y      rows in any order, films as bmp, png or jpg

The film's number determines its subset, as in the challenge. The file's name contains senior or junior.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ceph_pipeline.formats.annotations import Reading, image_table
from ceph_pipeline.formats.files import UnreadableFileError
from ceph_pipeline.formats.film_names import ImageFolder
from ceph_pipeline.formats.films import Assembly, assemble, shifted
from ceph_pipeline.formats.isbi2015 import MACHINE, PIXEL_SIZE_MM, READERS, split_of_subset, subset_of
from ceph_pipeline.formats.options import LandmarkNames, ReadOptions, TableOptions
from ceph_pipeline.formats.places import annotation_files, folder_of, recognises_any
from ceph_pipeline.formats.reader_names import ANNOTATOR
from ceph_pipeline.formats.sheets import read_sheet
from ceph_pipeline.formats.table import films_of_sheets
from ceph_pipeline.landmarks import SCHEMAS

DATASET = "isbi2015"
LAYOUT = "one or more <name>.csv with the columns image_path,1_x,1_y,…,19_x,19_y, and the films in the same folder or below"
ORIGIN = "redistributions of the ISBI 2015 challenge's 400 films"
_HEADER = {f"{number}_{axis}" for number in range(1, 20) for axis in "xy"} | {"image_path"}
_TABLE = TableOptions(image="image_path", x="{landmark}_x", y="{landmark}_y", pixel_size_mm=PIXEL_SIZE_MM)


def recognises(path: Path) -> bool:
    """Whether a CSV file has these columns."""
    return recognises_any(path, (".csv",), _is_sheet)


def _is_sheet(file: Path) -> bool:
    try:
        return set(read_sheet(file).header) >= _HEADER
    except UnreadableFileError:
        return False


def read_isbi2015_csv(path: Path, images: Path | None, options: ReadOptions) -> Reading:
    """Read one such sheet, or all of a folder."""
    root = folder_of(path)
    schema = SCHEMAS["isbi2015"]
    sheets = [file for file in annotation_files(path, (".csv",)) if _is_sheet(file)]
    films, problems = films_of_sheets(sheets, root, lambda _: _TABLE, _reader)
    names = LandmarkNames(options, numbered=schema)
    how = Assembly(DATASET, names, shifted(options.first_pixel), (names.schema or schema).names)
    reading = assemble(films, ImageFolder(images or root), how, problems)
    return replace(reading, images=_with_subsets(reading))


def _reader(file: str) -> str:
    return next((reader for reader in READERS if reader in Path(file).stem.lower()), ANNOTATOR)


def _with_subsets(reading: Reading) -> pd.DataFrame:
    rows = reading.images.assign(machine=MACHINE).to_dict("records")
    for row in rows:
        if re.fullmatch(r"\d{3}", row["image_id"]) and 1 <= int(row["image_id"]) <= 400:
            row["subset"] = subset_of(row["image_id"])
            row["split"] = split_of_subset(row["subset"])
    return image_table(tuple(row.values()) for row in rows)
