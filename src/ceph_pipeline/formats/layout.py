"""Finding things in a raw folder, whatever the case of its names and however hostile its content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ceph_pipeline.formats.annotations import bad_identifier
from ceph_pipeline.formats.problems import Problem
from ceph_pipeline.images import ImageReadError, image_size
from ceph_pipeline.landmarks.geometry import Size

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "test": "test",
    "testing": "test",
}
"""Split by the lower-case names that are in use for it."""


def subfolders(folder: Path) -> list[Path]:
    """The folder's own subfolders, sorted."""
    return [entry for entry in sorted(folder.iterdir()) if entry.is_dir()]


def subfolder(folder: Path, name: str) -> Path | None:
    """The direct subfolder of that name in any case, or None."""
    return next((entry for entry in subfolders(folder) if entry.name.lower() == name.lower()), None)


def visible_files(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """The folder's own files with one of the (lower-case) suffixes, sorted; names with a leading dot are not data."""
    wanted = tuple(suffixes)
    return [
        entry
        for entry in sorted(folder.iterdir())
        if entry.suffix.lower() in wanted and not entry.name.startswith(".") and entry.is_file()
    ]


def relative(path: Path, root: Path) -> str:
    """The path below `root` with forward slashes, as tables and messages have it."""
    return path.relative_to(root).as_posix()


def by_identifier(files: Iterable[Path], root: Path) -> tuple[dict[str, Path], list[Problem]]:
    """Files by their stem; names that cannot be identifiers and stems that occur twice are problems and left out."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        groups[file.stem].append(file)
    found: dict[str, Path] = {}
    problems: list[Problem] = []
    for stem, group in groups.items():
        problem = bad_identifier(stem, relative(group[0], root))
        if problem is None and len(group) > 1:
            others = ", ".join(relative(file, root) for file in group[1:])
            problem = Problem(stem, relative(group[0], root), "identifier", f"{stem!r} again in {others}", "each image once")
        if problem is None:
            found[stem] = group[0]
        else:
            problems.append(problem)
    return found, problems


def sizes_of(images: Mapping[str, Path], root: Path) -> tuple[dict[str, Size], list[Problem]]:
    """(width, height) of each image from its header, read in threads; unreadable images are problems and left out.

    Args:
        images: File by identifier.
        root: The folder that images must stay in, links resolved.
    """
    real_root = root.resolve()

    def measure(entry: tuple[str, Path]) -> Size | Problem:
        image_id, path = entry
        name = relative(path, root)
        if not path.resolve().is_relative_to(real_root):
            return Problem(image_id, name, "path", f"a link to {path.resolve()}", f"a file inside {root}")
        try:
            return image_size(path)
        except ImageReadError as error:
            return Problem(image_id, name, "image", f"an unreadable file ({error})", "a whole png, jpg or bmp")

    with ThreadPoolExecutor() as threads:
        results = dict(zip(images, threads.map(measure, images.items()), strict=True))
    sizes = {image_id: result for image_id, result in results.items() if not isinstance(result, Problem)}
    return sizes, [result for result in results.values() if isinstance(result, Problem)]
