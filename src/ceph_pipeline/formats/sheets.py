"""Rows of CSV files and Excel sheets, in the usual variants of separators, decimal commas and encodings."""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ceph_pipeline.errors import InvalidValueError, install_hint
from ceph_pipeline.formats.entries import as_pixel_size, number
from ceph_pipeline.formats.files import UnreadableFileError, decode, read_bytes, shown

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls")
_WORKBOOK, _OLD_WORKBOOK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
"""First bytes of Excel files, which may have any name: .xlsx is a zip archive, .xls a compound file."""
_DECIMAL_COMMA = re.compile(r"(?<![\d,.])[-+]?(?!(?:[1-9]\d{0,2}),\d{3}(?!\d))\d+,\d+(?![\d,.])")
"""Numbers with a comma that cannot be a thousands separator: `1,5`, `0,125` and `1234,567`, but not `1,234`."""
_SEPARATORS = (",", ";", "\t", "|")
MAX_UNPACKED = 256 * 1024 * 1024
"""Largest unpacked size in bytes of an Excel file, which is a zip archive."""
MAX_ROWS = 2_000_000
ABSENT = ("", "nan", "na", "n/a", "none", "null", "-")
"""Cells that stand for a missing value."""


class Note(NamedTuple):
    """An assumption about a sheet, which may be wrong.

    Attributes:
        field: Subject of the assumption.
        found: The assumed value.
        expected: An unambiguous value.
    """

    field: str
    found: str
    expected: str


@dataclass(frozen=True)
class Sheet:
    """A header and its rows, all cells as text.

    Attributes:
        header: Names of the columns, with single ordinary blanks.
        rows: (line in the file, cells); shorter rows are filled with empty cells.
        decimal_comma: Whether `1,5` is one and a half.
        notes: Assumptions, e.g. a guessed encoding, or the other sheets of a workbook.
        header_line: Line of the header, the first line that is not empty.
    """

    header: tuple[str, ...]
    rows: Sequence[tuple[int, tuple[str, ...]]]
    decimal_comma: bool = False
    notes: tuple[Note, ...] = ()
    header_line: int = 1

    def column(self, name: str) -> int | None:
        """Position of a column, or None if there is no column of that name.

        Raises:
            UnreadableFileError: there are several columns of that name.
        """
        wanted = " ".join(name.split())
        found = [position for position, column in enumerate(self.header) if column == wanted]
        if len(found) > 1:
            raise UnreadableFileError(f"column {wanted!r} occurs {len(found)} times")
        return found[0] if found else None

    def number(self, cell: str) -> float | None:
        """A cell as a number, or None if it is not a number."""
        return number(cell, decimal_comma=self.decimal_comma)

    def pixel_size(self, cell: str) -> float:
        """A cell as millimetres per pixel; NaN (unknown) if it is empty or 0.

        Raises:
            ValueError: the value is not a valid pixel size (`entries.PIXEL_SIZE`); the message contains only the value.
        """
        if cell.strip().lower() in ABSENT:
            return math.nan
        value = self.number(cell)
        try:
            return as_pixel_size(math.nan if value is None else value)
        except InvalidValueError:
            raise InvalidValueError(shown(cell.strip())) from None


