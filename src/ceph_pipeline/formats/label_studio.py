"""Label Studio's exports of key points: JSON, JSON-MIN, and CSV.

- JSON is a list of tasks with `annotations[].result[]`. JSON-MIN has one object per annotation, with the results under the names
  of their controls. CSV has the fields of JSON-MIN as columns.
- x and y are percent of the image's width and height, measured from its edge.
- Exports contain `original_width` and `original_height`. If a simplified export does not, the size is read from the image.
- Uploaded files have eight hexadecimal digits and a dash in front of their name.
- Each annotator is a reader, `annotator_<id>`. Of several annotations by one annotator the latest is used; cancelled annotations
  are ignored.
- Tasks for import, with predictions and without the field `annotations`, are read too. The reader of a prediction is its
  `model_version`.
- A film whose annotation was submitted without a point is quarantined or, with `blank_shows_none`, counts as showing none of the
  landmarks.
- The fields `machine`, `pixel_size_mm` and `split` of a task are those of its image.
Source: https://labelstud.io/guide/export.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ceph_pipeline.errors import first_of
from ceph_pipeline.formats.annotations import Point, Reading
from ceph_pipeline.formats.entries import key_of, own_pixel_size
from ceph_pipeline.formats.files import UnreadableFileError, peek_json, read_json, shown
from ceph_pipeline.formats.film import ONE_OF_EACH, Film, contradictions, put_together, sizes_agree
from ceph_pipeline.formats.film_names import ImageFolder, identifier_of
from ceph_pipeline.formats.films import assemble, assembly
from ceph_pipeline.formats.key_points import is_blank, labelled_points, recorded_sizes, targets
from ceph_pipeline.formats.label_studio_task import (
    Annotators,
    data_of,
    image_name,
    is_minimal,
    is_prediction,
    results_of,
    unsubmitted,
)
from ceph_pipeline.formats.layout import SPLIT_NAMES, visible_files
from ceph_pipeline.formats.options import ReadOptions
from ceph_pipeline.formats.places import folder_of
from ceph_pipeline.formats.problems import AnnotationError, Problem
from ceph_pipeline.formats.sheets import read_sheet
from ceph_pipeline.landmarks.geometry import Size

DATASET = "label_studio"
LAYOUT = (
    "one export file <name>.json, a list of tasks with 'data' and 'annotations' (or JSON-MIN, or CSV), and the images in a folder"
)
ORIGIN = "Label Studio: Export, format JSON"
_EXPORT_COLUMNS = {"annotation_id", "annotator", "created_at", "lead_time", "updated_at"}


def recognises(path: Path) -> bool:
    """Whether the file, or the only file of the folder, is a list of Label Studio tasks or a sheet of annotations."""
    try:
        export = _export_file(path)
        if export.suffix.lower() == ".csv":
            return set(read_sheet(export).header) >= _EXPORT_COLUMNS
    except (AnnotationError, UnreadableFileError):
        return False
    content = peek_json(export)
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and (
        "annotations" in first or {"data", "predictions"} <= set(first) or _EXPORT_COLUMNS - {"lead_time"} <= set(first)
    )


def read_label_studio(path: Path, images: Path | None, options: ReadOptions) -> Reading:
    """Read an export.

    Args:
        path: The JSON or CSV file, or a folder with one such file.
        images: Folder of the images, searched at any depth; by default the export's folder. Paths in the images table are
            relative to this folder.
        options: The user's options.

    Raises:
        AnnotationError: the file is not a list of tasks.
    """
    export = _export_file(path)
    folder = ImageFolder(images or folder_of(export))
    problems: list[Problem] = []
    annotators = Annotators()
    entries = list(enumerate(_entries(export)))
    minimal = bool(entries) and all(is_minimal(entry) for _, entry in entries)
    if minimal:
        entries.sort(key=lambda numbered: key_of(numbered[1].get("updated_at")) or "")
    films = [
        film
        for position, entry in entries
        for film in _films(entry, f"task[{position}]", export.name, folder, annotators, problems, options.blank_shows_none)
    ]
    predicted = sum(is_prediction(entry) for _, entry in entries)
    if predicted:
        found = f"predictions without annotations in {predicted} of {len(entries)} tasks"
        problems.append(Problem(export.name, export.name, "predictions", found, "points that a person has checked", "kept"))
    how = replace(
        assembly(DATASET, options, to_pixels=_percent_to_pixels, relative=True),
        size_from="original_width and original_height, or the image itself",
        blank_shows_none=options.blank_shows_none,
    )
    return assemble(_one_film_an_image(films, minimal, problems), folder, how, problems)


def _percent_to_pixels(point: Point, size: Size, _mm: float) -> Point:
    """Convert percent from the image's edge to pixel-centre coordinates: 0 % is −0.5, 100 % is the width − 0.5."""
    return point[0] / 100 * size[0] - 0.5, point[1] / 100 * size[1] - 0.5


