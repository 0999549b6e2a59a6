"""YOLO-pose: a YAML file with `kpt_shape`, and one text file per image.

    labels/[train|val|test/]<image>.txt     class cx cy w h  x1 y1 [v1]  x2 y2 [v2] …   fractions of the image
    data.yaml                               kpt_shape: [K, 2 | 3], names of the classes, kpt_names of the points

- `kpt_shape` defines whether rows contain visibilities. v = 0 is a missing point; without v, (0, 0) is a missing point.
- Points have the names of `kpt_names` (Ultralytics) or of Label Studio's notes.json. Without either, points are numbered, and
  `ingestion.reading.landmarks` names the numbers.
- Instances of one image are merged.
- The image is required, because fractions are converted with its size.
- `*.cache` files are pickles and are never opened.

Source: https://docs.ultralytics.com/datasets/pose/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ceph_pipeline.formats.annotations import Point, Reading
from ceph_pipeline.formats.entries import key_of, number
from ceph_pipeline.formats.files import UnreadableFileError, read_json, read_text, read_yaml, shown
from ceph_pipeline.formats.film import Film
from ceph_pipeline.formats.film_names import ImageFolder
from ceph_pipeline.formats.films import assemble, assembly, split_of_folders
from ceph_pipeline.formats.labelled_points import LabelledPoint, labelled_point
from ceph_pipeline.formats.options import ReadOptions
from ceph_pipeline.formats.places import annotation_files, each_content, folder_of
from ceph_pipeline.formats.problems import AnnotationError, Problem
from ceph_pipeline.formats.reader_names import ANNOTATOR
from ceph_pipeline.landmarks.geometry import Size

DATASET = "yolo_pose"
LAYOUT = "<name>.yaml with kpt_shape, labels/<image>.txt (directly or under train, val, test) and images/<image>.{png,jpg,…}"
ORIGIN = "Ultralytics, Roboflow (YOLOv8), Label Studio (YOLO with notes.json) or `--pipelines export`"
_NOT_LABELS = ("classes.txt", "readme.txt", "readme.dataset.txt", "readme.roboflow.txt", "train.txt", "val.txt", "test.txt")


@dataclass(frozen=True)
class _Shape:
    """Content of the YAML file: K points of 2 or 3 values, and their names by class, if present."""

    count: int
    values: int
    names: Sequence[str]

    @property
    def ordered(self) -> int | None:
        """Number of points that are identified only by their order."""
        return self.count if self.names[0] == "1" else None


def recognises(path: Path) -> bool:
    """Whether a YAML file contains `kpt_shape`, or Label Studio's notes.json contains key points."""
    return path.exists() and _shape_of(path) is not None


def read_yolo_pose(path: Path, images: Path | None, options: ReadOptions) -> Reading:
    """Read all label files below the folder of the YAML file.

    Raises:
        AnnotationError: no file defines the number of points and of values per point.
    """
    root = folder_of(path)
    shape = _shape_of(path)
    if shape is None:
        raise AnnotationError(f"{path}: no YAML file with `kpt_shape: [points, 2 or 3]`. {LAYOUT}")
    films: list[Film] = []
    problems: list[Problem] = []
    folder = ImageFolder(images or root)
    labels = (file for file in annotation_files(root, (".txt",)) if _is_label_file(file.relative_to(root), folder))
    for _, name, text in each_content(labels, root, read_text, "a text file of numbers", problems, one_image=True):
        labelled = [
            entry
            for position, line in enumerate(text.splitlines(), 1)
            if line.split()
            for entry in _row(line, shape, name, position, problems)
        ]
        split = split_of_folders(str(PurePosixPath(name).parent))
        films.append(Film(_image_of(name), name, "rows", {ANNOTATOR: labelled}, split=split, ordered=shape.ordered))
    how = assembly(DATASET, options, to_pixels=_to_pixels(options.first_pixel), relative=True)
    return assemble(films, folder, how, problems)


def _is_label_file(file: Path, folder: ImageFolder) -> bool:
    """Whether a text file contains an image's rows; if named like a list, it must be below `labels` and have an image."""
    return file.name.lower() not in _NOT_LABELS or ("labels" in file.parts[:-1] and file.stem in folder.stems)


def _to_pixels(first_pixel: float) -> Any:
    def convert(point: Point, size: Size, _mm: float) -> Point:
        return point[0] * size[0] - first_pixel, point[1] * size[1] - first_pixel

    return convert


def _row(line: str, shape: _Shape, file: str, position: int, problems: list[Problem]) -> list[LabelledPoint]:
    """The points of one instance."""
    values = [number(text) for text in line.split()]
    wanted = 5 + shape.count * shape.values
    if len(values) != wanted or None in values:
        found = f"{len(values)} values" if len(values) != wanted else shown(line)
        expected = f"{wanted} numbers: class, box and {shape.count} points of {shape.values}"
        problems.append(Problem(_image_of(file), file, f"line {position}", found, expected, "file quarantined"))
        return []
    points = [values[5 + i * shape.values : 5 + (i + 1) * shape.values] for i in range(shape.count)]
    return [labelled_point(label, *point[:2], visible=_is_there(point)) for label, point in zip(shape.names, points, strict=True)]


def _image_of(labels: str) -> str:
    """The image's path without suffix: the path of the labels, with `images` in place of `labels`."""
    return "/".join("images" if part == "labels" else part for part in PurePosixPath(labels).with_suffix("").parts)


def _is_there(point: Sequence[float | None]) -> bool:
    return point[2] != 0 if len(point) == 3 else tuple(point) != (0, 0)


def _shape_of(path: Path) -> _Shape | None:
    """The shape from the YAML file at the path, or from the folder's first YAML file with a shape; otherwise from notes.json."""
    files = [path] if path.is_file() else sorted(entry for suffix in ("*.yaml", "*.yml") for entry in path.glob(suffix))
    for file in files:
        if file.suffix.lower() in {".yaml", ".yml"}:
            try:
                shape = _from_yaml(read_yaml(file))
            except UnreadableFileError:
                continue
            if shape is not None:
                return shape
    notes = folder_of(path) / "notes.json"
    try:
        return _from_notes(read_json(notes)) if notes.is_file() else None
    except UnreadableFileError:
        return None


def _from_yaml(content: Any) -> _Shape | None:
    shape = content.get("kpt_shape") if isinstance(content, dict) else None
    if not isinstance(shape, list) or len(shape) != 2 or not all(type(part) is int for part in shape):
        return None
    count, values = shape
    if not 1 <= count <= 1000 or values not in (2, 3):
        return None
    names = content.get("kpt_names")
    if isinstance(names, dict):  # names by class, or one list for all classes
        lists = list(names.values())
        names = lists[0] if lists and all(entry == lists[0] for entry in lists) else None
    return _Shape(count, values, _labels(names, count))


def _from_notes(content: Any) -> _Shape | None:
    categories = content.get("categories") if isinstance(content, dict) else None
    entries = [entry for entry in categories if isinstance(entry, dict)] if isinstance(categories, list) else []
    lists: list[list[Any]] = [names for entry in entries if isinstance(names := entry.get("keypoints"), list) and names]
    return _Shape(len(lists[0]), 3, _labels(lists[0], len(lists[0]))) if len(lists) == 1 else None


def _labels(names: Any, count: int) -> list[str]:
    if isinstance(names, list) and len(names) == count:
        return [key_of(name) or "" for name in names]
    return [str(number + 1) for number in range(count)]
