"""The ISBI 2015 challenge: numbered cephalograms, with one text file of 19 points per reader (two readers).

    [RawImage/]{TrainingData,Test1Data,Test2Data}/NNN.{bmp,png,jpg}
    AnnotationsByMD/{400_senior,400_junior}/NNN.txt      19 lines `x,y`, then up to 8 lines with one class each

Images 001–150 are the training split, 151–300 Test1 and 301–400 Test2; there is no validation split. The pixel size is 0.1 mm by
convention.

Source: Wang et al., A benchmark for comparison of dental radiography analysis algorithms, Medical Image Analysis 2016.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ceph_pipeline.formats.annotations import Point, Reading, Row, cvm_table, image_table, landmark_rows, landmark_table
from ceph_pipeline.formats.entries import as_number
from ceph_pipeline.formats.files import UnreadableFileError, read_text, shown, with_progress
from ceph_pipeline.formats.layout import IMAGE_SUFFIXES, by_identifier, relative, sizes_of, visible_files
from ceph_pipeline.formats.options import ReadOptions
from ceph_pipeline.formats.problems import Problem
from ceph_pipeline.landmarks import SCHEMAS

DATASET = "isbi2015"
LAYOUT = (
    "{TrainingData,Test1Data,Test2Data}/NNN.{bmp,png,jpg}, directly or under RawImage, "
    "and AnnotationsByMD/{400_senior,400_junior}/NNN.txt"
)
ORIGIN = "https://figshare.com/s/37ec464af8e81ae6ebbf"

MACHINE = "Soredex CRANEX Excel Ceph"
PIXEL_SIZE_MM = 0.1
IMAGE_FOLDERS = {"trainingdata": "train", "test1data": "test1", "test2data": "test2"}
"""Subset of each image folder, by its lower-case name."""
READERS = ("senior", "junior")
CLASS_LINES = 8
_POINT = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*$")
_CLASS = re.compile(r"^\s*\d{1,9}\s*$")


def recognises(root: Path) -> bool:
    """Whether the folder has one of the challenge's image folders."""
    return root.is_dir() and bool(_image_folders(root))


def read_isbi2015(root: Path, images: Path | None, options: ReadOptions) -> Reading:
    """Read a folder in the challenge's layout."""
    del images, options  # the layout needs no options
    films, problems = _images(root)
    annotations, repeated = _annotation_files(root)
    sizes, unreadable = sizes_of(films, root)
    problems += [*repeated, *unreadable]
    problems += _without_image(annotations, {*films, *(problem.item for problem in problems)}, root)
    sources = {key: relative(file, root) for key, file in annotations.items()}
    image_rows: list[Row] = []
    point_rows: list[Row] = []
    for image_id, (width, height) in with_progress(sizes.items(), "annotations"):
        file = relative(films[image_id], root)
        rows, found = _read_readers(image_id, file, annotations, sources, root)
        problems += found
        if rows:
            subset = subset_of(image_id)
            image_rows.append((image_id, file, split_of_subset(subset), subset, width, height, PIXEL_SIZE_MM, MACHINE, DATASET))
            point_rows += rows
    return Reading(image_table(image_rows), landmark_table(point_rows), cvm_table([]), tuple(problems), sources)


def read_points(path: Path, file: str, root: Path) -> dict[str, Point] | Problem:
    """The 19 points of one text file by full name, or its first problem."""
    names = SCHEMAS["isbi2015"].names
    try:
        lines = read_text(path, root).splitlines()
    except UnreadableFileError as error:
        return Problem(path.stem, file, "file", str(error), f"{len(names)} lines 'x,y'", "file quarantined")
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    points: dict[str, Point] = {}
    for name, (number, line) in zip(names, numbered, strict=False):
        match = _POINT.match(line)
        x, y = (as_number(match[1]), as_number(match[2])) if match else (None, None)
        if x is None or y is None:
            return Problem(path.stem, file, f"line {number} ({name})", shown(line), "'x,y' in pixels", "file quarantined")
        points[name] = (x, y)
    if len(points) < len(names):
        return Problem(path.stem, file, "lines", f"{len(points)} points", f"{len(names)} lines 'x,y'", "file quarantined")
    for number, line in numbered[len(names) :]:
        if not _CLASS.match(line) or number > len(names) + CLASS_LINES + (len(lines) - len(numbered)):
            return Problem(path.stem, file, f"line {number}", shown(line), "at most 8 class numbers", "file quarantined")
    return points


