"""COCO keypoints, as written by Roboflow, CVAT, Label Studio, datumaro and this project.

    {"images": [{"id", "file_name", "width", "height"}], "categories": [{"id", "name", "keypoints": [names]}],
     "annotations": [{"image_id", "category_id", "keypoints": [x, y, v, …]}]}

v = 0 is a missing point, whatever x and y are. The category names the landmarks. Several annotations of one image are merged;
a landmark that occurs in two of them is reported. `attributes.reader` of an annotation is its reader.

Source: Lin et al., Microsoft COCO, https://cocodataset.org/#format-data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ceph_pipeline.formats.annotations import Reading, is_coordinate
from ceph_pipeline.formats.entries import as_size, entries_of, key_of, own_pixel_size
from ceph_pipeline.formats.files import peek_json, read_json, shown
from ceph_pipeline.formats.film import Film
from ceph_pipeline.formats.film_names import ImageFolder, file_path
from ceph_pipeline.formats.films import assemble, assembly, split_of, split_of_folders
from ceph_pipeline.formats.labelled_points import LabelledPoint, labelled_point
from ceph_pipeline.formats.options import ReadOptions
from ceph_pipeline.formats.places import annotation_files, each_content, folder_of, recognises_any
from ceph_pipeline.formats.problems import AnnotationError, Problem
from ceph_pipeline.formats.reader_names import ReaderNames

DATASET = "coco"
LAYOUT = (
    "one or more <name>.json with 'images', 'annotations' and 'categories' (with 'keypoints'), "
    "and the images in the same folder or below"
)
ORIGIN = "Roboflow (COCO), CVAT (COCO Keypoints), Label Studio (COCO) or `--pipelines export`"
_SUFFIXES = (".json",)


def recognises(path: Path) -> bool:
    """Whether a JSON file contains COCO's three lists."""
    return recognises_any(path, _SUFFIXES, _is_coco)


def _is_coco(file: Path) -> bool:
    content = peek_json(file)
    return isinstance(content, dict) and {"images", "annotations", "categories"} <= set(content)


def read_coco(path: Path, images: Path | None, options: ReadOptions) -> Reading:
    """Read one COCO file, or all COCO files of a folder.

    Raises:
        AnnotationError: no category has key points, or no file can be read.
    """
    root = folder_of(path)
    films: list[Film] = []
    problems: list[Problem] = []
    readers = ReaderNames()
    for _, name, content in each_content(annotation_files(path, _SUFFIXES), root, read_json, LAYOUT, problems):
        if not isinstance(content, dict) or "annotations" not in content:
            continue
        films += _films(content, name, readers, problems)
    if not films and not problems:
        raise AnnotationError(
            f"{path}: no annotation with key points, only boxes, outlines or images without annotations. {_WAY_OUT}"
        )
    return assemble(films, ImageFolder(images or root), assembly(DATASET, options), problems)


_WAY_OUT = "Export with key points: in CVAT, use a skeleton label; this format does not contain plain point labels."


def _films(content: Mapping[str, Any], file: str, readers: ReaderNames, problems: list[Problem]) -> Iterator[Film]:
    categories = _by_id(content, "categories", file, problems)
    images = _by_id(content, "images", file, problems)
    annotations: dict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for position, entry in entries_of(content, "annotations", file, problems):
        key = key_of(entry.get("image_id"))
        if not entry.get("keypoints"):
            continue
        if not isinstance(entry["keypoints"], list):
            found = shown(entry["keypoints"])
            problems.append(
                Problem(file, file, f"annotations[{position}].keypoints", found, "a list of numbers", "file quarantined")
            )
            continue
        if key is None or key not in images:
            found = f"image_id {shown(entry.get('image_id'))}"
            problems.append(
                Problem(file, file, f"annotations[{position}]", found, "the id of an entry of 'images'", "file quarantined")
            )
        else:
            annotations[key].append((position, entry))
    for key, entries in annotations.items():
        image = images[key]
        extra = image.get("extra")
        original = extra.get("name") if isinstance(extra, dict) else None
        labelled: dict[str, list[LabelledPoint]] = defaultdict(list)
        for position, entry in entries:
            labelled[readers.of(_signature(entry))] += _labelled_points(entry, categories, file, position, problems)
        unnamed = [len(entry["keypoints"]) // 3 for _, entry in entries if not _names(entry, categories)]
        yield Film(
            name=file_path(key_of(image.get("file_name")) or ""),
            file=file,
            place=f"image {shown(image.get('id'))}",
            labelled=labelled,
            size=as_size(image.get("width"), image.get("height")),
            ordered=unnamed[0] if unnamed else None,
            original=original if isinstance(original, str) and original else None,
            split=split_of(file) or split_of_folders(str(Path(file_path(key_of(image.get("file_name")) or "")).parent)),
            pixel_size_mm=own_pixel_size(image, file, f"image {shown(image.get('id'))}", problems),
        )


def _by_id(content: Mapping[str, Any], name: str, file: str, problems: list[Problem]) -> dict[str, dict[str, Any]]:
    """Entries by id (a number or a string). A second entry with the same id is a problem; the first entry is used."""
    found: dict[str, dict[str, Any]] = {}
    for position, entry in entries_of(content, name, file, problems):
        key = key_of(entry.get("id"))
        if key is None or key in found:
            value = f"id {shown(entry.get('id'))}{' again' if key else ''}"
            problems.append(Problem(file, file, f"{name}[{position}]", value, "a unique id", "file quarantined"))
        else:
            found[key] = entry
    return found


def _names(entry: Mapping[str, Any], categories: Mapping[str, dict[str, Any]]) -> Any:
    return categories.get(key_of(entry.get("category_id")) or "", {}).get("keypoints") or []


def _signature(entry: Mapping[str, Any]) -> Any:
    attributes = entry.get("attributes")
    return attributes.get("reader") if isinstance(attributes, dict) else None


def _labelled_points(
    entry: Mapping[str, Any], categories: Mapping[str, dict[str, Any]], file: str, position: int, problems: list[Problem]
) -> list[LabelledPoint]:
    values = entry["keypoints"]
    names = _names(entry, categories)
    place = f"annotations[{position}].keypoints"
    if not isinstance(values, list) or len(values) % 3 or not isinstance(names, list):
        problems.append(Problem(file, file, place, shown(values), "a list of x, y, v for each point", "file quarantined"))
        return []
    if names and len(names) * 3 != len(values):
        found = f"{len(values) / 3:g} points"
        expected = f"{len(names)} points, the number of names in category {shown(entry.get('category_id'))}"
        problems.append(Problem(file, file, place, found, expected, "file quarantined"))
        return []
    labels = [key_of(name) or "" for name in names] or [str(number + 1) for number in range(len(values) // 3)]
    return [_labelled_point(label, *values[3 * i : 3 * i + 3]) for i, label in enumerate(labels)]


def _labelled_point(label: str, x: Any, y: Any, visibility: Any) -> LabelledPoint:
    if not is_coordinate(visibility) or visibility not in (0, 1, 2):
        return LabelledPoint(label, None, f"visibility {shown(visibility)}", "0 (missing), 1 or 2")
    return labelled_point(label, x, y, visible=visibility != 0)
