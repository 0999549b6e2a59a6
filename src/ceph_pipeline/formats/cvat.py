"""CVAT for images 1.1: one XML file with all images; points, and skeletons of points.

    <annotations><image name="a.png" width="…" height="…">
      <points label="Sella" points="12.5,30.25"/>
      <skeleton label="face"><points label="Sella" outside="0" points="12.5,30.25"/>…</skeleton>

`outside="1"` is a missing point, whatever its coordinates. Several points with the same label are numbered in their order, and
`ingestion.reading.landmarks` names the numbers. The task's owner and e-mail address in `<meta>` are never read.

Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from ceph_pipeline.formats.annotations import Reading
from ceph_pipeline.formats.entries import as_size, number
from ceph_pipeline.formats.files import UnreadableFileError, decode, read_xml, shown
from ceph_pipeline.formats.film import Film
from ceph_pipeline.formats.film_names import ImageFolder, file_path
from ceph_pipeline.formats.films import assemble, assembly, split_of_folders
from ceph_pipeline.formats.labelled_points import LabelledPoint, labelled_point
from ceph_pipeline.formats.options import ReadOptions
from ceph_pipeline.formats.places import annotation_files, each_content, folder_of, recognises_any
from ceph_pipeline.formats.problems import AnnotationError, Problem
from ceph_pipeline.formats.reader_names import ANNOTATOR

DATASET = "cvat"
LAYOUT = "one annotations.xml of the export 'CVAT for images 1.1', and the images in the same folder or below"
ORIGIN = "CVAT: Export task dataset, CVAT for images 1.1"
_SUFFIXES = (".xml",)


def recognises(path: Path) -> bool:
    """Whether an XML file begins with CVAT's root element."""
    return recognises_any(path, _SUFFIXES, _is_cvat)


def _is_cvat(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return "<annotations" in decode(stream.read(1024), "latin-1")[0]
    except (OSError, UnreadableFileError):
        return False


def read_cvat(path: Path, images: Path | None, options: ReadOptions) -> Reading:
    """Read one export, or all exports of a folder.

    Raises:
        AnnotationError: the file is an export for video, whose frames have no names.
    """
    root = folder_of(path)
    films: list[Film] = []
    problems: list[Problem] = []
    for file, name, content in each_content(annotation_files(path, _SUFFIXES), root, read_xml, LAYOUT, problems):
        if content.tag != "annotations":
            continue
        if content.find("track") is not None:
            raise AnnotationError(
                f"{file}: an export 'CVAT for video', whose frames have no names. Export as 'CVAT for images 1.1'."
            )
        films += [_film(image, name) for image in content.iterfind("image")]
    return assemble(films, ImageFolder(images or root), assembly(DATASET, options), problems)


def _film(image: Element, file: str) -> Film:
    name = file_path(image.get("name", ""))
    place = f"image {shown(image.get('id', ''))}"
    parts = PurePosixPath(name).parts[:-1]
    labelled = _labelled_points(image)
    return Film(
        name=name,
        file=file,
        place=place,
        labelled={ANNOTATOR: labelled},
        size=as_size(image.get("width"), image.get("height")),
        split=split_of_folders(image.get("subset", "")) or split_of_folders("/".join(parts)),
        ordered=len(labelled) if _is_unnamed(image) else None,
    )


def _labels(image: Element) -> list[tuple[str, bool, str]]:
    """(label, visible, 'x,y') of the image's points and of its skeletons' points."""
    return [
        (points.get("label", ""), points.get("outside") != "1", pair)
        for points in (*image.iterfind("points"), *image.iterfind("skeleton/points"))
        for pair in points.get("points", "").split(";")
    ]


def _is_unnamed(image: Element) -> bool:
    """Whether there are several points and all have the same label, so that only their order identifies them."""
    labels = [label for label, _, _ in _labels(image)]
    return len(labels) > 1 and len(set(labels)) == 1


def _labelled_points(image: Element) -> list[LabelledPoint]:
    is_unnamed = _is_unnamed(image)
    return [
        _labelled_point(str(position) if is_unnamed else label, pair, visible)
        for position, (label, visible, pair) in enumerate(_labels(image), start=1)
    ]


def _labelled_point(label: str, pair: str, visible: bool) -> LabelledPoint:
    numbers = [number(part) for part in pair.split(",")]
    if len(numbers) != 2 or None in numbers:
        return LabelledPoint(label, None, shown(pair), "'x,y'")
    return labelled_point(label, *numbers, visible=visible)
