"""What readers are called in tables, by what files call them."""

from __future__ import annotations

from typing import Any

from ceph_pipeline.formats.files import is_plain

ANNOTATOR = "annotator"
"""The reader of annotations that nobody signed."""
_LONGEST = 64


class ReaderNames:
    """Names as files have them; a running number in the place of a mail address, or of what no table can hold."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, signature: Any, otherwise: str = ANNOTATOR) -> str:
        """The name in the tables.

        Args:
            signature: What the file has; anything but text is no name.
            otherwise: Of annotations that nobody signed.
        """
        name = " ".join(signature.split()) if isinstance(signature, str) else ""
        if not name:
            return otherwise
        if "@" not in name and len(name) <= _LONGEST and is_plain(name):
            return name
        return f"{otherwise}_x{self._numbers.setdefault(name, len(self._numbers) + 1)}"
