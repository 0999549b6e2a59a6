"""Annotation files of a data set that is a file or a folder of files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from ceph_pipeline.formats.files import UnreadableFileError, with_progress
from ceph_pipeline.formats.film_names import stem
from ceph_pipeline.formats.problems import Problem
from ceph_pipeline.images.film_files import is_hidden
from ceph_pipeline.images.identifiers import safe_identifier

Content = TypeVar("Content")

PROBED = 25
"""Number of files of a folder that are inspected to detect its format."""


def folder_of(path: Path) -> Path:
    """The data set's folder: the path itself, or its parent if the path is a file."""
    return path if path.is_dir() else path.parent


def annotation_files(path: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    """The file itself, or all files below the folder with one of the (lower-case) suffixes, sorted by folder and name.

    Links to folders are not followed. Files of operating systems and file servers are ignored.
    """
    if not path.is_dir():
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(entry for entry in folders if not is_hidden(entry))
        yield from (
            Path(folder, file) for file in sorted(files) if file.lower().endswith(tuple(suffixes)) and not is_hidden(file)
        )


def each_content(
    files: Iterable[Path],
    root: Path,
    read: Callable[[Path, Path], Content],
    layout: str,
    problems: list[Problem],
    *,
    one_image: bool = False,
) -> Iterator[tuple[Path, str, Content]]:
    """Each annotation file, its path inside the data set, and its content; an unreadable file becomes a problem.

    Args:
        files: The annotation files.
        root: The data set's folder.
        read: Parses a file, given its path and the data set's folder.
        layout: Description of the format, for the problem.
        problems: Problems of unreadable files are added here.
        one_image: Each file belongs to the image of the same name, which becomes the item of the problem.
    """
    for file in with_progress(files, "annotations"):
        name = file.relative_to(root).as_posix()
        try:
            content = read(file, root)
        except UnreadableFileError as error:
            item = safe_identifier(stem(file.stem)) if one_image else name
            problems.append(Problem(item, name, "file", str(error), layout, "file quarantined"))
            continue
        yield file, name, content


def recognises_any(path: Path, suffixes: Sequence[str], is_one: Callable[[Path], bool]) -> bool:
    """Whether the file, or one of the first files below the folder, passes the test."""
    if path.is_file():
        return path.suffix.lower() in suffixes and is_one(path)
    return path.is_dir() and any(is_one(file) for file in islice(annotation_files(path, suffixes), PROBED) if file.is_file())
