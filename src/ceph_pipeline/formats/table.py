"""Any CSV file or Excel sheet, with its columns named in the configuration: `ingestion.reading.table`, see `TableOptions`."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.formats.annotations import MISSING, Point, Reading
from ceph_pipeline.formats.entries import PIXEL_SIZE, as_size
from ceph_pipeline.formats.files import UnreadableFileError, shown
from ceph_pipeline.formats.film import ONE_OF_EACH, Film, contradictions, put_together
from ceph_pipeline.formats.film_names import ImageFolder, file_path
from ceph_pipeline.formats.films import ToPixels, assemble, assembly, split_of, split_of_folders
from ceph_pipeline.formats.labelled_points import LabelledPoint, labelled_point
from ceph_pipeline.formats.layout import SPLIT_NAMES
from ceph_pipeline.formats.options import ReadOptions, TableOptions
from ceph_pipeline.formats.places import annotation_files, folder_of
from ceph_pipeline.formats.problems import AnnotationError, Problem
from ceph_pipeline.formats.reader_names import ANNOTATOR, ReaderNames
from ceph_pipeline.formats.sheets import ABSENT, SUFFIXES, Sheet, read_sheet
from ceph_pipeline.landmarks.geometry import Size

DATASET = "table"
LAYOUT = (
    "one <name>.csv, .tsv, .txt or .xlsx with the columns of `ingestion.reading.table`, "
    "and the images in the same folder or below"
)
ORIGIN = "a spreadsheet or `--pipelines export`"
TIDY_COLUMNS = (
    "image_id",
    "image",
    "split",
    "width",
    "height",
    "pixel_size_mm",
    "reader",
    "landmark",
    "symbol",
    "x",
    "y",
    "sigma_px",
)
"""Header of the sheets that this project writes, which need no configuration."""
TIDY = TableOptions(
    x="x", y="y", **{name: name for name in ("image", "landmark", "reader", "split", "pixel_size_mm", "width", "height")}
)


@dataclass(frozen=True)
class _Columns:
    """Positions of a sheet's columns; columns of points are listed by label (in a long sheet the label has its own column)."""

    image: int
    points: dict[str, tuple[int, int]]
    landmark: int | None
    reader: int | None
    split: int | None
    pixel_size: int | None
    size: tuple[int, int] | None


def recognises(path: Path) -> bool:
    """Whether there is any sheet; this format is never detected and must be named."""
    return any(True for _ in _sheets(path)) if path.exists() else False


def read_table(path: Path, images: Path | None, options: ReadOptions) -> Reading:
    """Read one sheet, or all sheets of a folder.

    Raises:
        AnnotationError: a sheet lacks a configured column.
    """
    table = options.table or TableOptions()
    how = assembly(DATASET, options, to_pixels=to_pixels(table, options.first_pixel))
    root = folder_of(path)
    films, problems = films_of_sheets(_sheets(path), root, lambda sheet: options.table or _table_of(sheet))
    return assemble(films, ImageFolder(images or root), how, problems)


def _table_of(sheet: Sheet) -> TableOptions:
    """Columns of a sheet without configuration: this project's own, or a wide sheet with the default names."""
    return TIDY if sheet.header == TIDY_COLUMNS else TableOptions()


def films_of_sheets(
    files: Iterable[Path], root: Path, table_of: Callable[[Sheet], TableOptions], reader: Callable[[str], str] | None = None
) -> tuple[list[Film], list[Problem]]:
    """Films and problems of sheets; used by all formats that consist of sheets.

    Args:
        files: The sheets.
        root: The data set's folder.
        table_of: Returns the columns of a sheet.
        reader: Returns the reader of a sheet without a column of readers, given its path.
    """
    films: list[Film] = []
    problems: list[Problem] = []
    readers = ReaderNames()
    for file in files:
        name = file.relative_to(root).as_posix()
        try:
            sheet, table = _open(file, root, table_of)
            columns = _columns(sheet, table)
        except UnreadableFileError as error:
            raise AnnotationError(f"{file}: {error}.") from None
        problems += [Problem(name, name, *note, "kept") for note in sheet.notes]
        films += _films(sheet, columns, table, name, problems, reader(name) if reader else ANNOTATOR, readers)
    return films, problems


