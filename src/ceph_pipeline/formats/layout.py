"""Safe search in a raw folder: the case of names is ignored, links out of the folder and unsafe names are rejected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

from ceph_pipeline.formats.files import is_plain, with_progress
from ceph_pipeline.formats.problems import IGNORED, Problem
from ceph_pipeline.images import ImageHeader, ImageReadError, kinds, read_header
from ceph_pipeline.images.film_files import is_hidden, list_films
from ceph_pipeline.images.identifiers import safe_identifier
from ceph_pipeline.images.orientation import ORIENTATIONS, UPRIGHT
from ceph_pipeline.landmarks.geometry import Size

IMAGE_SUFFIXES = kinds.IMAGE_SUFFIXES

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "test": "test",
    "testing": "test",
}
"""The split of each lower-case name in use."""


def subfolders(folder: Path) -> list[Path]:
    """The folder's direct subfolders, sorted; folders of operating systems and file servers are ignored."""
    return [entry for entry in sorted(folder.iterdir()) if entry.is_dir() and not is_hidden(entry.name)]


def subfolder(folder: Path, name: str) -> Path | None:
    """The direct subfolder of that name, ignoring case, or None."""
    return next((entry for entry in subfolders(folder) if entry.name.lower() == name.lower()), None)


def visible_files(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """The folder's direct files with one of the (lower-case) suffixes, sorted; hidden files, pipes and devices are ignored."""
    wanted = tuple(suffixes)
    return [
        entry
        for entry in sorted(folder.iterdir())
        if entry.suffix.lower() in wanted and not is_hidden(entry.name) and entry.is_file()
    ]


def relative(path: Path, root: Path) -> str:
    """The path relative to `root` with forward slashes, for tables and messages."""
    return path.relative_to(root).as_posix()


def by_identifier(files: Iterable[Path], root: Path) -> tuple[dict[str, Path], list[Problem]]:
    """Files by safe identifier, made from their stem; repeated stems and unsafe names are problems."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        groups[safe_identifier(file.stem)].append(file)
    found: dict[str, Path] = {}
    problems: list[Problem] = []
    for name, group in groups.items():
        first = relative(group[0], root)
        if not is_plain(first):
            problems.append(Problem(name, first, "file name", ascii(first), "UTF-8 without control characters"))
            continue
        if len(group) == 1:
            found[name] = group[0]
            continue
        others = ", ".join(relative(file, root) for file in group[1:])
        problems.append(Problem(name, first, "identifier", f"{name!r} again in {others}", "each image once"))
    return found, problems


def sizes_of(
    images: Mapping[str, Path], root: Path, recorded: Mapping[str, Size] = MappingProxyType({})
) -> tuple[dict[str, Size], list[Problem]]:
    """(width, height) of each upright image, read from the headers in threads; unusable images are problems and left out.

    A film that its orientation tag rotates is left out, unless its annotation proves that the points were set on the upright
    film; otherwise the points could be in the wrong place. Other files in the folders of images are noted.

    Args:
        images: Files by identifier.
        root: Folder that must contain the images after links are resolved.
        recorded: (width, height) in the annotation, for images with a recorded size.
    """
    real_root = root.resolve()

    def measure(entry: tuple[str, Path]) -> Size | Problem:
        image_id, path = entry
        name = relative(path, root)
        if not path.resolve().is_relative_to(real_root):
            return Problem(image_id, name, "path", f"a link to {path.resolve()}", f"a file inside {root}")
        try:
            header = read_header(path)
        except ImageReadError as error:
            return Problem(image_id, name, "image", f"an unreadable file ({error})", "a complete image")
        if is_frame_known(header, recorded.get(image_id)):
            return header.size
        return _turned(image_id, name, header, recorded.get(image_id))

    with ThreadPoolExecutor() as threads:
        measured = with_progress(threads.map(measure, images.items()), "image headers", len(images))
        results = dict(zip(images, measured, strict=True))
    sizes = {image_id: result for image_id, result in results.items() if not isinstance(result, Problem)}
    problems = [result for result in results.values() if isinstance(result, Problem)]
    return sizes, problems + _ignored_files({path.parent for path in images.values()}, root)


def is_frame_known(header: ImageHeader, recorded: Size | None) -> bool:
    """Whether points are certain to belong to the upright image, which is the one that is read.

    Without an orientation tag there is only one image. With a tag, the annotation tool may have applied it or not. Only a
    recorded size shows this, and only if the tag exchanges width and height.

    Args:
        header: The film's header.
        recorded: (width, height) in the annotation, if recorded.
    """
    return header.orientation == UPRIGHT or (recorded == header.size and header.size != header.stored_size)


def _turned(image_id: str, file: str, header: ImageHeader, recorded: Size | None) -> Problem:
    stored, upright = (f"{size[0]} × {size[1]}" for size in (header.stored_size, header.size))
    if recorded is None:
        where = "the annotation does not record which one its points belong to"
    elif recorded == header.size == header.stored_size:
        where = "the recorded size fits both"
    else:
        where = f"points were recorded on {recorded[0]} × {recorded[1]} px"
    found = f"tag {header.orientation}, {ORIENTATIONS[header.orientation]}: {stored} px as stored, {upright} px upright; {where}"
    expected = "a film saved upright and without the tag, with points set or checked on this film"
    return Problem(image_id, file, "orientation", found, expected)


def _ignored_files(folders: set[Path], root: Path) -> list[Problem]:
    """A note on each file in the images' folders that is neither a film nor an annotation."""
    return [
        Problem(entry.path, f"{place}{entry.path}", "file", entry.reason, "a film", IGNORED)
        for folder in sorted(folders)
        for place in [f"{relative(folder, root)}/".removeprefix("./")]
        for entry in list_films(folder, deep=False).skipped
    ]
