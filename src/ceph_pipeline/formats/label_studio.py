"""Label Studio's JSON export of key points, as it is used for the ruler marks p1 and p2.

The export is a list of tasks, each with `annotations[].result[]` of type `keypointlabels`; x and y are percent of the
image's width and height, measured from its edge. Genuine exports carry `original_width` and `original_height`;
simplified ones do not, and the image itself has to say. Uploaded files have eight hexadecimal digits and a dash in front
of their name. Each annotator is a reader, `annotator_<id>`; of several annotations by one annotator the latest counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ceph_pipeline.formats.annotations import Reading, Row, bad_identifier, cvm_table, image_table, landmark_table
from ceph_pipeline.formats.keypoint_results import points_of, recorded_size
from ceph_pipeline.formats.layout import IMAGE_SUFFIXES, JSONFileError, read_json, relative, sizes_of
from ceph_pipeline.formats.problems import AnnotationError, Problem
from ceph_pipeline.landmarks import UnknownLandmarkError, find
from ceph_pipeline.landmarks.geometry import Size

DATASET = "label_studio"
LAYOUT = "one export file <name>.json, a list of tasks with 'data' and 'annotations', and the images in a folder"
ORIGIN = "Label Studio: Export, format JSON"
_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-")


@dataclass
class _Task:
    """One task of the export: an image and the annotators' results."""

    image_id: str
    path: str
    place: str
    results: dict[str, list[Any]] = field(default_factory=dict)


def recognises(path: Path) -> bool:
    """Whether the file, or the only JSON file of the folder, is a list of Label Studio tasks."""
    try:
        content = read_json(_export_file(path))
    except (AnnotationError, JSONFileError):
        return False
    return isinstance(content, list) and bool(content) and isinstance(content[0], dict) and "annotations" in content[0]


def read_label_studio(path: Path, images: Path | None = None) -> Reading:
    """Read an export.

    Args:
        path: The JSON file, or a folder that holds one.
        images: Folder with the images, searched at any depth; by default the export's own. Paths in the images table are
            relative to it.

    Raises:
        AnnotationError: no list of tasks.
    """
    export = _export_file(path)
    folder = images or export.parent
    files = {file.name: file for file in sorted(folder.rglob("*")) if file.suffix.lower() in IMAGE_SUFFIXES}
    tasks, problems = _tasks(export, files, folder)
    sizes, unsized = _sizes(tasks, files, folder, export.name)
    problems += unsized
    image_rows: list[Row] = []
    point_rows: list[Row] = []
    for task in tasks:
        if task.image_id not in sizes:
            continue
        rows, found = _read_task(task, sizes[task.image_id], export.name)
        problems += found
        if rows:
            image_rows.append((task.image_id, task.path, "train", "train", *sizes[task.image_id], math.nan, "unknown", DATASET))
            point_rows += rows
    sources = {(str(row[0]), str(row[1])): export.name for row in point_rows}
    problems += _unknown_labels(point_rows, export.name)
    return Reading(image_table(image_rows), landmark_table(point_rows), cvm_table([]), tuple(problems), sources)


def _sizes(tasks: list[_Task], files: Mapping[str, Path], folder: Path, export: str) -> tuple[dict[str, Size], list[Problem]]:
    """(width, height) of each task's image: the image's own where it is at hand, else the recorded one."""
    present = {task.image_id: folder / task.path for task in tasks if Path(task.path).name in files}
    recorded_sizes = {task.image_id: recorded_size(task.results.values()) for task in tasks}
    sizes, problems = sizes_of(present, folder, {name: size for name, size in recorded_sizes.items() if size})
    for task in tasks:
        recorded = recorded_sizes[task.image_id]
        if task.image_id in present:
            continue
        if recorded is None:
            expected = "original_width and original_height, or the image itself"
            problems.append(Problem(task.image_id, export, f"{task.place}, size", "neither", expected))
        else:
            sizes[task.image_id] = recorded
    return sizes, problems


