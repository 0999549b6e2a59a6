"""Pairing of annotated films with image files: identifiers, repeated entries, sizes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from ceph_pipeline.formats.annotations import Point
from ceph_pipeline.formats.files import shown
from ceph_pipeline.formats.film import ONE_OF_EACH, Film, contradictions, put_together, sizes_agree
from ceph_pipeline.formats.film_names import (
    ImageFolder,
    are_one_path,
    bare_name,
    folders_of,
    has_hash,
    is_elsewhere,
    stem,
    without_prefix,
)
from ceph_pipeline.formats.layout import sizes_of
from ceph_pipeline.formats.problems import Problem
from ceph_pipeline.images.identifiers import safe_identifier, with_digest
from ceph_pipeline.landmarks.geometry import Size


@dataclass
class PairedFilm:
    """A film with its image.

    Attributes:
        film: The annotated film.
        image_id: Identifier of the image.
        path: Path of the image, relative to the folder of images.
        present: Whether the image file exists.
        points: Points by reader and by full name of the landmark, px.
        left_out: Labels of points whose landmarks the user did not select.
        entries: The entries that the film was merged from, if there are several.
    """

    film: Film
    image_id: str
    path: str
    present: bool
    points: dict[str, dict[str, Point]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    entries: tuple[Film, ...] = ()

    def entry_of(self, reader: str) -> Film:
        """The entry that contains a reader's points, for messages."""
        return next((entry for entry in self.entries if reader in entry.labelled), self.film)


def pair(films: Iterable[Film], folder: ImageFolder, problems: list[Problem]) -> list[PairedFilm]:
    """Films with the paths of their images; films with an invalid or ambiguous name become problems."""
    found: list[PairedFilm] = []
    for film in films:
        base = PurePosixPath(film.name.replace("\\", "/")).name
        if not base or "\0" in base:
            problems.append(
                Problem(film.file, film.file, f"{film.place}, image", shown(film.name), "a file's name", "file quarantined")
            )
            continue
        paths = folder.find(film.name, str(PurePosixPath(film.file).parent))
        name = stem(film.original or (paths[0] if paths else without_prefix(base)))
        if len(paths) > 1:
            several = f"{shown(base)} is the name of {', '.join(paths[:3])}"
            problems.append(Problem(safe_identifier(name), film.file, film.place, several, "the image's path, or each name once"))
            continue
        found.append(PairedFilm(film, safe_identifier(name), paths[0] if paths else without_prefix(base), bool(paths)))
    return found


def without_repeats(found: list[PairedFilm], problems: list[Problem], *, relative: bool) -> list[PairedFilm]:
    """Give each film a unique identifier, and merge or reject several entries of one image.

    Images of the same name in different folders are different films; their identifiers include the folders.

    Args:
        found: Films with their images.
        problems: The entries that are left out are added here.
        relative: See `contradictions`.
    """
    groups: dict[str, list[PairedFilm]] = defaultdict(list)
    for entry in found:
        groups[entry.image_id].append(entry)
    films = [same for group in groups.values() for same in _by_image(group)]
    return _told_apart([film for same in films for film in _one_film(same, problems, relative)])


def _by_image(group: list[PairedFilm]) -> list[list[PairedFilm]]:
    """Films of one name, grouped by image; images that a tool made from the same film form one group."""
    if any(entry.film.original for entry in group):
        return [group]
    are_copies = any(has_hash(entry.path) for entry in group)
    images: dict[str, list[PairedFilm]] = defaultdict(list)
    for entry in group:
        images[str(PurePosixPath(entry.path).parent) if are_copies else entry.path].append(entry)
    if len(images) == 1:
        return [group]
    return [
        [replace(entry, image_id=safe_identifier(stem_with_folders(entry.path))) for entry in same] for same in images.values()
    ]


def _one_film(same: list[PairedFilm], problems: list[Problem], relative: bool) -> list[PairedFilm]:
    """Merge the entries of one image if they certainly belong to it; otherwise report problems and keep no film or the first."""
    if len(same) == 1:
        return same
    paths = {entry.path for entry in same}
    if len(paths) == 1:
        same = _of_this_image(same, problems)
        if not are_one_path([entry.film.name for entry in same], same[0].path):
            problems += [_ambiguous(entry, same) for entry in same]
            return []
        readers = [reader for entry in same for reader in entry.film.labelled]
        if len(set(readers)) == len(readers) > 0:  # each reader has a file of their own
            return _of_several_readers(same, problems, relative)
    expected = (
        "each image once" if len(paths) == 1 else "each image once: export without the augmented images that the tool added"
    )
    for entry in same[1:]:
        again = f"{entry.image_id!r} again (first in {same[0].film.file}, {same[0].film.place})"
        problems.append(Problem(entry.image_id, entry.film.file, entry.film.place, again, expected, "file quarantined"))
    return same[:1]