def read_sheet(
    path: Path,
    root: Path | None = None,
    *,
    separator: str | None = None,
    decimal_comma: bool | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
) -> Sheet:
    """Read a sheet with a header.

    Args:
        path: A text file, or an Excel workbook (requires the extra `excel`); the suffix of its name is ignored.
        root: Folder that must contain the file.
        separator: Separator of columns; None: the most frequent one in the first line.
        decimal_comma: None: yes if columns are not separated by commas and a number has a comma that cannot be a thousands
            separator.
        encoding: None: from the byte-order mark, otherwise UTF-8, otherwise cp1252, which Excel writes on Windows.
        sheet: Name of an Excel sheet; None: the first.

    Raises:
        UnreadableFileError: the file is invalid or empty, or a row has more cells than the header.
    """
    content = read_bytes(path, root)
    if content.startswith(_OLD_WORKBOOK):
        raise UnreadableFileError("an Excel workbook in the old format (.xls). Save it as .xlsx or CSV")
    if content.startswith(_WORKBOOK) or path.suffix.lower() in (".xlsx", ".xlsm"):
        comma = bool(decimal_comma)
        names, cells = _excel_rows(content, sheet, comma)
        several = f"{shown(names[0])}, the first of {len(names)} sheets: {', '.join(map(shown, names[:5]))}"
        notes = (Note("sheet", several, "`ingestion.reading.table.sheet`"),) if sheet is None and len(names) > 1 else ()
        return _filled(cells, decimal_comma=comma, notes=notes)
    text, used = (_decoded(content, encoding), encoding) if encoding else decode(content, fallback="cp1252")
    notes = () if used in ("utf-8", encoding) else (Note("encoding", f"{used}, as written by Excel", "utf-8"),)
    between = separator or _separator(text)
    comma = between != "," and bool(_DECIMAL_COMMA.search(text)) if decimal_comma is None else decimal_comma
    return _filled(_csv_rows(text, between), decimal_comma=comma, notes=notes)


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError) as error:
        raise UnreadableFileError(f"not in the configured encoding {encoding!r} ({error})") from None


def _separator(text: str) -> str:
    """The separator: from Excel's `sep=;` line, otherwise the most frequent one in the first line."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lower().startswith("sep=") and len(first) > 4:
        return first[4]
    outside = "".join(part for position, part in enumerate(first.split('"')) if position % 2 == 0)
    return max(_SEPARATORS, key=outside.count)


def _csv_rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in reader:
            if not (len(row) <= 2 and row and row[0].lower().startswith("sep=")):
                yield reader.line_num, row
    except csv.Error as error:
        raise UnreadableFileError(f"invalid CSV ({error} in line {reader.line_num})") from None


def _excel_rows(content: bytes, sheet: str | None, decimal_comma: bool) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Names of the workbook's sheets, and the rows of the named sheet (by default the first)."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise UnreadableFileError(
            f"reading Excel files requires openpyxl: save the sheet as CSV, or {install_hint('excel')}"
        ) from None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_UNPACKED:
            raise UnreadableFileError(f"the unpacked workbook has {unpacked:,} bytes, but the limit is {MAX_UNPACKED:,}")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        if sheet is not None and sheet not in book.sheetnames:
            raise UnreadableFileError(f"no sheet {sheet!r}; the workbook has {', '.join(book.sheetnames)}")
        values = enumerate(book[sheet or book.sheetnames[0]].iter_rows(values_only=True), 1)
        rows = [(line, [_cell(cell, decimal_comma) for cell in row]) for line, row in islice(values, MAX_ROWS + 2)]
        return list(book.sheetnames), rows
    except UnreadableFileError:
        raise
    except Exception as error:  # openpyxl passes on any exception of its parsers for a damaged workbook
        raise UnreadableFileError(f"invalid Excel workbook ({type(error).__name__}: {str(error)[:80]})") from None


def _cell(value: Any, decimal_comma: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).replace(".", ",") if decimal_comma and isinstance(value, float) else str(value)


def _filled(rows: Iterable[tuple[int, list[str]]], *, decimal_comma: bool, notes: tuple[Note, ...]) -> Sheet:
    header: tuple[str, ...] = ()
    header_line = 1
    found: list[tuple[int, tuple[str, ...]]] = []
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if not header:
            header, header_line = tuple(" ".join(cell.split()) for cell in cells), line
            continue
        if any(cell.strip() for cell in cells[len(header) :]):
            raise UnreadableFileError(
                f"line {line} has {len(cells)} cells, the header {len(header)}; possible causes are decimal commas in a file "
                "with comma separators, or a column without a name. Separate columns by semicolons, or name every column"
            )
        if len(found) >= MAX_ROWS:
            raise UnreadableFileError(f"more than {MAX_ROWS:,} rows")
        found.append((line, tuple(cells[: len(header)]) + ("",) * (len(header) - len(cells))))
    if not header:
        raise UnreadableFileError("an empty file")
    return Sheet(header, found, decimal_comma, notes, header_line)
