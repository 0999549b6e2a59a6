"""The CL-Detection challenges: 2023 with 38 points in a JSON file or CSV files, 2024 with 53 points in CSV files.

    train-gt.json   {"points": [{"name": 1, "point": [x, y, z], "scale": "0.1"}, …]}    z: number of the image, from 1
    labels.csv      image file,spacing(mm),p1x,p1y,…,p53x,p53y                          2024
    train.csv       file,scale,p1x,p1y,…,p38x,p38y                                      written by the baselines of 2023

The images of 2023 are one stack, `train_stack.mha`, padded with zeros at the right and lower edges. The organisers' script
unpacks the stack to 0.bmp, 1.bmp, … (z = 1 is 0.bmp); the baselines' script writes 1.bmp, 2.bmp, …. The numbering is
detected from the files. `unpack_stack` replaces both scripts.

Source: https://github.com/cwwang1979/CL-detection2023, https://github.com/szuboy/CL-Detection2023.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.errors import install_hint
from ceph_pipeline.formats.annotations import Reading
from ceph_pipeline.formats.entries import PIXEL_SIZE, as_number, as_pixel_size, entries_of, key_of
from ceph_pipeline.formats.files import UnreadableFileError, peek_json, read_json, shown
from ceph_pipeline.formats.film import Film
from ceph_pipeline.formats.film_names import ImageFolder
from ceph_pipeline.formats.films import Assembly, assemble, shifted, split_of
from ceph_pipeline.formats.labelled_points import LabelledPoint, labelled_point
from ceph_pipeline.formats.options import LandmarkNames, ReadOptions, TableOptions
from ceph_pipeline.formats.places import annotation_files, each_content, folder_of, recognises_any
from ceph_pipeline.formats.problems import AnnotationError, Problem
from ceph_pipeline.formats.reader_names import ANNOTATOR
from ceph_pipeline.formats.sheets import Sheet, read_sheet
from ceph_pipeline.formats.table import films_of_sheets
from ceph_pipeline.images import encode_image
from ceph_pipeline.landmarks import SCHEMAS, LandmarkSchema

LAYOUT = (
    "2023: train-gt.json with 'points' and the unpacked stack 0.bmp, 1.bmp, …; 2023 and 2024: labels.csv with columns "
    "`image file,spacing(mm),p1x,p1y,…`, and the images in the same folder or below"
)
ORIGIN = "https://cl-detection2023.grand-challenge.org and https://www.codabench.org/competitions/3390"
_IMAGE_COLUMNS = ("file", "image file", "image path", "image_path", "image")
_SIZE_COLUMNS = ("scale", "spacing(mm)", "spacing")
_SCHEMAS = {38: SCHEMAS["cl_detection2023"], 53: SCHEMAS["cl_detection2024"]}


def recognises(path: Path) -> bool:
    """Whether a JSON file contains points of a stack, or a CSV file has the columns p1x to p38y or p53y."""
    return recognises_any(path, (".json",), _is_ground_truth) or recognises_any(path, (".csv",), _is_sheet)


def _is_ground_truth(file: Path) -> bool:
    content = peek_json(file)
    points = content.get("points") if isinstance(content, dict) else None
    return isinstance(points, list) and bool(points) and isinstance(points[0], dict) and {"name", "point"} <= set(points[0])


def _is_sheet(file: Path) -> bool:
    try:
        return _count(read_sheet(file)) in _SCHEMAS
    except UnreadableFileError:
        return False


def _count(sheet: Sheet) -> int:
    return sum(re.fullmatch(r"p\d+x", column) is not None for column in sheet.header)


def read_cl_detection(path: Path, images: Path | None, options: ReadOptions) -> Reading:
    """Read the JSON files of a folder; if there are none, read its CSV files.

    Raises:
        AnnotationError: the folder contains sheets of both years, or the stack instead of the images.
    """
    root = folder_of(path)
    folder = ImageFolder(images or root)
    truths = [file for file in annotation_files(path, (".json",)) if file.suffix.lower() == ".json" and _is_ground_truth(file)]
    if truths:
        problems: list[Problem] = []
        contents = each_content(truths, root, read_json, LAYOUT, problems)
        films = [film for _, name, content in contents for film in _films(content, name, folder, problems)]
        _require_unpacked(films, folder)
        return assemble(films, folder, _assembly(SCHEMAS["cl_detection2023"], options), problems)
    sheets = [file for file in annotation_files(path, (".csv",)) if _is_sheet(file)]
    counts = {_count(read_sheet(file, root)) for file in sheets}
    if len(counts) != 1:
        raise AnnotationError(f"{path}: sheets with {sorted(counts)} points; expected 38 (2023) or 53 (2024) in all of them.")
    found, problems = films_of_sheets(sheets, root, _table_of)
    return assemble(found, folder, _assembly(_SCHEMAS[counts.pop()], options), problems)


def _assembly(schema: LandmarkSchema, options: ReadOptions) -> Assembly:
    names = LandmarkNames(options, numbered=schema)
    return Assembly(schema.name, names, shifted(options.first_pixel), (names.schema or schema).names)


def _table_of(sheet: Sheet) -> TableOptions:
    image = next((name for name in _IMAGE_COLUMNS if name in sheet.header), _IMAGE_COLUMNS[0])
    size = next((name for name in _SIZE_COLUMNS if name in sheet.header), None)
    return TableOptions(image=image, x="p{landmark}x", y="p{landmark}y", pixel_size_mm=size)


def _films(content: Any, name: str, folder: ImageFolder, problems: list[Problem]) -> list[Film]:
    labelled: dict[int, list[LabelledPoint]] = defaultdict(list)
    scales: dict[int, set[float]] = defaultdict(set)
    for position, entry in entries_of(content if isinstance(content, dict) else {}, "points", name, problems):
        place = f"points[{position}]"
        point = entry.get("point")
        number = as_number(point[2]) if isinstance(point, list) and len(point) == 3 else None
        if not isinstance(point, list) or number is None or not number.is_integer() or not 1 <= number <= 100_000:
            expected = "[x, y, number of the image, from 1]"
            problems.append(Problem(name, name, place, shown(point), expected, "file quarantined"))
            continue
        labelled[int(number)].append(_labelled_point(entry, point))
        scales[int(number)].add(_scale(entry, name, place, problems))
    from_zero = "0" in folder.stems
    return [
        Film(
            name=str(number - 1 if from_zero else number),
            file=name,
            place=f"image {number}",
            labelled={ANNOTATOR: labelled[number]},
            split=split_of(name),
            pixel_size_mm=_one_scale(scales[number], number, name, problems),
        )
        for number in sorted(labelled)
    ]


def _labelled_point(entry: dict[str, Any], point: list[Any]) -> LabelledPoint:
    label = key_of(entry.get("name")) or ""
    x, y = (as_number(value) for value in point[:2])
    return labelled_point(label, x, y) if x is not None and y is not None else LabelledPoint(label, None, shown(point))


def _scale(entry: dict[str, Any], file: str, place: str, problems: list[Problem]) -> float:
    try:
        return as_pixel_size(entry.get("scale"))
    except ValueError as error:
        problems.append(Problem(file, file, f"{place}, scale", str(error), PIXEL_SIZE, "point quarantined"))
        return math.nan


def _one_scale(scales: set[float], number: int, file: str, problems: list[Problem]) -> float:
    known = sorted(scale for scale in scales if not math.isnan(scale))
    if len(known) > 1:
        found = f"{', '.join(f'{scale:g}' for scale in known[:3])} in one image"
        problems.append(
            Problem(file, file, f"image {number}, scale", found, "one pixel size per image; the pixel size stays unknown", "kept")
        )
    return known[0] if len(known) == 1 else math.nan


def _require_unpacked(films: list[Film], folder: ImageFolder) -> None:
    stack = next(iter(sorted(folder.root.rglob("*.mha"))), None)
    if stack is not None and not any(folder.find(film.name) for film in films):
        raise AnnotationError(
            f"{stack}: all images in one stack. Unpack it once: "
            f"`ceph_pipeline.formats.cl_detection.unpack_stack({str(stack)!r}, {str(stack.parent / 'images')!r})`."
        )


def unpack_stack(stack: Path | str, folder: Path | str) -> list[Path]:
    """Write each image of a challenge's stack as 0.png, 1.png, …, without the zeros at its right and lower edges.

    Args:
        stack: `(images, height, width, 3)` or `(images, height, width)`, 8 bits, as .mha; read as a whole.
        folder: Output folder; created if absent.

    Raises:
        AnnotationError: the stack cannot be read, the folder contains other images, or the extra `mha` is not installed.
    """
    slices = _read_stack(Path(stack))
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    expected = {f"{number}.png" for number in range(len(slices))}
    if others := sorted(file.name for file in target.glob("*.png") if file.name not in expected):
        raise AnnotationError(
            f"{target}: the folder contains {others[0]}, which is not part of this stack. Name an empty folder."
        )
    written = []
    for number, pixels in enumerate(slices):
        cut = np.ascontiguousarray(without_padding(pixels))
        if cut.size == 0:
            raise AnnotationError(f"{stack}: image {number + 1} is all zeros.")
        path = target / f"{number}.png"
        grey = cut if cut.ndim == 2 else cast("NDArray[np.uint8]", cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY))
        path.write_bytes(encode_image(grey, ".png"))
        written.append(path)
    return written


def without_padding(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image `(height, width[, 3])` without the zeros at its right and lower edges; empty if all pixels are zero."""
    filled = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    return pixels[: rows[-1] + 1, : columns[-1] + 1] if rows.size else pixels[:0]


def _read_stack(stack: Path) -> NDArray[np.uint8]:
    try:
        import SimpleITK
    except ImportError:
        raise AnnotationError(f"{stack}: .mha files need SimpleITK; {install_hint('mha')}.") from None
    try:
        with stack.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise AnnotationError(f"{stack}: the file cannot be opened ({error.strerror}).") from None
    if b"ElementDataFile = LOCAL" not in head:  # otherwise SimpleITK would open any file that the header names
        raise AnnotationError(f"{stack}: not an .mha stack that contains its pixels (ElementDataFile = LOCAL).")
    try:
        slices = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(stack)))
    except RuntimeError as error:
        raise AnnotationError(f"{stack}: not a valid .mha stack ({str(error).splitlines()[-1]}).") from None
    if slices.ndim not in (3, 4) or slices.dtype.name != "uint8":
        raise AnnotationError(
            f"{stack}: found {slices.dtype} {slices.shape}, expected 8-bit images (number, height, width[, 3])."
        )
    return cast("NDArray[np.uint8]", slices)
