"""The landmarks of the public data sets: names, symbols, identifiers and file order.

A landmark's key is its full name ("Nasion"), the same in every data set, so that tables of different data sets can be joined.
Symbols may differ by a single character (`N` and `` N` ``), and data sets number the same point differently. All code looks up
landmarks here.
"""

import difflib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from ceph_pipeline.errors import CephError, InvalidValueError, did_you_mean
from ceph_pipeline.landmarks.aliases import ALIASES, spelling


@dataclass(frozen=True)
class Landmark:
    """One anatomical point.

    Attributes:
        name: Full name, the key in every table.
        symbol: The abbreviation of the literature; `` N` `` with a backtick for soft-tissue points.
        tissue: `skeletal`, `dental`, `soft`, `ruler`, a user's own group, or `unknown`.
        aariz_id: `landmark_id` in Aariz annotation files, if the point is in the Aariz data set.
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
RULER_MARKS = [mark.name for mark in RULER]


def tidy(label: str) -> str:
    """Normalise a label: one Unicode form, no invisible characters, single ordinary blanks, a backtick for a prime."""
    visible = "".join(letter for letter in unicodedata.normalize("NFC", label) if unicodedata.category(letter) != "Cf")
    text = " ".join(visible.split())
    return text[:-1] + "`" if text[-1:] in _PRIMES else text


_PRIMES = ("'", "\u2019", "\u2032", "\u00b4")
"""Apostrophe, right quotation mark, prime and acute accent, which are used for the soft-tissue backtick."""


class UnknownLandmarkError(CephError, KeyError):
    """A landmark's name or symbol is in no schema."""

    def __str__(self) -> str:
        return str(self.args[0])


@cache
def _by_key() -> dict[str, Landmark]:
    """Every landmark under its full name, its symbol and its aliases."""
    landmarks = (*AARIZ, *RULER, *_numbered("CL23", "CL-Detection 2023", 20, 38), *_numbered("CL24", "CL-Detection 2024", 20, 53))
    table = {landmark.symbol: landmark for landmark in landmarks} | {landmark.name: landmark for landmark in landmarks}
    return table | {alias: table[name] for name, aliases in ALIASES.items() for alias in aliases}


def _numbered(symbol: str, dataset: str, first: int, last: int) -> tuple[Landmark, ...]:
    """Points that their data set numbers without naming them."""
    return tuple(Landmark(f"{dataset} point {n}", f"{symbol}-{n}", "unknown") for n in range(first, last + 1))


@cache
def _by_spelling() -> dict[str, Landmark]:
    """Landmarks by `spelling`; without single letters, ruler marks, and spellings of several landmarks, which remain exact."""
    return {spelt: landmark for spelt, landmark in by_spelling(_by_key()).items() if landmark not in RULER}


def by_spelling(keys: Mapping[str, Landmark]) -> dict[str, Landmark]:
    """Landmarks by the spelling of their keys, without single letters (`a` is not `A`) and spellings of several landmarks."""
    found: dict[str, set[Landmark]] = {}
    for key, landmark in keys.items():
        found.setdefault(spelling(key), set()).add(landmark)
    return {spelt: landmarks.pop() for spelt, landmarks in found.items() if len(spelt) > 1 and len(landmarks) == 1}


def find(key: str) -> Landmark:
    """Find a landmark by full name, symbol or alias, or by one of them in another spelling.

    Other spellings differ in upper and lower case, blanks, hyphens and underscores. Single letters and the ruler's marks are
    case-sensitive: `a` is not the A-point.

    Raises:
        UnknownLandmarkError: no schema contains the key; the message suggests similar keys.

    Example:
        >>> find("Go").name, find("GONION").name, find("a_point").name
        ('Gonion', 'Gonion', 'A-point')
    """
    found = _by_key().get(key) or _by_spelling().get(spelling(key))
    if found is None:
        hint = did_you_mean(key, _by_key(), n=3, cutoff=0.4)
        raise UnknownLandmarkError(f"unknown landmark {key!r}.{hint}")
    return found


