"""The writable formats, under the names used for reading, and the function that writes them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from ceph_pipeline.artifacts import make_folder, replace_folder, scratch_beside
from ceph_pipeline.formats.layout import IMAGE_SUFFIXES
from ceph_pipeline.formats.problems import AnnotationError
from ceph_pipeline.formats.writers import aariz, coco, label_studio, labelme, plain_json, table, yolo_pose
from ceph_pipeline.formats.writers.point_set import LOCAL_FILES, PointSet, point_set
from ceph_pipeline.formats.writers.selection import MARK


@dataclass(frozen=True)
class AnnotationWriter:
    """One writable format.

    Attributes:
        files: Returns name and content of each file, given the points.
        films: Folder of copied images; may contain `{split}`.
        holds_readers: Whether the format supports several readers per film.
    """

    files: Callable[[PointSet], Iterator[tuple[str, str]]]
    films: str
    holds_readers: bool = True


WRITERS = {
    "aariz": AnnotationWriter(aariz.aariz_files, aariz.FILMS),
    "coco": AnnotationWriter(coco.coco_files, coco.FILMS),
    "json": AnnotationWriter(plain_json.json_files, plain_json.FILMS),
    "label_studio": AnnotationWriter(label_studio.label_studio_files, label_studio.FILMS),
    "labelme": AnnotationWriter(labelme.labelme_files, labelme.FILMS, holds_readers=False),
    "table": AnnotationWriter(table.table_files, table.FILMS),
    "yolo_pose": AnnotationWriter(yolo_pose.yolo_pose_files, yolo_pose.FILMS, holds_readers=False),
}


def write(
    folder: Path,
    format: str,
    images: pd.DataFrame,
    points: pd.DataFrame,
    *,
    cvm: pd.DataFrame | None = None,
    films: Path | None = None,
    image_address: str = LOCAL_FILES,
) -> PointSet:
    """Write points in a format that `ceph_pipeline.formats.read` can read (except `json`, which is for other programs).

    The folder is written atomically and replaces an existing folder of the same name. If the process is killed during the
    replacement, the next write restores the earlier folder.

    Args:
        folder: Output folder.
        format: A key of `WRITERS`.
        images: Rows of an `ImageTable`; only images with points are written.
        points: Rows `image_id, reader, landmark, x, y`, in pixels of the original image, and `sigma_px` if there is one.
        cvm: Rows of a `CvmTable`, for formats with CVM stages.
        films: The folder to which paths in the images table are relative. Images are copied unchanged, and their identifiers
            become the file names. None: only annotations are written, with the paths of the images table.
        image_address: Label Studio's address of an image, with `{path}` for the path.

    Returns:
        The written points.

    Raises:
        AnnotationError: the format does not support the landmarks or readers, there are no points, or an image is missing.
        FolderError: another process is writing to the folder.
        DiskError: the folder is not writable.
    """
    writer = WRITERS[format]
    files = _copied_names(images, writer) if films else None
    content = point_set(images, points, cvm, files=files, image_address=image_address)
    _require_writable(content, format, writer)
    with scratch_beside(folder) as temporary:
        for name, text in (*writer.files(content), (MARK, f"{format}\n")):
            _write_inside(temporary, name, text)
        if films is not None:
            _copy_films(content, dict(zip(images["image_id"], images["path"], strict=True)), films, temporary)
        replace_folder(folder, temporary)
    return content


def _copied_names(images: pd.DataFrame, writer: AnnotationWriter) -> dict[str, str]:
    """File names of copied images, made from their identifiers, which are safe and unique."""
    columns = (images[name] for name in ("image_id", "path", "split"))
    return {
        image_id: f"{writer.films.format(split=split)}/{image_id}{_suffix(path)}"
        for image_id, path, split in zip(*columns, strict=True)
    }


def _suffix(path: str) -> str:
    """Suffix of an image's file; a file without an image suffix is DICOM, whose names are often numbers with dots."""
    suffix = PurePosixPath(path).suffix.lower()
    return suffix if suffix in IMAGE_SUFFIXES else ".dcm"


def _require_writable(content: PointSet, format: str, writer: AnnotationWriter) -> None:
    if not content.films:
        raise AnnotationError(f"nothing to write as {format}: no image of the images table has a point.")
    if len(content.readers) > 1 and not writer.holds_readers:
        raise AnnotationError(
            f"{format} supports one reader per image; found {', '.join(content.readers)}. Choose one with `export.readers`."
        )


def _write_inside(folder: Path, name: str, text: str) -> None:
    """Write a file and check that its name, which comes from an image's path, does not lead out of the folder."""
    target = folder / name
    if not Path(os.path.realpath(target)).is_relative_to(os.path.realpath(folder)):  # `resolve` fails on loops of links
        raise AnnotationError(f"{name!r} leads out of the folder; paths of images must stay inside their folder.")
    if target.exists():
        raise AnnotationError(
            f"two images would have the same annotation file, {name!r}. Rename one of them, use another format, or let the "
            "pipeline export copy the images under their unique identifiers: `export.copy_films=true`."
        )
    make_folder(target.parent)
    target.write_text(text, encoding="utf-8", newline="")


def _copy_films(content: PointSet, paths: Mapping[str, str], films: Path, folder: Path) -> None:
    for film in content.films:
        target = folder / film.file
        make_folder(target.parent)
        try:
            shutil.copyfile(films / paths[film.image_id], target)
        except OSError as error:
            raise AnnotationError(
                f"{films / paths[film.image_id]}: cannot be copied ({error.strerror}). Write only the annotations with "
                "`export.copy_films=false`."
            ) from None
