"""A film as annotation files describe it, and the merging of several entries of one film."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ceph_pipeline.formats.labelled_points import LabelledPoint
from ceph_pipeline.landmarks.geometry import Size

UNKNOWN_MACHINE = "unknown"
ONE_OF_EACH = "one size, split, pixel size and device of one film"
"""Text of `Problem.expected` for contradictory entries."""


@dataclass(frozen=True)
class Film:
    """One image as an annotation file describes it.

    Attributes:
        name: Path or name of the image file in the annotation.
        file: The annotation file, relative to the data set's folder, for messages; `place` is the position in the file.
        labelled: Points by reader, including duplicates.
        size: (width, height) recorded in the annotation, or None.
        original: Original name of the film, if a tool renamed the file.
        split: train, valid or test; None if unknown.
        pixel_size_mm: NaN if unknown.
        blank: Whether an annotation states that the film shows none of the landmarks.
        ordered: Number of points that are identified only by their order. It must equal the number of landmarks that the
            user names.
    """

    name: str
    file: str
    place: str
    labelled: Mapping[str, Sequence[LabelledPoint]]
    size: Size | None = None
    original: str | None = None
    split: str | None = None
    pixel_size_mm: float = math.nan
    machine: str = UNKNOWN_MACHINE
    blank: bool = False
    ordered: int | None = None


def put_together(films: Sequence[Film]) -> Film:
    """Merge the entries of a film: the first entry with the points of all, and with missing facts from the later entries.

    If two entries have points of the same reader, the later entry's points are used.
    """
    first = films[0]
    blank = [film.blank for film in films if film.labelled]
    return replace(
        first,
        labelled={reader: labelled for film in films for reader, labelled in film.labelled.items()},
        size=next((film.size for film in films if film.size), None),
        split=next((film.split for film in films if film.split), None),
        pixel_size_mm=next((film.pixel_size_mm for film in films if not math.isnan(film.pixel_size_mm)), math.nan),
        machine=next((film.machine for film in films if film.machine != UNKNOWN_MACHINE), UNKNOWN_MACHINE),
        blank=bool(blank) and all(blank),
        ordered=next((film.ordered for film in films if film.ordered), None),
    )


def contradictions(films: Sequence[Film], *, relative: bool) -> str:
    """The facts in which entries of one film differ, for messages; empty if there are none.

    Args:
        films: The entries; unknown facts contradict nothing.
        relative: Points are fractions of the image, so that they also fit resized versions of the image.
    """
    sizes = [film.size for film in films if film.size]
    differ = any(not sizes_agree(size, sizes[0], relative=relative) for size in sizes)
    said = {
        "size": [f"{width} × {height}" for width, height in sizes] if differ else [],
        "split": [film.split for film in films if film.split],
        "pixel size": [f"{film.pixel_size_mm:g}" for film in films if not math.isnan(film.pixel_size_mm)],
        "device": [repr(film.machine) for film in films if film.machine != UNKNOWN_MACHINE],
        "number of points": [str(film.ordered) for film in films if film.ordered],
    }
    distinct = {fact: list(dict.fromkeys(values)) for fact, values in said.items()}
    return ", ".join(f"{fact} {' and '.join(values[:3])}" for fact, values in distinct.items() if len(values) > 1)


def sizes_agree(size: Size, recorded: Size, *, relative: bool) -> bool:
    """Whether points recorded for an image of size `recorded` fit an image of `size`; fractions also fit a resized image."""
    if not relative:
        return size == recorded
    scale = size[0] / recorded[0]
    return abs(recorded[1] * scale - size[1]) <= max(1.0, scale)
