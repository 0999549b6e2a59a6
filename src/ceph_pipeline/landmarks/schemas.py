"""The landmarks of the public data sets: names, symbols, identifiers and file order.

A landmark's key is its full name ("Nasion"), the same in every data set, so that tables of different origin join.
Symbols differ by single characters (`N` and `` N` ``) and data sets number the same point differently; they are looked
up here and nowhere else.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Landmark:
    """One anatomical point.

    Attributes:
        name: Full name, the key in every table.
        symbol: The short form of the literature; `` N` `` with a backtick for soft-tissue points.
        tissue: `skeletal`, `dental`, `soft` or `ruler`.
        aariz_id: `landmark_id` in Aariz annotation files, if the point belongs to that set.
    """

    name: str
    symbol: str
    tissue: str
    aariz_id: str | None = None


AARIZ = (
    Landmark("A-point", "A", "skeletal", "ckr20ld7v4a4r0za3gqkydid2"),
    Landmark("Anterior Nasal Spine", "ANS", "skeletal", "ckr6rysyb3jyi0y303gbq84ks"),
    Landmark("B-point", "B", "skeletal", "ckr6rysyb3jyk0y301dcyhf9q"),
    Landmark("Menton", "Me", "skeletal", "ckr6rysyc3jym0y307w5s1g4a"),
    Landmark("Nasion", "N", "skeletal", "ckr6rysyc3jyo0y3083er4fow"),
    Landmark("Orbitale", "Or", "skeletal", "ckr6rysyc3jyq0y306afa3t9a"),
    Landmark("Pogonion", "Pog", "skeletal", "ckr6rysyd3jys0y30gd1rahjp"),
    Landmark("Posterior Nasal Spine", "PNS", "skeletal", "ckr6rysyd3jyu0y30ah3205y8"),
    Landmark("Pronasale", "Pn", "soft", "ckr6rysyd3jyw0y30hbbkfcb2"),
    Landmark("Ramus", "R", "skeletal", "ckr6rysye3jyy0y30h8n07rrl"),
    Landmark("Sella", "S", "skeletal", "ckr6rysye3jz00y30fzx36g43"),
    Landmark("Articulare", "Ar", "skeletal", "ckr6rysye3jz20y303mmleb3m"),
    Landmark("Condylion", "Co", "skeletal", "ckr6rysye3jz40y309hjl6dp2"),
    Landmark("Gnathion", "Gn", "skeletal", "ckr6rysyf3jz60y30d6ir73i6"),
    Landmark("Gonion", "Go", "skeletal", "ckr6rysyf3jz80y308ruj39bx"),
    Landmark("Porion", "Po", "skeletal", "ckr6rysyf3jza0y3010od7lu3"),
    Landmark("Lower 2nd PM Cusp Tip", "LPM", "dental", "ckr6rysyf3jzc0y30bjsl17p5"),
    Landmark("Lower Incisor Tip", "LIT", "dental", "ckr6rysyf3jze0y308g246gqv"),
    Landmark("Lower Molar Cusp Tip", "LMT", "dental", "ckr6rysyf3jzg0y3004pzauxj"),
    Landmark("Upper 2nd PM Cusp Tip", "UPM", "dental", "ckr6rysyf3jzi0y303zh895ny"),
    Landmark("Upper Incisor Apex", "UIA", "dental", "ckr6rysyg3jzk0y303unk9msw"),
    Landmark("Upper Incisor Tip", "UIT", "dental", "ckr6rysyg3jzm0y30e4r55szn"),
    Landmark("Upper Molar Cusp Tip", "UMT", "dental", "ckr6rysyg3jzo0y309pc56jgb"),
    Landmark("Lower Incisor Apex", "LIA", "dental", "ckr6rysyg3jzq0y309625913x"),
    Landmark("Labrale inferius", "Li", "soft", "ckr6rysyg3jzs0y30533sccfw"),
    Landmark("Labrale superius", "Ls", "soft", "ckr6rysyg3jzu0y308e25br5c"),
    Landmark("Soft Tissue Nasion", "N`", "soft", "ckr6rysyg3jzw0y30cnaufc5r"),
    Landmark("Soft Tissue Pogonion", "Pog`", "soft", "ckr6rysyh3jzy0y30dqpoar9x"),
    Landmark("Subnasale", "Sn", "soft", "ckr6rysyh3k000y302tpa6jn2"),
)
"""Aariz, 29 points in file order (Khalid et al., Aariz data set)."""

RULER = (Landmark("p1", "p1", "ruler"), Landmark("p2", "p2", "ruler"))
"""The two marks on the nasal ruler, 10 mm apart."""


class UnknownLandmarkError(KeyError):
    """A landmark's name or symbol is in no schema."""

    def __str__(self) -> str:
        return str(self.args[0])


@cache
def _by_key() -> dict[str, Landmark]:
    """Every landmark under its full name and its symbol."""
    table = {landmark.name: landmark for landmark in (*AARIZ, *RULER)}
    return table | {landmark.symbol: landmark for landmark in (*AARIZ, *RULER)}


def find(key: str) -> Landmark:
    """Look a landmark up by full name or by symbol; both are case-sensitive.

    Raises:
        UnknownLandmarkError: no schema knows the key; the message suggests the nearest.
    """
    try:
        return _by_key()[key]
    except KeyError:
        near = difflib.get_close_matches(key, _by_key(), n=3, cutoff=0.4)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise UnknownLandmarkError(f"unknown landmark {key!r}.{hint}") from None


@dataclass(frozen=True)
class LandmarkSchema:
    """An ordered set of landmarks: the order of a file's lines and of a network's channels."""

    name: str
    landmarks: tuple[Landmark, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Full names, in order."""
        return tuple(landmark.name for landmark in self.landmarks)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols, in order."""
        return tuple(landmark.symbol for landmark in self.landmarks)

    def __len__(self) -> int:
        return len(self.landmarks)

    def __iter__(self) -> Iterator[Landmark]:
        return iter(self.landmarks)


_ISBI_ORDER = (
    "S",
    "N",
    "Or",
    "Po",
    "A",
    "B",
    "Pog",
    "Me",
    "Gn",
    "Go",
    "LIT",
    "UIT",
    "Ls",
    "Li",
    "Sn",
    "Pog`",
    "PNS",
    "ANS",
    "Ar",
)

SCHEMAS = {
    "aariz": LandmarkSchema("aariz", AARIZ),
    "isbi2015": LandmarkSchema("isbi2015", tuple(find(symbol) for symbol in _ISBI_ORDER)),
    "ruler": LandmarkSchema("ruler", RULER),
}
"""Schemas by name. ISBI 2015's 19 points carry the names of the same points in Aariz (Subspinale is the A-point,
Supramentale the B-point, an incisal incision an incisor's tip, upper and lower lip the labralia)."""
