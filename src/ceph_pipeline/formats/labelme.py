"""labelme: one JSON file per image, with the image's name.

    {"shapes": [{"label": "Sella", "points": [[x, y]], "shape_type": "point"}], "imagePath", "imageHeight", "imageWidth"}

A file belongs to the image with the same name. `imagePath` is not used for this, since it names other films in some public data
sets. Shapes other than points are skipped with a note.

Source: https://github.com/wkentaro/labelme.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ceph_pipeline.formats.annotations import Reading
from ceph_pipeline.formats.entries import as_size, entries_of, key_of
from ceph_pipeline.formats.files import peek_json, read_json, shown
from ceph_pipeline.formats.film import Film
from ceph_pipeline.formats.film_names import ImageFolder, file_path, stem
from ceph_pipeline.formats.films import assemble, assembly, split_of_folders
from ceph_pipeline.formats.labelled_points import LabelledPoint, labelled_point
from ceph_pipeline.formats.options import ReadOptions
from ceph_pipeline.formats.places import annotation_files, each_content, folder_of, recognises_any
from ceph_pipeline.formats.problems import Problem
from ceph_pipeline.formats.reader_names import ANNOTATOR

DATASET = "labelme"
LAYOUT = "one <image>.json per image, in the same or another folder, with 'shapes' of type point and 'imageWidth', 'imageHeight'"
ORIGIN = "labelme or `--pipelines export`"
_SUFFIXES = (".json",)


def recognises(path: Path) -> bool:
    """Whether a JSON file contains labelme's shapes."""
    return recognises_any(path, _SUFFIXES, _is_labelme)


def _is_labelme(file: Path) -> bool:
    content = peek_json(file)
    return isinstance(content, dict) and "shapes" in content and ("imagePath" in content or "imageHeight" in content)


def read_labelme(path: Path, images: Path | None, options: ReadOptions) -> Reading:
    """Read one labelme file, or all of a folder; other JSON files are skipped."""
    root = folder_of(path)
    folder = ImageFolder(images or root)
    films: list[Film] = []
    problems: list[Problem] = []
    elsewhere: list[str] = []
    for file, name, content in each_content(annotation_files(path, _SUFFIXES), root, read_json, LAYOUT, problems, one_image=True):
        if isinstance(content, dict) and "shapes" in content:
            films.append(_film(content, file.stem, name, folder, problems))
            if _names_another(content, file.stem, folder):
                elsewhere.append(f"{name} names {shown(content['imagePath'])}")
    if elsewhere:
        some = "; ".join(elsewhere[:3]) + ("; …" if len(elsewhere) > 3 else "")
        found = f"a different existing image in {len(elsewhere)} of {len(films)} files: {some}"
        problems.append(Problem(".", ".", "imagePath", found, "the image with the file's name, which takes precedence", "kept"))
    return assemble(films, folder, assembly(DATASET, options), problems)


def _film(content: Mapping[str, Any], name: str, file: str, folder: ImageFolder, problems: list[Problem]) -> Film:
    image = _image_name(content, name, folder)
    labelled: list[LabelledPoint] = []
    others: Counter[str] = Counter()
    for _, shape in entries_of(content, "shapes", file, problems):
        kind = shape.get("shape_type", "point")
        if kind != "point":
            others[kind if isinstance(kind, str) else shown(kind, 20)] += 1
            continue
        labelled.append(_labelled_point(key_of(shape.get("label")) or "", shape.get("points")))
    if others:
        found = ", ".join(f"{count} {kind}" for kind, count in sorted(others.items()))
        problems.append(Problem(image, file, "shapes", found, "points; other shapes are skipped", "kept"))
    return Film(
        name=image,
        file=file,
        place="shapes",
        labelled={ANNOTATOR: labelled},
        size=as_size(content.get("imageWidth"), content.get("imageHeight")),
        split=split_of_folders(str(PurePosixPath(file).parent)),
    )


def _labelled_point(label: str, points: Any) -> LabelledPoint:
    if isinstance(points, list) and len(points) == 1 and isinstance(points[0], list) and len(points[0]) == 2:
        return labelled_point(label, *points[0])
    return LabelledPoint(label, None, shown(points), "one pair [x, y]")


def _image_name(content: Mapping[str, Any], name: str, folder: ImageFolder) -> str:
    """The file's name with the suffix of `imagePath`, for films without an image."""
    if name in folder.stems:
        return name
    image = content.get("imagePath")
    return name + PurePosixPath(file_path(image)).suffix if isinstance(image, str) else name


def _names_another(content: Mapping[str, Any], name: str, folder: ImageFolder) -> bool:
    image = content.get("imagePath")
    other = stem(file_path(image)) if isinstance(image, str) else name
    return other not in (name, stem(name)) and other in folder.stems