def _open(file: Path, root: Path, table_of: Callable[[Sheet], TableOptions]) -> tuple[Sheet, TableOptions]:
    """The sheet, read with its table options; in formats with a fixed header, these depend on the sheet itself."""
    how = table_of(Sheet((), ()))
    sheet = read_sheet(
        file, root, separator=how.separator, decimal_comma=how.decimal_comma, encoding=how.encoding, sheet=how.sheet
    )
    return sheet, table_of(sheet)


def to_pixels(table: TableOptions, first_pixel: float) -> ToPixels:
    """Conversion of a sheet's coordinates to pixels, y downwards."""

    def convert(point: Point, size: Size, pixel_size_mm: float) -> Point:
        x, y = point
        if table.unit == "mm":
            y = -y if table.y_up else y
            return table.origin_px[0] + x / pixel_size_mm, table.origin_px[1] + y / pixel_size_mm
        return x - first_pixel, size[1] - y if table.y_up else y - first_pixel

    return convert


def _sheets(path: Path) -> Iterator[Path]:
    if path.is_dir():
        return (
            file for file in annotation_files(path, tuple(suffix for suffix in SUFFIXES if suffix != ".txt")) if file.is_file()
        )
    return iter([path] if path.suffix.lower() in SUFFIXES else [])


def _columns(sheet: Sheet, table: TableOptions) -> _Columns:
    def position(name: str) -> int:
        found = sheet.column(name)
        if found is None:
            raise UnreadableFileError(
                f"no column {name!r}; found {_listed(sheet)}. Name the columns in `ingestion.reading.table`"
            )
        return found

    def optional(name: str | None) -> int | None:
        return None if name is None else position(name)

    size = table.pixel_size_mm
    points = {"": (position(table.x), position(table.y))} if table.landmark else _wide(sheet, table)
    if not points:
        raise UnreadableFileError(
            f"no pair of columns {table.x!r} and {table.y!r}; found {_listed(sheet)}. "
            "Name the columns in `ingestion.reading.table`"
        )
    return _Columns(
        position(table.image),
        points,
        optional(table.landmark),
        optional(table.reader),
        optional(table.split),
        position(size) if isinstance(size, str) else None,
        (position(table.width), position(table.height)) if table.width and table.height else None,
    )


def _listed(sheet: Sheet) -> str:
    """The header and its line, for messages."""
    names = ", ".join(shown(name, 40) for name in sheet.header[:8])
    more = f" and {len(sheet.header) - 8} more" if len(sheet.header) > 8 else ""
    of_several = "".join(f" of {note.found}" for note in sheet.notes if note.field == "sheet")
    return f"{names}{more} in line {sheet.header_line}{of_several}, which is used as the header"


def _wide(sheet: Sheet, table: TableOptions) -> dict[str, tuple[int, int]]:
    """Columns of x and y by label, in the sheet's order.

    Raises:
        UnreadableFileError: a column occurs twice, or a column of x has no column of y.
    """
    pattern = re.compile(re.escape(" ".join(table.x.split())).replace(r"\{landmark\}", "(?P<landmark>.+)"))
    found: dict[str, tuple[int, int]] = {}
    for column in sheet.header:
        match = pattern.fullmatch(column)
        if match is None:
            continue
        label = match["landmark"]
        y = table.y.replace("{landmark}", label)
        first, second = sheet.column(column), sheet.column(y)
        if first is None or second is None:
            raise UnreadableFileError(f"column {column!r} requires a column {y!r}")
        found[label] = (first, second)
    return found


