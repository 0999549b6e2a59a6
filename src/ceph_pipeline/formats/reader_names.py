"""Names of readers in tables, made from names in files."""

from __future__ import annotations

from typing import Any

from ceph_pipeline.formats.files import is_plain

ANNOTATOR = "annotator"
"""The reader of annotations without an annotator's name."""
_LONGEST = 64


class ReaderNames:
    """Names of readers from files; e-mail addresses and unsafe names are replaced by running numbers."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, signature: Any, otherwise: str = ANNOTATOR) -> str:
        """The reader's name in the tables.

        Args:
            signature: Value in the file; only text is a name.
            otherwise: Name for annotations without an annotator's name.
        """
        name = " ".join(signature.split()) if isinstance(signature, str) else ""
        if not name:
            return otherwise
        if "@" not in name and len(name) <= _LONGEST and is_plain(name):
            return name
        return f"{otherwise}_x{self._numbers.setdefault(name, len(self._numbers) + 1)}"
