"""A record, kept beside an artefact, of what it was made from and whether it is complete."""

import json
from pathlib import Path
from typing import Any

from ceph_pipeline.artifacts.atomic import write_atomically


class Ledger:
    """Says whether a folder's content is complete, unfinished or made from something else.

    The record `.ledger.json` holds the fingerprint of the inputs, a readable summary of the parameters, and `complete`.

        ledger = Ledger(folder)
        if ledger.is_complete(print_) and not force: ...   # skip, and say so
        ledger.begin(print_, summary); ...; ledger.finish()
    """

    def __init__(self, folder: Path) -> None:
        self.path = Path(folder) / ".ledger.json"

    def read(self) -> dict[str, Any]:
        """The record, or an empty dict where there is none or it cannot be read."""
        try:
            record = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return record if isinstance(record, dict) else {}

    def is_complete(self, fingerprint: str) -> bool:
        """The folder was finished from exactly these inputs."""
        record = self.read()
        return record.get("fingerprint") == fingerprint and record.get("complete") is True

    def is_continuation(self, fingerprint: str) -> bool:
        """Work on exactly these inputs was begun here, finished or not."""
        return self.read().get("fingerprint") == fingerprint

    def difference(self, summary: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Entries of the recorded summary that differ: key to (recorded, now)."""
        recorded = self.read().get("summary", {})
        keys = sorted({*recorded, *summary})
        return {key: (recorded.get(key), summary.get(key)) for key in keys if recorded.get(key) != summary.get(key)}

    def begin(self, fingerprint: str, summary: dict[str, Any]) -> None:
        """Record that work on these inputs starts."""
        self._write({"fingerprint": fingerprint, "summary": summary, "complete": False})

    def finish(self, **facts: Any) -> None:
        """Record that the work begun last is complete, with facts worth keeping beside it."""
        self._write(self.read() | facts | {"complete": True})

    def _write(self, record: dict[str, Any]) -> None:
        write_atomically(self.path, json.dumps(record, indent=2, sort_keys=True))
