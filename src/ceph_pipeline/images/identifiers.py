"""Safe and unique identifiers, made from file names."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from ceph_pipeline.images.kinds import IMAGE_SUFFIXES
from ceph_pipeline.landmarks.tables import IDENTIFIER

_LONGEST = 100
"""Number of letters kept of a long name; with the digest, the identifier is shorter than the limit of `IDENTIFIER`."""

_DEVICE = re.compile(r"(aux|con|nul|prn|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows reserves for devices, with any suffix."""


def safe_identifier(name: str) -> str:
    """An identifier that is a safe file name: the name itself if it is safe, otherwise its ASCII letters and a digest.

    Example:
        >>> safe_identifier("ceph_001"), safe_identifier("nul")
        ('ceph_001', 'nul-5bc585ee')
    """
    text = unicodedata.normalize("NFC", name).strip()
    if re.fullmatch(IDENTIFIER, text) and not _DEVICE.fullmatch(text):
        return text
    return with_digest(text, text)


def identifiers_of(paths: Iterable[str]) -> dict[str, str]:
    """An identifier for each file: its path without the suffix, with folders joined by `_`, made safe.

    `anna/ceph.png` becomes `anna_ceph`. Identifiers that would be equal, also if case is ignored, get a digest of their path.

    Args:
        paths: Paths of the films, relative to their folder, with forward slashes.

    Returns:
        Path by identifier, in the paths' order.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    names = {path: safe_identifier(_joined(path)) for path in paths}
    for path, name in names.items():
        groups[name.casefold()].append(path)
    alone = {path for group in groups.values() if len(group) == 1 for path in group}
    return {name if path in alone else with_digest(name, path): path for path, name in names.items()}


def _joined(path: str) -> str:
    pure = PurePosixPath(path)
    name = pure.stem if pure.suffix.lower() in IMAGE_SUFFIXES else pure.name
    return "_".join((*pure.parts[:-1], name))


def with_digest(name: str, source: str) -> str:
    """The ASCII letters of a name and a digest of `source`, which distinguishes it from names with the same letters.

    The result is safe: `safe_identifier` does not change it.
    """
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", letters).strip("._-")[:_LONGEST]
    digest = hashlib.blake2b(source.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    made = f"{plain or 'film'}-{digest}"
    return f"film-{made}" if _DEVICE.fullmatch(made) else made
