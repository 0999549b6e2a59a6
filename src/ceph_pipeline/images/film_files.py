"""Detection of film files in a folder, with reasons for the others; the same rules hold for training data and new films."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ceph_pipeline.artifacts import Ledger
from ceph_pipeline.errors import printable
from ceph_pipeline.images.codec import file_type
from ceph_pipeline.images.kinds import HEAD_BYTES, IMAGE_SUFFIXES, kind_of

_HIDDEN_NAMES = frozenset(
    {
        "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "__macosx", "lost+found",
        "@eadir", "@recycle", "@recently-snapshot", "@tmp", "#recycle", "#snapshot", "dicomdir",
    }
)  # fmt: skip
"""Names in lower case. Other names that begin with `@`, `#` or `$` can be films or patients: `#12.png`."""
_ANNOTATIONS = (".json", ".csv", ".txt", ".xml", ".yaml", ".yml", ".xlsx", ".md")
"""Suffixes of files that are expected next to films."""

NOT_COPIED = "not_copied"
"""Entry of the manifest of a folder that was copied from a URL: reasons by path of films that could not be copied."""

_LINKED = "a link to a folder, which is not followed: copy the folder, or set it as the films' folder"


@dataclass(frozen=True)
class Skipped:
    """A file that is not a film.

    Attributes:
        path: Path relative to the folder, with forward slashes and unsafe characters escaped.
        reason: Reason why the file is skipped.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class FilmFiles:
    """The files of a folder.

    Attributes:
        films: Paths relative to the folder, with forward slashes, sorted.
        skipped: Other files that could have been intended as films.
        n_hidden: Number of hidden files and thumbnails.
    """

    films: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    n_hidden: int


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name belongs to an operating system, a file server or a viewer, and is no data."""
    return name.startswith(".") or name.lower() in _HIDDEN_NAMES


def may_be_film(path: str) -> bool:
    """Whether a file can be a film by its path: not hidden and not an annotation file. `why_no_film` inspects the content."""
    pure = PurePosixPath(path)
    return not any(map(is_hidden, pure.parts)) and pure.suffix.lower() not in _ANNOTATIONS


def list_films(folder: Path, *, deep: bool = True) -> FilmFiles:
    """Find the films of a folder.

    Links to folders are not followed. Links to files are films only if they stay inside the folder. Films that could not be
    copied into the folder from a URL are among the skipped files.

    Args:
        folder: An existing folder.
        deep: Include subfolders.
    """
    films: list[str] = []
    not_copied = Ledger(folder).read().get(NOT_COPIED, {})
    skipped = [Skipped(printable(path), f"could not be copied: {reason}") for path, reason in not_copied.items()]
    n_hidden = 0
    for place, folders, files in os.walk(folder, onerror=lambda error: skipped.append(_unreadable(error, folder))):
        n_hidden += sum(map(is_hidden, (*folders, *files)))
        folders[:] = sorted(name for name in folders if not is_hidden(name)) if deep else []
        linked = [path for path in (Path(place, name) for name in folders) if path.is_symlink()]
        skipped.extend(Skipped(printable(path.relative_to(folder).as_posix()), _LINKED) for path in linked)
        for name in sorted(name for name in files if not is_hidden(name)):
            file = Path(place, name)
            path = file.relative_to(folder).as_posix()
            reason = why_no_film(file, folder)
            if reason is None:
                films.append(path)
            elif reason:
                skipped.append(Skipped(printable(path), reason))
    return FilmFiles(tuple(sorted(films)), tuple(skipped), n_hidden)


def why_no_film(file: Path, folder: Path) -> str | None:
    """The reason why a file is not a film; "" for an annotation file, and None for a film."""
    suffix = file.suffix.lower()
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            of_folder = _LINKED if file.is_symlink() else "a folder that cannot be opened"
            return of_folder if stat.S_ISDIR(mode) else f"{file_type(mode)}, not a file"
        if file.is_symlink() and not file.resolve().is_relative_to(folder.resolve()):
            return "a link out of the folder"
        if suffix in IMAGE_SUFFIXES:
            return None
        if suffix in _ANNOTATIONS:
            return ""
        return None if _is_dicom(file) else _unread(suffix)
    except OSError as error:
        return f"cannot be opened ({error.strerror})"


def is_unnamed_dicom(file: Path) -> bool:
    """Whether a file without a known suffix is DICOM: such files often have no suffix, or a number in its place."""
    try:
        return file.suffix.lower() not in (*IMAGE_SUFFIXES, *_ANNOTATIONS) and file.is_file() and _is_dicom(file)
    except OSError:
        return False


def _is_dicom(file: Path) -> bool:
    with file.open("rb") as stream:
        return kind_of(stream.read(HEAD_BYTES)) == "dicom"


def _unread(suffix: str) -> str:
    return f"{printable(suffix) or 'no suffix'}: not a supported kind of film ({', '.join(IMAGE_SUFFIXES)})"


def _unreadable(error: OSError, folder: Path) -> Skipped:
    path = Path(error.filename).relative_to(folder).as_posix() if error.filename else "."
    return Skipped(printable(path), f"a folder that cannot be opened ({error.strerror})")
