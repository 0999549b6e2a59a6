"""Annotation files of a data set that is one file, or a folder of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

PROBED = 25
"""Files of a folder that are looked at to tell its format."""


def folder_of(path: Path) -> Path:
    """The data set's folder: the path, or the folder of the file that it is."""
    return path if path.is_dir() else path.parent


def annotation_files(path: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    """The file itself, or all files below the folder with one of the (lower-case) suffixes, by folder and name.

    Links to folders are not followed; names with a leading dot are not data.
    """
    if not path.is_dir():
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(entry for entry in folders if not entry.startswith("."))
        yield from (
            Path(folder, file) for file in sorted(files) if file.lower().endswith(tuple(suffixes)) and not file.startswith(".")
        )


def recognises_any(path: Path, suffixes: Sequence[str], is_one: Callable[[Path], bool]) -> bool:
    """Whether the file, or one of the first files below the folder, passes the test."""
    if path.is_file():
        return path.suffix.lower() in suffixes and is_one(path)
    return path.is_dir() and any(is_one(file) for file in islice(annotation_files(path, suffixes), PROBED) if file.is_file())