def is_known(name: str) -> bool:
    """Whether a name of a table is the exact name, symbol or alias of a known landmark."""
    return name in _by_key()


def nearest_name(label: str) -> str | None:
    """The full name of the known landmark whose name, symbol or alias resembles an unknown label most, or None."""
    spelt = {spelling(key): landmark.name for key, landmark in _by_key().items()}
    near = difflib.get_close_matches(spelling(label), spelt, n=1, cutoff=0.7)
    return spelt[near[0]] if near else None


def known_or_own(key: str) -> Landmark:
    """The landmark of a name in a table, which has exactly one spelling; an unknown name is a user-defined landmark.

    >>> known_or_own("Go").name, known_or_own("Glabella").symbol
    ('Gonion', 'Glabella')
    """
    return _by_key().get(key) or Landmark(key, key, "unknown")


def landmark_of(label: str) -> Landmark:
    """The landmark of a label that a person wrote, in any spelling; an unknown label is a user-defined landmark."""
    try:
        return find(label)
    except UnknownLandmarkError:
        return known_or_own(label)


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

_ISBI = tuple(find(symbol) for symbol in _ISBI_ORDER)

SCHEMAS = {
    "aariz": LandmarkSchema("aariz", AARIZ),
    "isbi2015": LandmarkSchema("isbi2015", _ISBI),
    "cl_detection2023": LandmarkSchema("cl_detection2023", (*_ISBI, *_numbered("CL23", "CL-Detection 2023", 20, 38))),
    "cl_detection2024": LandmarkSchema("cl_detection2024", (*_ISBI, *_numbered("CL24", "CL-Detection 2024", 20, 53))),
    "ruler": LandmarkSchema("ruler", RULER),
}
"""Schemas by name. ISBI 2015's 19 points have the names of the same points in Aariz (Subspinale is the A-point, Supramentale
the B-point, an incisal incision an incisor's tip, upper and lower lip the labralia). CL-Detection extends ISBI 2015: points 1 to
19 are the points of ISBI 2015 in the same order; the others have numbers, because no public source names them."""


def common_landmarks(first: LandmarkSchema, second: LandmarkSchema) -> tuple[str, ...]:
    """Full names of the landmarks that both sets have, in the first one's order.

    A name means the same point in every table. A model that was trained on one set can therefore be evaluated on images of the
    other set at these points: `common_landmarks(SCHEMAS["aariz"], SCHEMAS["cl_detection2023"])` are ISBI 2015's 19.
    """
    known = set(second.names)
    return tuple(name for name in first.names if name in known)


def own_schema(name: str, entries: tuple[str | Mapping[str, str], ...]) -> LandmarkSchema:
    """A schema from a configuration.

    Args:
        name: Name of the schema.
        entries: In order, each a name, symbol or alias of a known landmark, a new name, or a mapping with `name` and, optionally,
            `symbol` and `group`.

    Raises:
        ValueError: a mapping without name or with other keys, or two landmarks with one name or symbol.
    """
    landmarks = tuple(_landmark(entry) for entry in entries)
    keys = [key for landmark in landmarks for key in {landmark.name, landmark.symbol}]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise InvalidValueError(f"landmarks: {', '.join(map(repr, twice))} more than once; each name and symbol must be unique.")
    return LandmarkSchema(name, landmarks)


def _landmark(entry: str | Mapping[str, str]) -> Landmark:
    if isinstance(entry, str):
        return landmark_of(tidy(entry))
    unknown = set(entry) - {"name", "symbol", "group"}
    if "name" not in entry or unknown:
        raise InvalidValueError(f"landmarks: {dict(entry)!r}; expected `name` and, optionally, `symbol` and `group`.")
    name = tidy(entry["name"])
    return Landmark(name, tidy(entry.get("symbol", name)), entry.get("group", "unknown"))