def _image_folders(root: Path) -> list[Path]:
    """The challenge's image folders, directly in the root or one level down, as in `RawImage`."""
    return sorted(
        folder
        for pattern in ("*", "*/*")
        for folder in root.glob(pattern)
        if folder.is_dir() and folder.name.lower() in IMAGE_FOLDERS
    )


def subset_of(image_id: str) -> str:
    """The challenge's subset of a film, by its number: train, test1 or test2."""
    number = int(image_id)
    return "train" if number <= 150 else "test1" if number <= 300 else "test2"


def split_of_subset(subset: str) -> str:
    """The split of a subset: train or test, since the challenge has no validation split."""
    return "train" if subset == "train" else "test"


def _images(root: Path) -> tuple[dict[str, Path], list[Problem]]:
    """The images with a valid number in the folder of that number's subset."""
    found, problems = by_identifier(
        (file for folder in _image_folders(root) for file in visible_files(folder, IMAGE_SUFFIXES)), root
    )
    kept: dict[str, Path] = {}
    for image_id, path in found.items():
        file, folder = relative(path, root), path.parent.name
        if not re.fullmatch(r"\d{3}", image_id) or not 1 <= int(image_id) <= 400:
            problems.append(Problem(image_id, file, "file name", repr(path.name), "a number from 001 to 400"))
        elif IMAGE_FOLDERS[folder.lower()] != subset_of(image_id):
            problems.append(Problem(image_id, file, "folder", repr(folder), f"the folder of subset {subset_of(image_id)}"))
        else:
            kept[image_id] = path
    return kept, problems


def _annotation_files(root: Path) -> tuple[dict[tuple[str, str], Path], list[Problem]]:
    """Text files by (image, reader); the reader is taken from the innermost folder with senior or junior in its name."""
    found: dict[tuple[str, str], Path] = {}
    problems: list[Problem] = []
    for path in sorted(root.rglob("[0-9][0-9][0-9].txt")):
        reader = _reader_of(path.relative_to(root).parts[:-1])
        if reader is None:
            continue
        if (path.stem, reader) in found:
            first = relative(found[path.stem, reader], root)
            again = f"same identifier as {first}"
            problems.append(
                Problem(path.stem, relative(path, root), "identifier", again, "one file per reader", "file quarantined")
            )
        found.setdefault((path.stem, reader), path)
    return found, problems


def _reader_of(folders: tuple[str, ...]) -> str | None:
    return next((reader for folder in reversed(folders) for reader in READERS if reader in folder.lower()), None)


def _without_image(annotations: Mapping[tuple[str, str], Path], known: set[str], root: Path) -> list[Problem]:
    """Points without an image, in subsets that have images; Test2 may be absent, since its images are distributed separately."""
    present = {subset_of(image_id) for image_id in known if re.fullmatch(r"\d{3}", image_id)}
    return [
        Problem(
            image_id, relative(path, root), "image", "none for this file", f"{image_id}.bmp, .png or .jpg", "image quarantined"
        )
        for (image_id, _), path in annotations.items()
        if image_id not in known and subset_of(image_id) in present
    ]


def _read_readers(
    image_id: str, file: str, annotations: Mapping[tuple[str, str], Path], sources: Mapping[tuple[str, str], str], root: Path
) -> tuple[list[Row], list[Problem]]:
    """Rows of both readers; NaN for a reader without a usable file, and no rows if neither reader has one."""
    names = SCHEMAS["isbi2015"].names
    rows: list[Row] = []
    problems: list[Problem] = []
    usable = 0
    for reader in READERS:
        key = (image_id, reader)
        points = read_points(annotations[key], sources[key], root) if key in annotations else None
        if isinstance(points, Problem):
            problems.append(points)
        elif points is None:
            problems.append(Problem(image_id, file, f"reader {reader}", "no file", "one text file per reader", "kept"))
        else:
            usable += 1
        rows += landmark_rows(image_id, reader, points if isinstance(points, dict) else {}, names)
    if usable == 0:
        problems.append(Problem(image_id, file, "annotations", "no usable file of any reader", "AnnotationsByMD/400_…/NNN.txt"))
    return (rows if usable else []), problems