def _export_file(path: Path) -> Path:
    if path.is_file():
        return path
    files = sorted(path.glob("*.json")) if path.is_dir() else []
    if len(files) != 1:
        raise AnnotationError(f"{path}: found {len(files)} JSON files, expected one Label Studio export. Give the file itself.")
    return files[0]


def _tasks(export: Path, files: Mapping[str, Path], folder: Path) -> tuple[list[_Task], list[Problem]]:
    try:
        content = read_json(export)
    except JSONFileError as error:
        raise AnnotationError(f"{export}: no JSON ({error}). Export the project again, format JSON.") from None
    if not isinstance(content, list):
        raise AnnotationError(f"{export}: found a JSON {type(content).__name__}, expected a list of tasks (export format JSON).")
    tasks: dict[str, _Task] = {}
    problems: list[Problem] = []
    for position, entry in enumerate(content):
        place = f"task[{position}]"
        task = _task(entry, place, files, folder)
        problem = _problem_with(task, tasks, export.name, place)
        if problem is not None:
            problems.append(problem)
        elif task is not None:
            tasks[task.image_id] = task
    return list(tasks.values()), problems


def _problem_with(task: _Task | None, before: Mapping[str, _Task], export: str, place: str) -> Problem | None:
    if task is None:
        return Problem(export, export, place, "no image and annotations", "a task", "file set aside")
    if task.image_id in before:
        return Problem(task.image_id, export, place, f"{task.image_id!r} again", "one task an image")
    return bad_identifier(task.image_id, export)


def _task(entry: Any, place: str, files: Mapping[str, Path], folder: Path) -> _Task | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("annotations"), list):
        return None
    name = _image_name(entry)
    if name is None:
        return None
    file = files.get(name) or files.get(_UPLOAD_PREFIX.sub("", name))
    path = relative(file, folder) if file else _UPLOAD_PREFIX.sub("", name)
    return _Task(Path(path).stem, path, place, dict(_latest_results(entry["annotations"])))


def _image_name(entry: Mapping[str, Any]) -> str | None:
    """The image's file name alone, whatever path or URL the task gives: folders in an export are nobody's business."""
    data = entry.get("data")
    source = data.get("image") if isinstance(data, dict) else None
    source = source or entry.get("file_upload")
    if not isinstance(source, str):
        return None
    return re.split(r"[/\\]", unquote(source).split("?d=")[-1].split("?")[0])[-1] or None


def _latest_results(annotations: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """(reader, results) of each annotator's annotations, oldest first, so that the latest wins; cancelled ones are none."""
    usable = [
        entry for entry in annotations if isinstance(entry, dict) and not entry.get("was_cancelled") and entry.get("result")
    ]
    for entry in sorted(usable, key=lambda entry: str(entry.get("updated_at") or entry.get("created_at") or "")):
        author = entry.get("completed_by")
        number = author.get("id") if isinstance(author, dict) else author
        yield f"annotator_{number if isinstance(number, int) else 0}", entry["result"]


def _read_task(task: _Task, size: Size, file: str) -> tuple[list[Row], list[Problem]]:
    """Rows of every reader; a task without any point is a problem."""
    rows: list[Row] = []
    problems: list[Problem] = []
    for reader, results in sorted(task.results.items()):
        points, found = points_of(results, size, image_id=task.image_id, file=file, place=task.place)
        problems += found
        rows += [(task.image_id, reader, label, *point) for label, point in points.items()]
    if not rows:
        problems.append(Problem(task.image_id, file, task.place, "no key point", "at least one, in an annotation not cancelled"))
    return rows, problems


def _unknown_labels(rows: list[Row], file: str) -> list[Problem]:
    """A remark on each label that no schema has: it is kept under its own name."""
    problems = []
    for label in sorted({str(row[2]) for row in rows}):
        try:
            find(label)
        except UnknownLandmarkError as error:
            problems.append(Problem(file, file, "keypointlabels", repr(label), f"a landmark's name or symbol ({error})", "kept"))
    return problems
