"""Recognised kinds of annotation files that are not supported: descriptions, reasons and ways to convert them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ceph_pipeline.errors import first_of
from ceph_pipeline.formats.entries import number
from ceph_pipeline.formats.files import UnreadableFileError, peek_json, read_json, read_xml, read_yaml, shown
from ceph_pipeline.formats.layout import visible_files
from ceph_pipeline.formats.places import PROBED, annotation_files
from ceph_pipeline.formats.sheets import read_sheet

_HEAD = 4096


@dataclass(frozen=True)
class _Kind:
    """One unsupported kind: how it is recognised, its description, and a way to convert it."""

    recognises: Callable[[Path, str], bool]
    what: str
    way_out: str


_TO_TABLE = "Write the points into a sheet, in pixels, and read the sheet as format table"

_KINDS = (
    _Kind(
        lambda file, _: file.suffix == ".cache",
        "Ultralytics' cache, a pickle file, which can execute arbitrary code when it is opened",
        "Read the original labels/*.txt as format yolo_pose",
    ),
    _Kind(
        lambda file, head: file.suffix.lower() == ".tps" or head.startswith("LM="),
        "a tps file, with numbered points without names and y upwards",
        f"{_TO_TABLE}, with `y_up: true` and `landmarks` in the file's order",
    ),
    _Kind(
        lambda file, head: file.suffix.lower() == ".fcsv" or head.startswith("# Markups fiducial file"),
        "3D Slicer's fiducials, in millimetres in patient coordinates (RAS flips both axes, LPS none)",
        f"{_TO_TABLE}: pixel = -x / spacing and -y / spacing for RAS, x / spacing and y / spacing for LPS",
    ),
    _Kind(
        lambda file, _: _json_has(file, lambda content: "markups" in content),
        "3D Slicer's markups, in millimetres in patient coordinates (RAS flips both axes, LPS none)",
        f"{_TO_TABLE}: pixel = -x / spacing and -y / spacing for RAS, x / spacing and y / spacing for LPS",
    ),
    _Kind(
        lambda file, head: head.startswith("Iout") or _json_has(file, _is_region),
        "an ImageJ region, with numbered points without names",
        "In ImageJ, use Measure, save the results as CSV, and read the file as format table, with `landmarks` in their order",
    ),
    _Kind(
        lambda file, _: (
            file.suffix.lower() == ".wceph" or _json_has(file, lambda content: "refs" in content and "data" in content)
        ),
        "a WebCeph workspace, whose points belong to the stored image, not to the flipped one",
        _TO_TABLE,
    ),
    _Kind(
        lambda file, head: head.startswith("#filename,file_size,file_attributes") or _is_via(file),
        "a VGG Image Annotator project, in which any attribute can be the name of a point",
        "In VIA 2, name the points and choose Annotation > Export annotations (COCO format), or read a CSV as format table",
    ),
    _Kind(
        lambda _, head: "landmark" in head[:40].lower() and '"dX"' in head[:400],
        "a table of the AAOF Legacy Collection: millimetres from Sella, x along Sella-Nasion, y upwards, for several ages",
        "These are shapes without an image, so they cannot be used for training",
    ),
    _Kind(
        lambda file, _: _json_has(file, lambda content: any("ruler_point" in str(key) for key in _first_value(content))),
        "pairs of ruler points without their distance in millimetres",
        "Write the points into a sheet with the columns image, p1_x, p1_y, p2_x, p2_y, and read the sheet as format table",
    ),
    _Kind(
        lambda _, head: head.startswith("[{") and '"data"' in head[:20] and '"type"' in head[:100],
        "points with numbers from 1 to 10 as in CephAdoAdu, without names",
        f"{_TO_TABLE}, with `landmarks` in the order of the numbers",
    ),
    _Kind(
        lambda file, head: file.suffix.lower() in {".dcm", ".dicom"} or head[128:132] == "DICM",
        "a DICOM image without points",
        "Name the folder with the annotations, in one of the formats above",
    ),
    _Kind(
        lambda file, _: file.suffix.lower() == ".mha",
        "a stack of images without points",
        "Name the folder with train-gt.json, and unpack the stack with `ceph_pipeline.formats.cl_detection.unpack_stack`",
    ),
    _Kind(
        lambda file, head: file.suffix.lower() == ".txt" and _is_rows(head, 8, " "),
        "rows of fractions as in YOLO-pose, whose number of points is defined only in the data set's YAML file",
        "Name the folder with the YAML file that contains `kpt_shape`",
    ),
    _Kind(
        lambda file, head: file.suffix.lower() == ".txt" and _is_rows(head, 2, ","),
        "lines `x,y` of one film as in ISBI 2015",
        "Name the folder with TrainingData and AnnotationsByMD",
    ),
    _Kind(
        lambda _, head: head.startswith("L1 ") and "\nL2 " in head,
        "lines `L1 x y` without names",
        f"{_TO_TABLE}, with `landmarks` in the order of the numbers. Equidistant points on a line are placeholders",
    ),
)


def _sheet_columns(path: Path) -> str | None:
    """Message for a sheet of unknown format."""
    try:
        header = read_sheet(path).header
    except UnreadableFileError as error:
        return f"{path}: {error}."
    columns = first_of([shown(name, 40) for name in header], 6)
    return (
        f"{path}: a sheet with the columns {columns}. Name them in `ingestion.reading.table`, and read the sheet as format table."
    )


def known_kind(path: Path) -> str | None:
    """Message for a file, or a folder with a file, of a recognised but unsupported kind; otherwise None."""
    files: Iterable[Path] = [path] if path.is_file() else islice(annotation_files(path, ("",)), PROBED) if path.is_dir() else ()
    for file in files:
        head = _head(file)
        if head is None:
            continue
        for kind in _KINDS:
            if kind.recognises(file, head):
                return f"{file}: {kind.what}. This kind of file is not supported. {kind.way_out}."
        if file.suffix.lower() in {".csv", ".tsv", ".xlsx", ".xlsm"}:
            return _sheet_columns(file)
    return None


def why_unreadable(path: Path) -> str | None:
    """Message for a file, or a folder with a file, that is damaged, empty or an archive; otherwise None."""
    files = [path] if path.is_file() else visible_files(path, (*_PARSERS, ".zip")) if path.is_dir() else []
    for file in files[:PROBED]:
        if file.suffix.lower() == ".zip":
            return f"{file.name}: an archive. Unpack it"
        if (parse := _PARSERS.get(file.suffix.lower())) is None:
            continue
        try:
            content = parse(file)
        except UnreadableFileError as error:
            return f"{file.name}: {error}"
        if content in ([], {}, None):
            return f"{file.name}: empty content, {shown(content)}"
    return None


_PARSERS: dict[str, Callable[[Path], Any]] = {
    ".json": read_json, ".xml": read_xml, ".yaml": read_yaml, ".yml": read_yaml, ".csv": read_sheet, ".xlsx": read_sheet,
}  # fmt: skip


def _head(file: Path) -> str | None:
    if not file.is_file():
        return None
    try:
        with file.open("rb") as stream:
            return stream.read(_HEAD).decode("latin-1")
    except OSError:
        return ""


def _json_has(file: Path, test: Callable[[dict[str, Any]], bool]) -> bool:
    content = peek_json(file) if file.suffix.lower() == ".json" else None
    return isinstance(content, dict) and test(content)


def _is_region(content: dict[str, Any]) -> bool:
    """Whether the JSON file is an ImageJ region written by read-roi."""
    return _first_value(content).get("type") == "point" and {"x", "y", "n"} <= set(_first_value(content))


def _is_rows(head: str, least: int, separator: str) -> bool:
    """Whether the first line has at least `least` numbers."""
    cells = head.partition("\n")[0].strip().split(separator)
    return len(cells) >= least and all(number(cell) is not None for cell in cells)


def _first_value(content: dict[str, Any]) -> dict[str, Any]:
    first = next(iter(content.values()), None)
    return first if isinstance(first, dict) else {}


def _is_via(file: Path) -> bool:
    return _json_has(
        file, lambda content: "_via_img_metadata" in content or {"filename", "regions"} <= set(_first_value(content))
    )