def _of_several_readers(same: list[PairedFilm], problems: list[Problem], relative: bool) -> list[PairedFilm]:
    """One film merged from the readers' entries; if they contradict each other, no film and one problem per entry."""
    entries = tuple(entry.film for entry in same)
    if found := contradictions(entries, relative=relative):
        problems += [Problem(entry.image_id, entry.film.file, entry.film.place, found, ONE_OF_EACH) for entry in same]
        return []
    return [replace(same[0], film=put_together(entries), entries=entries)] if len(same) > 1 else same


def _of_this_image(same: list[PairedFilm], problems: list[Problem]) -> list[PairedFilm]:
    """Remove entries whose folder or name differs from the image's, if other entries match the image; they become problems."""
    others = [entry for entry in same if _is_other(entry)]
    if not others or len(others) == len(same) or not same[0].present:
        return same
    for entry in others:
        item = safe_identifier("_".join((*folders_of(entry.film.name)[-1:], stem(entry.film.name))))
        found = f"{_with_folder(entry.film.name)}, whose only image {shown(entry.path)} belongs to another entry"
        problems.append(Problem(item, entry.film.file, f"{entry.film.place}, image", found, "a separate image"))
    return [entry for entry in same if not _is_other(entry)]


def _is_other(entry: PairedFilm) -> bool:
    """Whether the annotated path has a different folder or name than the image that was found for it."""
    return is_elsewhere(entry.film.name, entry.path) or bare_name(entry.film.name) != bare_name(entry.path)


def _ambiguous(entry: PairedFilm, same: list[PairedFilm]) -> Problem:
    """The problem of several entries whose paths contradict each other but which were all paired with one image."""
    names = list(dict.fromkeys(_with_folder(other.film.name) for other in same))
    found = f"{' and '.join(names[:3])}, which may be several films, for one image {shown(entry.path)}"
    expected = "one path per image in all annotations, and an image for each film"
    return Problem(entry.image_id, entry.film.file, f"{entry.film.place}, image", found, expected)


def _with_folder(name: str) -> str:
    """The last part of an annotated path that distinguishes films of one name, for messages."""
    return shown("/".join(PurePosixPath(name).parts[-2:]))


def elsewhere(films: Iterable[PairedFilm]) -> list[str]:
    """Images that were found in a different folder than annotated, for messages."""
    return [
        f"{_with_folder(entry.film.name)} is {shown(entry.path)}"
        for entry in films
        if entry.present and is_elsewhere(entry.film.name, entry.path)
    ]


def _told_apart(films: list[PairedFilm]) -> list[PairedFilm]:
    """Append a digest to identifiers that are still equal (`1.png` and `1.jpg`, or names that differ only in case)."""
    counts = Counter(entry.image_id.casefold() for entry in films)
    return [
        replace(entry, image_id=with_digest(entry.image_id, entry.path)) if counts[entry.image_id.casefold()] > 1 else entry
        for entry in films
    ]


def stem_with_folders(path: str) -> str:
    """`clinic/anna/1.png` becomes `clinic_anna_1`."""
    pure = PurePosixPath(path)
    return "_".join((*pure.parts[:-1], stem(pure.name)))


def sizes_of_films(
    found: list[PairedFilm], folder: ImageFolder, problems: list[Problem], *, relative: bool, size_from: str
) -> dict[str, Size]:
    """(width, height) of each film, read from the image if it exists; a recorded size must agree with it."""
    present = {entry.image_id: folder.root / entry.path for entry in found if entry.present}
    recorded = {entry.image_id: entry.film.size for entry in found if entry.film.size}
    measured, unreadable = sizes_of(present, folder.root, recorded)
    problems += unreadable
    sizes: dict[str, Size] = {}
    for entry in found:
        film, size = entry.film, measured.get(entry.image_id)
        if entry.present and size is None:
            continue
        if size is None and film.size is None:
            there = f" (there are {', '.join(sorted(folder.stems)[:3])}, …)" if folder.stems else ""
            neither = f"neither the image {shown(PurePosixPath(film.name).name)} nor its size{there}"
            problems.append(Problem(entry.image_id, film.file, f"{film.place}, size", neither, size_from))
        elif size is not None and film.size is not None and not sizes_agree(size, film.size, relative=relative):
            contradiction = f"{film.size[0]} × {film.size[1]} recorded, the image has {size[0]} × {size[1]}"
            expected = "the same size: the image was rotated, cropped or resized after the annotation"
            problems.append(Problem(entry.image_id, film.file, f"{film.place}, size", contradiction, expected))
        else:
            sizes[entry.image_id] = size or film.size or (0, 0)
    return sizes
