"""The readable formats by name, and the function that reads them."""

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
    """One readable format.

    Attributes:
        read: Reads a data set, given its path, the images' folder (if it is a separate one) and the user's options.
        recognises: Whether a path is in this format.
        layout: Expected files and folders, for messages.
        origin: Tools or pages that provide such data.
        images_apart: Whether the images may be in a separate folder.
        is_detected: Whether the format can be detected from the content; other formats must be named.
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
"""Formats by name, in the order of detection."""

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
        path: The data set's folder, or its file for formats of one file.
        format: A key of `FORMATS`; None: the format is detected.
        images: The images' folder, for formats that allow a separate folder.
        on_bad_item: `error` raises one error that lists the bad items; `quarantine` moves them to the quarantine table.
        exclude: Images (`image`) and points (`image/symbol`) to leave out.
        options: Information that the files lack: names of numbered points, columns of a sheet, the origin of coordinates.

    Returns:
        Tables; coordinates are in pixels of the original images, and NaN if a reader has no point.

    Raises:
        AnnotationError: unknown format, nothing to read, bad items (with `error`), or an exclusion of an unknown item.
    """
    root, folder = Path(path), Path(images) if images is not None else None
    chosen = options or ReadOptions()
    try:
        reading = _reading(root, format, folder, chosen)
    finally:
        forget_json()
    return validated(reading, str(root), on_bad_item=on_bad_item, exclude=exclude)


def _reading(root: Path, format: str | None, images: Path | None, chosen: ReadOptions) -> Reading:
    """The data set as parsed by the format's module.

    Raises:
        AnnotationError: unknown format, or nothing to read.
    """
    name = "table" if format is None and chosen.table is not None else _format_of(root, format)
    entry = FORMATS[name]
    if images is not None and not entry.images_apart:
        raise AnnotationError(
            f"format {name!r} requires its images in its own folder {root}; do not set `images` = {str(images)!r}."
        )
    if images is not None and not images.is_dir():
        found = "a file, not a folder of images" if images.exists() else "no such folder of images"
        raise AnnotationError(f"{images}: {found}. Name the folder that contains the images, at any depth.")
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
        raise AnnotationError(f"{root}: unknown format. Expected one of\n{layouts}\n{_DEMO}")
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
        f"Expected {name}: {entry.layout}. Source of such data: {entry.origin}. Put the data there, or set the folder with "
        f"`--params raw_folder=PATH`. {_DEMO}"
    )
