"""From films as annotated to tables: names of landmarks, pixel coordinates, missing points."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ceph_pipeline.errors import first_of, printable
from ceph_pipeline.formats.annotations import MISSING, Point, Reading, Row, cvm_table, image_table, landmark_table
from ceph_pipeline.formats.files import shown
from ceph_pipeline.formats.film import Film
from ceph_pipeline.formats.film_images import PairedFilm, elsewhere, pair, sizes_of_films, without_repeats
from ceph_pipeline.formats.film_names import ImageFolder
from ceph_pipeline.formats.labelled_points import PointProblems, all_in_one_pixel, all_on_a_line, name_points
from ceph_pipeline.formats.layout import SPLIT_NAMES
from ceph_pipeline.formats.options import LandmarkNames, ReadOptions
from ceph_pipeline.formats.problems import Problem
from ceph_pipeline.images.identifiers import with_digest
from ceph_pipeline.landmarks.geometry import Size

ToPixels = Callable[[Point, Size, float], Point]
"""Converts a point in the file's units to pixels, given the image's (width, height) and millimetres per pixel."""


@dataclass(frozen=True)
class Assembly:
    """How a format's films become tables.

    Attributes:
        dataset: Value of the column `dataset`.
        names: Landmark of each label.
        to_pixels: Conversion of coordinates.
        expected: Full names of the landmarks that each film should have; None: all landmarks that occur on any film.
        relative: Coordinates are fractions of the image, so that they also fit resized versions of the image.
        size_from: What is needed to find the size of a film, for messages.
        blank_shows_none: A reader without points means that the film shows none of the landmarks.
    """

    dataset: str
    names: LandmarkNames
    to_pixels: ToPixels
    expected: tuple[str, ...] | None = None
    relative: bool = False
    size_from: str = "the image itself, for its size"
    blank_shows_none: bool = False


def shifted(first_pixel: float) -> ToPixels:
    """Conversion of coordinates in which the centre of the first pixel is `first_pixel`."""
    return lambda point, _size, _mm: (point[0] - first_pixel, point[1] - first_pixel)


def assembly(dataset: str, options: ReadOptions, *, to_pixels: ToPixels | None = None, relative: bool = False) -> Assembly:
    """The default assembly with a user's options: the configured landmarks or, by default, those of the films."""
    names = LandmarkNames(options)
    expected = names.schema.names if names.schema else None
    return Assembly(dataset, names, to_pixels or shifted(options.first_pixel), expected, relative)


def split_of(file: str) -> str | None:
    """The split in a file's name or folders, innermost first: `train/x.json`, `keypoints_val2017.json`."""
    pure = PurePosixPath(file)
    words = re.split(r"[-_.]", pure.name.lower())
    said = (SPLIT_NAMES.get(word.rstrip("0123456789")) for word in reversed(words))
    return next(filter(None, said), None) or split_of_folders(str(pure.parent))


def split_of_folders(path: str) -> str | None:
    """The split in folder names, innermost first: `val2017`, `Test1Data`, `train-images`, but not `val-de-loire`."""
    for part in reversed(PurePosixPath(path).parts):
        words = [word.lower() for word in _WORD.findall(part)]
        own = [word for word in words if word not in _OF_ANY_SPLIT]
        if len(own) == 1 and (word := re.sub(r"(data|set|dataset)$", "", own[0])) in SPLIT_NAMES:
            return SPLIT_NAMES[word]
    return None


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+")
_OF_ANY_SPLIT = {"data", "set", "dataset", "images", "labels", "annotations"}
"""Words that a folder's name may contain in addition to the split."""


def assemble(films: Iterable[Film], folder: ImageFolder, how: Assembly, problems: Sequence[Problem] = ()) -> Reading:
    """Pair films with images and name their points.

    Args:
        films: Films in the order of the files.
        folder: The images. A film without an image is kept if its annotation records a size.
        how: Meaning of the format's labels and coordinates.
        problems: Problems found by the format's module. The item of a problem of a film may be the film's annotated name.
    """
    collected: list[Problem] = []
    unpaired: list[Problem] = []
    paired = pair(films, folder, unpaired)
    collected += _without_annotation(paired, folder)
    found = without_repeats(paired, collected, relative=how.relative)
    collected = [*_of_films(problems, found), *_of_no_film(unpaired, found), *collected]
    sizes = sizes_of_films(found, folder, collected, relative=how.relative, size_from=how.size_from)
    kept = [entry for entry in found if entry.image_id in sizes and _name_points(entry, sizes[entry.image_id], how, collected)]
    expected = how.expected or tuple(dict.fromkeys(name for entry in kept for points in entry.points.values() for name in points))
    collected += [problem for entry in kept for problem in _missing(entry, expected)]
    collected += _remarks(kept, folder, how)
    points = [
        (entry.image_id, reader, name, *points.get(name, MISSING))
        for entry in kept
        for reader, points in sorted(entry.points.items())
        for name in dict.fromkeys((*expected, *points))
    ]
    return Reading(
        image_table(_image_row(entry, sizes[entry.image_id], how.dataset) for entry in kept),
        landmark_table(points),
        cvm_table([]),
        tuple(collected),
        {(entry.image_id, reader): entry.entry_of(reader).file for entry in kept for reader in entry.points},
        how.blank_shows_none,
    )


def _of_films(problems: Sequence[Problem], found: list[PairedFilm]) -> list[Problem]:
    """Problems of films, with the films' final identifiers as items, so that they can be excluded."""
    identifiers = {
        (printable(film.file), printable(film.name)): entry.image_id for entry in found for film in entry.entries or (entry.film,)
    }
    return [replace(problem, item=identifiers.get((problem.file, problem.item), problem.item)) for problem in problems]


