"""The formats that can be read, by name, and the one way to read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ceph_pipeline.errors import did_you_mean
from ceph_pipeline.formats import (
    aariz,
    cl_detection,
    coco,
    cvat,
    isbi2015,
    isbi2015_csv,
    label_studio,
    labelme,
    table,
    yolo_pose,
)
from ceph_pipeline.formats.annotations import Annotations, Reading
from ceph_pipeline.formats.files import forget_json
from ceph_pipeline.formats.options import ReadOptions
from ceph_pipeline.formats.problems import AnnotationError, OnBadItem
from ceph_pipeline.formats.unread import known_kind, why_unreadable
from ceph_pipeline.formats.validation import validated

_Read = Callable[[Path, Path | None, ReadOptions], Reading]


@dataclass(frozen=True)
class AnnotationFormat:
    """One format.

    Attributes:
        read: From the data set's path, the images' folder, if that is another one, and the user's options to what is there.
        recognises: Whether a path looks like this format.
        layout: What is expected where, for messages.
        origin: Where such data comes from.
        images_apart: Whether the images may lie in a folder of their own.
        is_detected: Whether it can be told from a path's content; other formats have to be named.
    """

    read: _Read
    recognises: Callable[[Path], bool]
    layout: str
    origin: str
    images_apart: bool = True
    is_detected: bool = True


def _format(module: ModuleType, read: _Read, *, images_apart: bool = True, is_detected: bool = True) -> AnnotationFormat:
    return AnnotationFormat(read, module.recognises, module.LAYOUT, module.ORIGIN, images_apart, is_detected)


FORMATS = {
    "aariz": _format(aariz, aariz.read_aariz, images_apart=False),
    "isbi2015": _format(isbi2015, isbi2015.read_isbi2015, images_apart=False),
    "isbi2015_csv": _format(isbi2015_csv, isbi2015_csv.read_isbi2015_csv),
    "cl_detection": _format(cl_detection, cl_detection.read_cl_detection),
    "label_studio": _format(label_studio, label_studio.read_label_studio),
    "coco": _format(coco, coco.read_coco),
    "yolo_pose": _format(yolo_pose, yolo_pose.read_yolo_pose),
    "labelme": _format(labelme, labelme.read_labelme),
    "cvat": _format(cvat, cvat.read_cvat),
    "table": _format(table, table.read_table, is_detected=False),
}
"""Formats by name, in the order in which they are looked for."""

_DEMO = "To try the project without data: `kedro run --env demo --pipelines demo`."


def read(
    path: Path | str,
    format: str | None = None,
    *,
    images: Path | str | None = None,
    on_bad_item: OnBadItem = "error",
    exclude: Sequence[str] = (),
    options: ReadOptions | None = None,
) -> Annotations:
    """Read an annotated data set.

        annotations = read("data/01_raw/aariz")
        annotations.landmarks.query("reader == 'senior'")

    Args:
        path: The data set's folder, or its file for formats that are one.
        format: A key of `FORMATS`; None looks at the content.
        images: The images' folder, for formats that may keep them apart.
        on_bad_item: `error` raises one error that lists the bad items; `quarantine` sets them aside.
        exclude: Images (`image`) and points (`image/symbol`) to leave out.
        options: What the files do not say: names of numbered points, columns of a sheet, where coordinates begin.

    Returns:
        Tables; coordinates in pixels of the original images, NaN where a reader has no point.

    Raises:
        AnnotationError: unknown format, nothing to read, bad items (under `error`), or an exclusion that names nothing.
    """
    root, folder = Path(path), Path(images) if images is not None else None
    chosen = options or ReadOptions()
    try:
        reading = _reading(root, format, folder, chosen)
    finally:
        forget_json()
    return validated(reading, str(root), on_bad_item=on_bad_item, exclude=exclude)


def _reading(root: Path, format: str | None, images: Path | None, chosen: ReadOptions) -> Reading:
    """What the format's module finds.

    Raises:
        AnnotationError: unknown format, or nothing to read.
    """
    name = "table" if format is None and chosen.table is not None else _format_of(root, format)
    entry = FORMATS[name]
    if images is not None and not entry.images_apart:
        raise AnnotationError(
            f"format {name!r} has its images in its own folder {root}; `images` = {str(images)!r} has no meaning."
        )
    if images is not None and not images.is_dir():
        found = "a file, and no folder of images" if images.exists() else "no such folder of images"
        raise AnnotationError(f"{images}: {found}. Name the folder that holds them, at any depth.")
    _require_content(root, name, entry)
    reading = entry.read(root, images, chosen)
    if reading.images.empty and not reading.problems:
        raise AnnotationError(f"{root}: no cephalograms. {_expectation(name, entry)}")
    return reading


def _format_of(root: Path, format: str | None) -> str:
    if format is None:
        return _recognised(root)
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS, cutoff=0.4)
        raise AnnotationError(f"unknown format {format!r}; expected one of {', '.join(FORMATS)}.{hint}")
    return format


def _recognised(root: Path) -> str:
    if not root.exists():
        raise AnnotationError(f"{root}: no such file or folder. {_DEMO}")
    found = next((name for name, entry in FORMATS.items() if entry.is_detected and entry.recognises(root)), None)
    if found is None:
        kind = known_kind(root)
        if kind is not None:
            raise AnnotationError(kind)
        layouts = "\n".join(f"  {name}: {entry.layout}" for name, entry in FORMATS.items())
        raise AnnotationError(f"{root}: in no format that is known. Expected one of\n{layouts}\n{_DEMO}")
    return found


def _require_content(root: Path, name: str, entry: AnnotationFormat) -> None:
    if entry.recognises(root):
        return
    if not root.exists():
        state = "no such file or folder."
    elif root.is_dir() and not any(root.iterdir()):
        state = "the folder is empty."
    else:
        because = why_unreadable(root)
        state = f"not in the layout of {name}{f' ({because})' if because else ''}."
    nested = [inner for inner in sorted(root.iterdir()) if entry.recognises(inner)] if root.is_dir() else []
    hint = f"Did you mean {nested[0]}? " if nested else ""
    raise AnnotationError(f"{root}: {state} {hint}{_expectation(name, entry)}")


def _expectation(name: str, entry: AnnotationFormat) -> str:
    return (
        f"Expected {name}: {entry.layout}. It is to be had from {entry.origin}; put it there, or point the run to it with "
        f"`--params raw_folder=PATH`. {_DEMO}"
    )
