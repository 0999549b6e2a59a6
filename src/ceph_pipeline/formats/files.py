"""Safe reading of annotation files: regular files inside the data set, of limited size, in a known encoding."""

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
"""Larger annotation files are rejected. The largest public ones (COCO keypoints) have 240 MB."""

_QUIET_S = 3
"""Seconds after which a progress bar is shown."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


Item = TypeVar("Item")


class UnreadableFileError(CephError, ValueError):
    """A file cannot be read, or its content does not match its name. The message does not contain the file's name."""


def shown(value: object, limit: int = 80) -> str:
    """A value from a file for messages: its `repr`, which escapes control characters, truncated to `limit` characters."""
    try:
        text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    except (ValueError, RecursionError):  # integers of more than 4,300 digits, deep nesting
        text = f"a {type(value).__name__} too large to show"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def is_plain(text: str) -> bool:
    """Whether a name is safe in tables, files and logs: valid Unicode without control characters and line separators."""
    return not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text)


def with_progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]:
    """Iterate over the items, with a progress bar if this takes more than a few seconds."""
    return tqdm(items, desc=what, total=total, unit=" file", delay=_QUIET_S, leave=False)


def read_bytes(path: Path, root: Path | None = None) -> bytes:
    """The file's content.

    Args:
        path: A regular file; directories, pipes and devices are rejected before they are opened.
        root: Folder that must contain the file after links are resolved; None if the user named the path itself.

    Raises:
        UnreadableFileError: not a regular file, outside `root`, or larger than `MAX_BYTES`.
    """
    try:
        if root is not None and not path.resolve().is_relative_to(root.resolve()):
            raise UnreadableFileError("a link that leaves the data set's folder")
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a loop of links; ValueError: a null character
        if isinstance(error, UnreadableFileError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableFileError(f"the file cannot be opened ({reason})") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFileError("not a regular file, but a folder, pipe or device")
        if status.st_size > MAX_BYTES:
            raise UnreadableFileError(f"{status.st_size:,} bytes, but the limit is {MAX_BYTES:,}")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read()
    except OSError as error:
        raise UnreadableFileError(f"the file cannot be read ({error.strerror})") from None
    finally:
        os.close(descriptor)


def decode(content: bytes, fallback: str | None = None) -> tuple[str, str]:
    """Decode a file's content; returns the text and its encoding.

    The encoding is taken from the byte-order mark. Without a mark it is UTF-8, or UTF-16 if every second byte is zero.

    Args:
        content: The file's bytes.
        fallback: Encoding of bytes that are not valid UTF-8, e.g. `cp1252` for sheets that Excel saved.

    Raises:
        UnreadableFileError: the bytes are in none of these encodings; the message names a likely one.
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
            raise UnreadableFileError(
                f"{found} is not valid UTF-8; the file looks like cp1252 (Windows). Save it as UTF-8"
            ) from None
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

    NaN, which some programs write for null, becomes None. Infinity is kept, so that it is not taken for a missing coordinate.

    Raises:
        UnreadableFileError: not valid JSON, or an object contains a key twice; the message contains the position.
    """
    text = read_text(path, root)
    try:
        return json.loads(text, parse_constant=_constant, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise UnreadableFileError(f"invalid JSON ({error.msg} in line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise UnreadableFileError("invalid JSON (nested too deeply)") from None
    except ValueError as error:  # a key twice, and integers of more than 4,300 digits
        raise UnreadableFileError(f"invalid JSON ({error})") from None


def peek_json(path: Path) -> Any:
    """The content of a JSON file for detecting its format; None if the file is not valid JSON.

    The last few results are cached until `forget_json`; they must not be modified.
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
    """Clear the cache of `peek_json`, which is several times as large as the files."""
    _kept_json.cache_clear()


def read_yaml(path: Path) -> Any:
    """Parse a YAML file into plain values only.

    Raises:
        UnreadableFileError: not valid YAML.
    """
    try:
        return yaml.safe_load(read_text(path))
    except yaml.MarkedYAMLError as error:
        place = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UnreadableFileError(f"invalid YAML ({error.problem}{place})") from None
    except RecursionError:
        raise UnreadableFileError("nested too deeply") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        raise UnreadableFileError(f"invalid YAML ({str(error)[:120]})") from None


def read_xml(path: Path, root: Path | None = None) -> ElementTree.Element:
    """Parse an XML file; see `parse_xml`.

    Raises:
        UnreadableFileError: not valid XML.
    """
    return parse_xml(read_text(path, root))


def parse_xml(text: str) -> ElementTree.Element:
    """Parse XML; text that declares entities is rejected, so that no entity is expanded.

    Raises:
        UnreadableFileError: not valid XML, or it declares a document type or entities.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise UnreadableFileError("XML with a document type or entities, which no annotation tool writes")
    if text.startswith("<?xml"):
        text = text.partition("?>")[2]  # the declared encoding is that of the bytes, which are already decoded
    try:
        return ElementTree.fromstring(text)  # noqa: S314 without entities there is nothing to expand
    except (ElementTree.ParseError, ValueError) as error:
        raise UnreadableFileError(f"invalid XML ({error})") from None


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise InvalidValueError(f"the key {shown(key)} occurs twice in one object")
    return found
