"""Rows of CSV files and Excel sheets, whichever way they were saved."""

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
"""First bytes of Excel's files, which may have any name: .xlsx is a zip archive, .xls a compound file."""
_DECIMAL_COMMA = re.compile(r"(?<![\d,.])[-+]?(?!(?:[1-9]\d{0,2}),\d{3}(?!\d))\d+,\d+(?![\d,.])")
"""Numbers with a comma that cannot separate thousands: `1,5`, `0,125` and `1234,567`, not `1,234`."""
_SEPARATORS = (",", ";", "\t", "|")
MAX_UNPACKED = 256 * 1024 * 1024
"""Bytes that an Excel file, which is a zip archive, may unpack to."""
MAX_ROWS = 2_000_000
ABSENT = ("", "nan", "na", "n/a", "none", "null", "-")
"""Cells that say that there is nothing."""


class Note(NamedTuple):
    """What was noticed of a sheet, and can be otherwise than it was meant.

    Attributes:
        field: What it concerns.
        found: What is taken.
        expected: What leaves no question.
    """

    field: str
    found: str
    expected: str


@dataclass(frozen=True)
class Sheet:
    """A header and its rows, all cells as text.

    Attributes:
        header: Names of the columns, single ordinary blanks in them.
        rows: (line in the file, cells); shorter rows are filled with empty cells.
        decimal_comma: Whether `1,5` is one and a half.
        notes: What was noticed, e.g. an encoding that had to be guessed, or a workbook's other sheets.
        header_line: Where the header stands, the first line that is not empty.
    """

    header: tuple[str, ...]
    rows: Sequence[tuple[int, tuple[str, ...]]]
    decimal_comma: bool = False
    notes: tuple[Note, ...] = ()
    header_line: int = 1

    def column(self, name: str) -> int | None:
        """Position of a column, None where there is none of that name.

        Raises:
            UnreadableFileError: there are several.
        """
        wanted = " ".join(name.split())
        found = [position for position, column in enumerate(self.header) if column == wanted]
        if len(found) > 1:
            raise UnreadableFileError(f"column {wanted!r} occurs {len(found)} times")
        return found[0] if found else None

    def number(self, cell: str) -> float | None:
        """A cell as a number, None where it is none."""
        return number(cell, decimal_comma=self.decimal_comma)

    def pixel_size(self, cell: str) -> float:
        """A cell as millimetres per pixel; NaN, unknown, where it is empty or 0.

        Raises:
            ValueError: it is none that an X-ray can have (`entries.PIXEL_SIZE`); the message is the value.
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
        path: A text file, or an Excel workbook (needs the extra `excel`), whatever its name says.
        root: The folder it must lie in.
        separator: Of columns; None takes the one that the first line has most of.
        decimal_comma: None: yes where columns are not separated by commas and a number has one that separates no thousands.
        encoding: None: byte-order mark, UTF-8, else cp1252, which Excel writes on Windows.
        sheet: An Excel sheet's name; None is the first.

    Raises:
        UnreadableFileError: it is no such file, or empty, or a row has more cells than the header.
    """
    content = read_bytes(path, root)
    if content.startswith(_OLD_WORKBOOK):
        raise UnreadableFileError("an Excel workbook of the old kind (.xls). Save it as .xlsx or CSV")
    if content.startswith(_WORKBOOK) or path.suffix.lower() in (".xlsx", ".xlsm"):
        comma = bool(decimal_comma)
        names, cells = _excel_rows(content, sheet, comma)
        several = f"{shown(names[0])}, the first of {len(names)} sheets: {', '.join(map(shown, names[:5]))}"
        notes = (Note("sheet", several, "`ingestion.reading.table.sheet`"),) if sheet is None and len(names) > 1 else ()
        return _filled(cells, decimal_comma=comma, notes=notes)
    text, used = (_decoded(content, encoding), encoding) if encoding else decode(content, fallback="cp1252")
    notes = () if used in ("utf-8", encoding) else (Note("encoding", f"{used}, as Excel saves", "utf-8"),)
    between = separator or _separator(text)
    comma = between != "," and bool(_DECIMAL_COMMA.search(text)) if decimal_comma is None else decimal_comma
    return _filled(_csv_rows(text, between), decimal_comma=comma, notes=notes)


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError) as error:
        raise UnreadableFileError(f"not in the encoding {encoding!r} that the configuration names ({error})") from None


def _separator(text: str) -> str:
    """The separator that the first line has most of; Excel's `sep=;` line says it."""
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
        raise UnreadableFileError(f"no CSV ({error} in line {reader.line_num})") from None


def _excel_rows(content: bytes, sheet: str | None, decimal_comma: bool) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Names of the workbook's sheets, and the rows of one of them, of the first where none is named."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise UnreadableFileError(f"Excel files need openpyxl: save the sheet as CSV, or {install_hint('excel')}") from None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_UNPACKED:
            raise UnreadableFileError(f"it unpacks to {unpacked:,} bytes; at most {MAX_UNPACKED:,} are read")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        if sheet is not None and sheet not in book.sheetnames:
            raise UnreadableFileError(f"no sheet {sheet!r}; it has {', '.join(book.sheetnames)}")
        values = enumerate(book[sheet or book.sheetnames[0]].iter_rows(values_only=True), 1)
        rows = [(line, [_cell(cell, decimal_comma) for cell in row]) for line, row in islice(values, MAX_ROWS + 2)]
        return list(book.sheetnames), rows
    except UnreadableFileError:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers do on a damaged workbook
        raise UnreadableFileError(f"no Excel workbook ({type(error).__name__}: {str(error)[:80]})") from None


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
                f"line {line} has {len(cells)} cells, the header {len(header)}: a decimal comma between commas, or a column "
                "without a name? Separate columns by semicolons, or name each"
            )
        if len(found) >= MAX_ROWS:
            raise UnreadableFileError(f"more than {MAX_ROWS:,} rows")
        found.append((line, tuple(cells[: len(header)]) + ("",) * (len(header) - len(cells))))
    if not header:
        raise UnreadableFileError("an empty file")
    return Sheet(header, found, decimal_comma, notes, header_line)
