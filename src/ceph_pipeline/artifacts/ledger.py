"""Manifests: a file next to an artefact with the fingerprint of its inputs and its completion state."""

import json
from pathlib import Path
from typing import Any

from ceph_pipeline.artifacts.folder import Folder

LEDGER_FILE = ".ledger.json"
"""Name of the manifest in its folder."""


class Ledger:
    """The manifest of a folder, which records whether its content is complete and from which inputs it was made.

    The manifest `.ledger.json` contains the fingerprint of the inputs, a readable summary of the parameters, and `complete`.

        ledger = Ledger(folder)
        if ledger.is_complete(print_) and not force: ...   # skip, and log it
        ledger.begin(print_, summary); ...; ledger.finish()
    """

    def __init__(self, folder: Path | Folder) -> None:
        self.folder = folder if isinstance(folder, Folder) else Folder(str(folder))
        self._begun: dict[str, Any] | None = None

    def read(self) -> dict[str, Any]:
        """The manifest, or an empty dict if it does not exist or cannot be read."""
        try:
            record = json.loads(self.folder.read(LEDGER_FILE))
        except (FileNotFoundError, ValueError, RecursionError):
            return {}
        return record if isinstance(record, dict) and isinstance(record.get("summary", {}), dict) else {}

    def is_complete(self, fingerprint: str) -> bool:
        """Whether work on these inputs was completed."""
        record = self.read()
        return record.get("fingerprint") == fingerprint and record.get("complete") is True

    def is_continuation(self, fingerprint: str) -> bool:
        """Whether work on these inputs was started, completed or not."""
        return self.read().get("fingerprint") == fingerprint

    def difference(self, summary: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Entries of the summary that differ: dotted key to (recorded, now); None stands for a missing entry."""
        recorded = self.read().get("summary", {})
        return _difference(recorded, json.loads(json.dumps(summary)))

    def begin(self, fingerprint: str, summary: dict[str, Any], **facts: Any) -> None:
        """Record that work on these inputs starts, with additional facts."""
        self._begun = {"fingerprint": fingerprint, "summary": summary, "complete": False} | facts
        self._write(self._begun)

    def finish(self, **facts: Any) -> None:
        """Record that the work is complete, with additional facts.

        The work is the one that this object began, otherwise the one that was recorded last. If another process has begun work on
        other inputs in the meantime, that work is not recorded as complete.
        """
        self._write((self._begun or self.read()) | facts | {"complete": True})

    def _write(self, record: dict[str, Any]) -> None:
        self.folder.write(LEDGER_FILE, json.dumps(record, indent=2, sort_keys=True).encode())


def _difference(before: dict[str, Any], now: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found |= {f"{key}.{inner}": change for inner, change in _difference(old, new).items()}
        elif old != new:
            found[key] = (old, new)
    return found