def _export_file(path: Path) -> Path:
    if path.is_file():
        return path
    files = visible_files(path, (".json",)) or visible_files(path, (".csv",)) if path.is_dir() else []
    if len(files) != 1:
        raise AnnotationError(
            f"{path}: found {len(files)} JSON or CSV files, expected one Label Studio export. Name the file itself."
        )
    return files[0]


def _entries(export: Path) -> list[Any]:
    try:
        content = _rows(export) if export.suffix.lower() == ".csv" else peek_json(export) or read_json(export)
    except UnreadableFileError as error:
        raise AnnotationError(f"{export}: {error}. Export the project again, format JSON.") from None
    if not isinstance(content, list):
        raise AnnotationError(f"{export}: found a JSON {type(content).__name__}, expected a list of tasks (export format JSON).")
    return content


def _rows(export: Path) -> list[dict[str, Any]]:
    """Rows of the CSV export in the form of JSON-MIN; cells with results contain JSON."""
    sheet = read_sheet(export)
    return [dict(zip(sheet.header, map(_cell, cells), strict=True)) for _, cells in sheet.rows]


def _cell(text: str) -> Any:
    try:
        return json.loads(text) if text.startswith("[") else text
    except (ValueError, RecursionError):
        return text


def _films(
    entry: Any,
    place: str,
    file: str,
    folder: ImageFolder,
    annotators: Annotators,
    problems: list[Problem],
    blank_shows_none: bool,
) -> Iterator[Film]:
    """The film of a task, or of one JSON-MIN annotation."""
    results = results_of(entry, annotators)
    shown_on = targets(values for values in (results or {}).values() if isinstance(values, list))
    name = image_name(entry, folder, shown_on) if results is not None else None
    if results is None or name is None:
        problems.append(Problem(file, file, place, "no image or no annotations", "a task", "file quarantined"))
        return
    if len(shown_on) > 1:
        found = f"points on several images of one task: {first_of(map(shown, shown_on), 3)}"
        problems.append(
            Problem(
                identifier_of(name), file, f"{place}, to_name", found, "one film per task: import each film as a separate task"
            )
        )
        return
    data = data_of(entry)
    split = (key_of(data.get("split")) or "").lower()
    if split and split not in SPLIT_NAMES:
        problems.append(
            Problem(
                identifier_of(name), file, f"{place}, split", shown(data["split"]), "train, valid or test", "file quarantined"
            )
        )
        return
    bad = {reader: values for reader, values in results.items() if not isinstance(values, list)}
    problems += [
        Problem(name, file, f"{place}, result", shown(values), "a list of results", "file quarantined") for values in bad.values()
    ]
    usable = {reader: values for reader, values in results.items() if reader not in bad}
    labelled = {reader: labelled_points(values) for reader, values in usable.items()}
    sizes = recorded_sizes(usable.values())
    if contradiction := _contradiction(sizes):
        problems.append(Problem(identifier_of(name), file, f"{place}, size", *contradiction))
        return
    yield Film(
        name,
        file,
        place if results else f"{place} ({unsubmitted(entry)})",
        labelled,
        sizes[0] if sizes else None,
        blank=blank_shows_none and bool(usable) and is_blank(usable.values()),
        split=SPLIT_NAMES.get(split),
        pixel_size_mm=own_pixel_size(data, file, place, problems),
        machine=key_of(data.get("machine")) or "unknown",
    )


def _contradiction(sizes: Sequence[Size]) -> tuple[str, str] | None:
    """The found and expected texts if points of one image were recorded on different image sizes."""
    if all(sizes_agree(size, sizes[0], relative=True) for size in sizes):
        return None
    found = " and ".join(f"{width} × {height}" for width, height in sizes[:3])
    return f"{found} recorded for one image", "one size: the image was rotated or cropped between the annotations"


def _one_film_an_image(films: list[Film], is_minimal: bool, problems: list[Problem]) -> list[Film]:
    """Merge the rows of each image, since JSON-MIN has one row per annotation; each annotator's latest row is used."""
    if not is_minimal:
        return films
    rows: dict[str, list[Film]] = defaultdict(list)
    for film in films:
        rows[film.name].append(film)
    found: list[Film] = []
    for name, same in rows.items():
        if contradiction := contradictions(same, relative=True):
            problems.append(Problem(identifier_of(name), same[0].file, same[0].place, contradiction, ONE_OF_EACH))
        else:
            found.append(put_together(same))
    return found
