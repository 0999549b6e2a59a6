"""A film as an annotation file names it, and what several entries of one film say of it together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ceph_pipeline.formats.labelled_points import LabelledPoint
from ceph_pipeline.landmarks.geometry import Size

UNKNOWN_MACHINE = "unknown"
ONE_OF_EACH = "one size, split, pixel size and device of one film"
"""What is expected where entries contradict each other."""


@dataclass(frozen=True)
class Film:
    """One image as an annotation file names it.

    Attributes:
        name: Path or name of its file, as the annotation has it.
        file: The annotation file, below the data set's folder, for messages; `place` is the position in it.
        labelled: Points by reader, duplicates included.
        size: (width, height) that the annotation records, if it does.
        original: The film's own name where a tool renamed the file.
        split: train, valid or test; None where nothing says.
        pixel_size_mm: NaN where it is unknown.
        blank: Somebody says that it shows none of the landmarks.
        ordered: How many points have an order only, which must be all of the landmarks that the user names.
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
    """The first of a film's entries, with the points of all, the later ones' of one reader, and the facts that it lacks."""
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
    """The facts of which entries of one film say two things, for messages; empty where there is none.

    Args:
        films: The entries; what one does not say contradicts nothing.
        relative: Points are fractions of the image, so that copies of other sizes have the same ones.
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
    """Whether points of an image of the recorded size fit one of `size`; fractions also fit a resized copy, to a pixel."""
    if not relative:
        return size == recorded
    scale = size[0] / recorded[0]
    return abs(recorded[1] * scale - size[1]) <= max(1.0, scale)