def _films(
    sheet: Sheet, columns: _Columns, table: TableOptions, file: str, problems: list[Problem], annotator: str, readers: ReaderNames
) -> Iterator[Film]:
    """One film per image, merged from its rows; in a wide sheet, two rows of one image and reader are a repetition."""
    labelled: dict[tuple[str, int], dict[str, list[LabelledPoint]]] = defaultdict(lambda: defaultdict(list))
    first: dict[tuple[str, int], Film] = {}
    for line, cells in sheet.rows:
        name = file_path(cells[columns.image])
        place = f"line {line}"
        if wrong := _wrong(sheet, cells, columns, table, name):
            problems.append(Problem(name or file, file, place, *wrong, "file quarantined"))
            continue
        pixel_size_mm = _pixel_size(sheet, cells, columns, table)
        reader = readers.of(cells[columns.reader] if columns.reader is not None else None, annotator)
        again = 0
        if columns.landmark is None:
            while reader in labelled.get((name, again), {}):
                again += 1
        key = (name, again)
        split, size = _split(cells, columns, name, file), _size(sheet, cells, columns)
        row = Film(name, file, place, {}, size, split=split, pixel_size_mm=pixel_size_mm)
        entries = [first[key], row] if key in first else [row]
        if contradiction := contradictions(entries, relative=False):
            problems.append(Problem(name, file, place, contradiction, ONE_OF_EACH, "file quarantined"))
            continue
        first[key] = put_together(entries)
        labelled[key][reader] += (replace(point, place=place) for point in _labelled_points(sheet, cells, columns))
    for key, film in first.items():
        yield replace(film, labelled=dict(labelled[key]))


def _wrong(sheet: Sheet, cells: tuple[str, ...], columns: _Columns, table: TableOptions, name: str) -> tuple[str, str] | None:
    """The found and expected texts if a row has an unusable value other than a point."""
    if not name:
        return "no image", "an image in every row; merged cells contain a value only in their first row"
    if columns.split is not None and (said := cells[columns.split].strip()) and said.lower() not in SPLIT_NAMES:
        return f"split {shown(said)}", "train, valid or test"
    try:
        pixel_size_mm = _pixel_size(sheet, cells, columns, table)
    except InvalidValueError as error:
        return f"pixel size {error}", PIXEL_SIZE
    if table.unit == "mm" and math.isnan(pixel_size_mm):
        return "no pixel size", "a pixel size, since the points are in mm"
    return None


_DECIMAL_COMMA = ", without points that could be thousands separators"
_DECIMAL_POINT = ", with decimal points; set `ingestion.reading.table.decimal_comma: true` if commas are decimal"


def _labelled_points(sheet: Sheet, cells: tuple[str, ...], columns: _Columns) -> Iterator[LabelledPoint]:
    for label, (x, y) in columns.points.items():
        named = cells[columns.landmark] if columns.landmark is not None else label
        absent = [cells[column].strip().lower() in ABSENT for column in (x, y)]
        numbers = [sheet.number(cells[column]) for column in (x, y)]
        if all(absent):
            yield LabelledPoint(named, MISSING)
        elif None in numbers:
            hint = _DECIMAL_COMMA if sheet.decimal_comma else _DECIMAL_POINT if "," in cells[x] + cells[y] else ""
            yield LabelledPoint(named, None, shown([cells[x], cells[y]]), f"finite numbers x and y{hint}")
        else:
            yield labelled_point(named, *numbers)


def _split(cells: tuple[str, ...], columns: _Columns, name: str, file: str) -> str | None:
    if columns.split is not None:
        return SPLIT_NAMES.get(cells[columns.split].strip().lower())
    return split_of(file) or split_of_folders(str(PurePosixPath(name).parent))


def _size(sheet: Sheet, cells: tuple[str, ...], columns: _Columns) -> Size | None:
    return as_size(*(sheet.number(cells[position]) for position in columns.size)) if columns.size else None


def _pixel_size(sheet: Sheet, cells: tuple[str, ...], columns: _Columns, table: TableOptions) -> float:
    if columns.pixel_size is None:
        return float(table.pixel_size_mm) if isinstance(table.pixel_size_mm, float | int) else math.nan
    return sheet.pixel_size(cells[columns.pixel_size])