def _of_no_film(problems: Sequence[Problem], found: list[PairedFilm]) -> list[Problem]:
    """Problems of entries without a film, with separate items, so that excluding such an item removes no film."""
    identifiers = {entry.image_id for entry in found}

    def own(problem: Problem) -> str:
        return with_digest(problem.item, f"{problem.file} {problem.field}") if problem.item in identifiers else problem.item

    return [replace(problem, item=own(problem)) for problem in problems]


def _image_row(entry: PairedFilm, size: Size, dataset: str) -> Row:
    split = entry.film.split or "train"
    return (entry.image_id, entry.path, split, split, *size, entry.film.pixel_size_mm, entry.film.machine, dataset)


def _name_points(entry: PairedFilm, size: Size, how: Assembly, problems: list[Problem]) -> bool:
    """Fill the entry's points; for a film without points, add a problem and return False."""
    film = entry.film
    if film.ordered and how.names.order and film.ordered != len(how.names.order):
        found = f"{film.ordered} numbered points without names"
        expected = (
            f"{len(how.names.order)}, the number of `ingestion.reading.landmarks`: otherwise it is unclear which point is missing"
        )
        problems.append(Problem(entry.image_id, film.file, film.place, found, expected))
        return False
    for reader, labelled in film.labelled.items():
        source = entry.entry_of(reader)
        wrong = PointProblems(entry.image_id, source.file, source.place)
        wanted = [point for point in labelled if not how.names.leaves_out(point.label)]
        entry.left_out |= {point.label for point in labelled} - {point.label for point in wanted}
        points = name_points(wanted, wrong, how.names, lambda point: how.to_pixels(point, size, film.pixel_size_mm))
        problems += wrong.problems
        if points or (how.blank_shows_none and not labelled):
            entry.points[reader] = points
    if film.blank:
        return True
    every = [point for points in entry.points.values() for point in points.values()]
    if not every:
        problems.append(Problem(entry.image_id, film.file, film.place, *_no_point(entry, how)))
        return False
    if all_in_one_pixel(every):
        found = f"{len(every)} points within one pixel"
        expected = "points of a face in pixels: are these fractions of the image, or placeholders?"
        problems.append(Problem(entry.image_id, film.file, film.place, found, expected))
        return False
    for reader, points in entry.points.items():
        if all_on_a_line(points.values()):
            found = f"{len(points)} equidistant points of {reader} on one straight line"
            problems.append(
                Problem(entry.image_id, film.file, film.place, found, "points of a face: are these placeholders?", "kept")
            )
    return True


def _no_point(entry: PairedFilm, how: Assembly) -> tuple[str, str]:
    """The found and expected texts for a film without a point."""
    if not entry.left_out:
        return "no key point", "at least one point"
    wanted = (
        f"one of {', '.join(how.expected or ())}; other labels of these landmarks are set in `ingestion.reading.labels`, "
        "and labels in the ruler's export in `calibration.labels`"
    )
    return f"key points of {_some(sorted(entry.left_out))} only", wanted


def _missing(entry: PairedFilm, expected: tuple[str, ...]) -> list[Problem]:
    """One note per reader on the landmarks that the film lacks."""
    problems = []
    for reader, points in sorted(entry.points.items()):
        absent = [name for name in expected if points and math.isnan(points.get(name, MISSING)[0])]
        if absent:
            found = f"{len(absent)} of {len(expected)} landmarks missing: {first_of(absent, 5)}"
            source = entry.entry_of(reader)
            problems.append(
                Problem(entry.image_id, source.file, f"{source.place}, {reader}", found, "each landmark once", "kept")
            )
    return problems


def _without_annotation(paired: list[PairedFilm], folder: ImageFolder) -> list[Problem]:
    """One note on the images without an annotation."""
    silent = sorted(folder.paths - {entry.path for entry in paired})
    if not silent:
        return []
    found = f"{len(silent)} of {len(folder.paths)} without an annotation: {_some(silent)}"
    return [Problem(".", ".", "images", found, "an annotation for each image", "kept")]


def _some(names: Sequence[str]) -> str:
    """The first three names, for messages."""
    return first_of(map(shown, names), 3)


def _remarks(kept: list[PairedFilm], folder: ImageFolder, how: Assembly) -> list[Problem]:
    """Notes on the whole data set: labels outside all schemas, absent images, files with invalid names."""
    files = sorted({entry.film.file for entry in kept})
    file = files[0] if len(files) == 1 else "."
    counts = Counter(name for entry in kept for points in entry.points.values() for name in points)
    remarks = [
        Problem(file, file, "label", f"{shown(name)} in {counts[name]} of {sum(len(e.points) for e in kept)}", reason, "kept")
        for name in sorted(counts)
        if (reason := how.names.reason_unknown(name))
    ]
    left_out = sorted({label for entry in kept for label in entry.left_out})
    if left_out:
        wanted = f"only {', '.join(how.expected or ())} (`ingestion.reading.only_landmarks`)"
        remarks.append(Problem(file, file, "label", f"{len(left_out)} others, left out: {_some(left_out)}", wanted, "kept"))
    absent = [entry.path for entry in kept if not entry.present]
    if 0 < len(absent) < len(kept):  # if all are absent, only points were wanted, as for a ruler
        found = f"{len(absent)} of {len(kept)} not in the folder of images: {_some(absent)}"
        remarks.append(Problem(file, file, "images", found, "an image for each annotation", "kept"))
    if moved := elsewhere(kept):
        found = f"{len(moved)} of {len(kept)} in another folder than annotated: {first_of(moved, 3)}"
        remarks.append(Problem(file, file, "images", found, "the annotated folder; check that it is the same film", "kept"))
    return remarks + [
        Problem(path, path, "file name", path, "UTF-8 without control characters", "kept") for path in folder.unnameable
    ]
