"""Reading annotation files from anywhere: regular files only, inside the data set, with a limit, in a known encoding."""

from __future__ import annotations

import codecs
import json
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree

import yaml
from tqdm.auto import tqdm

from ceph_pipeline.errors import CephError, InvalidValueError

MAX_BYTES = 512 * 1024 * 1024
"""Annotation files beyond this are refused: the largest public ones (COCO keypoints) have 240 MB."""

_QUIET_S = 3
"""Seconds before a progress bar is shown."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


Item = TypeVar("Item")


class UnreadableFileError(CephError, ValueError):
    """A file cannot be read, or is not what its name says; the message says why, without the file's name."""


def shown(value: object, limit: int = 80) -> str:
    """A value from a file for a message: its `repr`, so that control characters stay harmless, cut at `limit`."""
    try:
        text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    except (ValueError, RecursionError):  # integers of more than 4,300 digits, deep nesting
        text = f"a {type(value).__name__} too large to show"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def is_plain(text: str) -> bool:
    """Whether a name can stand in tables, files and logs: valid Unicode without control characters and line separators."""
    return not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text)


def with_progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]:
    """The items, with a progress bar where they take more than a few seconds."""
    return tqdm(items, desc=what, total=total, unit=" file", delay=_QUIET_S, leave=False)


def read_bytes(path: Path, root: Path | None = None) -> bytes:
    """The file's content.

    Args:
        path: A regular file: directories, pipes and devices are refused before they are opened.
        root: The folder that the file must lie in, links resolved; None where the path itself was given by the user.

    Raises:
        UnreadableFileError: it is none, lies outside, or has more than `MAX_BYTES`.
    """
    try:
        if root is not None and not path.resolve().is_relative_to(root.resolve()):
            raise UnreadableFileError("a link that leaves the data set's folder")
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a loop of links; ValueError: a null character
        if isinstance(error, UnreadableFileError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableFileError(f"it cannot be opened ({reason})") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFileError("no regular file, but a folder, pipe or device")
        if status.st_size > MAX_BYTES:
            raise UnreadableFileError(f"{status.st_size:,} bytes; at most {MAX_BYTES:,} are read")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read()
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read ({error.strerror})") from None
    finally:
        os.close(descriptor)


def decode(content: bytes, fallback: str | None = None) -> tuple[str, str]:
    """Text and the encoding it was in.

    A byte-order mark decides; without one it is UTF-8, or UTF-16 where every second byte of an ASCII text is zero.

    Args:
        content: The file's bytes.
        fallback: What to read the bytes as where they are no UTF-8, e.g. `cp1252` for sheets that Excel saved.

    Raises:
        UnreadableFileError: the bytes are in none of them; the message names what they look like.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return _decode_as(content[len(mark) :], encoding), encoding
    if b"\x00" in content[:64]:
        even, odd = content[0:64:2], content[1:64:2]
        encoding = "utf-16-le" if odd.count(0) > even.count(0) else "utf-16-be"
        return _decode_as(content, encoding), encoding
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if fallback is None:
            found = f"byte 0x{content[error.start]:02x} at position {error.start}"
            raise UnreadableFileError(f"{found} is no UTF-8: it looks like cp1252 (Windows). Save it as UTF-8") from None
    return _decode_as(content, fallback), fallback


def _decode_as(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise UnreadableFileError(f"not in the encoding {encoding} ({error}). Save it as UTF-8") from None


def read_text(path: Path, root: Path | None = None) -> str:
    """The file's text, see `read_bytes` and `decode`."""
    return decode(read_bytes(path, root))[0]


def read_json(path: Path, root: Path | None = None) -> Any:
    """Parse a JSON file.

    NaN, which some writers put for null, becomes None. Infinity stays what it is, so that no coordinate of it passes for a
    missing one.

    Raises:
        UnreadableFileError: it is none, or has a key twice in one object; the message says where.
    """
    text = read_text(path, root)
    try:
        return json.loads(text, parse_constant=_constant, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise UnreadableFileError(f"no JSON ({error.msg} in line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise UnreadableFileError("no JSON (nested too deeply)") from None
    except ValueError as error:  # a key twice, and integers of more than 4,300 digits
        raise UnreadableFileError(f"no JSON ({error})") from None


def peek_json(path: Path) -> Any:
    """The content of a JSON file for telling its format, None where it is none.

    The last few are kept until `forget_json`, not to parse them twice; nobody may change them.
    """
    try:
        status = path.stat()
        return _kept_json(str(path), status.st_mtime_ns, status.st_size)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=2)
def _kept_json(path: str, _modified: int, _size: int) -> Any:
    return read_json(Path(path))


def forget_json() -> None:
    """Let go of what `peek_json` keeps, which is several times a file's size."""
    _kept_json.cache_clear()


def read_yaml(path: Path) -> Any:
    """Parse a YAML file without constructing anything but plain values.

    Raises:
        UnreadableFileError: it is none.
    """
    try:
        return yaml.safe_load(read_text(path))
    except yaml.MarkedYAMLError as error:
        place = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UnreadableFileError(f"no YAML ({error.problem}{place})") from None
    except RecursionError:
        raise UnreadableFileError("nested too deeply") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        raise UnreadableFileError(f"no YAML ({str(error)[:120]})") from None


def read_xml(path: Path, root: Path | None = None) -> ElementTree.Element:
    """Parse an XML file; see `parse_xml`.

    Raises:
        UnreadableFileError: it is none.
    """
    return parse_xml(read_text(path, root))


def parse_xml(text: str) -> ElementTree.Element:
    """Parse XML; text that declares entities is refused, so that none is expanded.

    Raises:
        UnreadableFileError: it is none.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise UnreadableFileError("XML with a document type or entities, which no annotation tool writes")
    if text.startswith("<?xml"):
        text = text.partition("?>")[2]  # its encoding is that of the bytes, which are decoded already
    try:
        return ElementTree.fromstring(text)  # noqa: S314 without entities there is nothing to expand
    except (ElementTree.ParseError, ValueError) as error:
        raise UnreadableFileError(f"no XML ({error})") from None


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise InvalidValueError(f"the key {shown(key)} twice in one object")
    return found
