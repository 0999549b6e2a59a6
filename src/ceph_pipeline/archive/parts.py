"""Division of an archive's films into parts; a new film changes only the parts near it."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ceph_pipeline.artifacts import fingerprint


class FilmFile(NamedTuple):
    """A file that may be a film.

    Attributes:
        image_id: Identifier of the film.
        path: Path relative to the archive's folder.
        stamp: A text that changes when the file changes.
        sheet_mm: Millimetres per pixel from the user's sheet; None if the sheet contains no value.
    """

    image_id: str
    path: str
    stamp: str
    sheet_mm: float | None = None


class Part(NamedTuple):
    """Films that are processed together.

    Attributes:
        name: Name of the Parquet files; it changes when the films or other inputs of the results change.
        films: At least one film.
    """

    name: str
    films: tuple[FilmFile, ...]


def parts_of(films: Iterable[FilmFile], size: int, made_by: str) -> Iterator[Part]:
    """Divide films, in their order, into parts of `size` films on average.

    A part contains at most `2 * size` films and, except for the last part, at least half of `size`. The digests of the films'
    paths, not a number of films, determine where a part ends. An added film therefore changes its own part and sometimes a few
    later parts, but not all of them.

    Args:
        films: All films of the archive.
        size: Average number of films per part.
        made_by: Fingerprint of all other inputs of the results.
    """
    least = (size + 1) // 2
    held: list[FilmFile] = []
    for film in films:
        held.append(film)
        digest = hashlib.blake2b(film.path.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        ends = int.from_bytes(digest) % (size - least + 1) == 0
        if (ends and len(held) >= least) or len(held) == 2 * size:
            yield _part(held, made_by)
            held = []
    if held:
        yield _part(held, made_by)


def _part(films: list[FilmFile], made_by: str) -> Part:
    return Part(f"part-{fingerprint(made_by, [list(film) for film in films])}", tuple(films))
