"""An archive's films in parts that stay the same where others change."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ceph_pipeline.artifacts import fingerprint


class FilmFile(NamedTuple):
    """A file that may be a film.

    Attributes:
        image_id: Its identifier.
        path: Below the archive's folder.
        stamp: What changes when the file does.
        sheet_mm: Millimetres per pixel by the user's sheet, None where that says nothing.
    """

    image_id: str
    path: str
    stamp: str
    sheet_mm: float | None = None


class Part(NamedTuple):
    """Films that are worked on together.

    Attributes:
        name: Of the Parquet files; it changes with the films and with whatever else results depend on.
        films: At least one.
    """

    name: str
    films: tuple[FilmFile, ...]


def parts_of(films: Iterable[FilmFile], size: int, made_by: str) -> Iterator[Part]:
    """Cut films, in their order, into parts of `size` on average, of at most twice as many and, but for the last, at least half.

    A part ends with a film whose path's digest says so, not after a number of films: where one is added, its part changes, and at
    times a few after it, but not all of them.

    Args:
        films: Of the whole archive.
        size: Films a part.
        made_by: Digest of what else results depend on.
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
