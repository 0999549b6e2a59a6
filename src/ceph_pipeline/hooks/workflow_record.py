"""Remove error messages from the record of failed runs that kedro-viz shows in its workflow view."""

import json
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl

from ceph_pipeline.artifacts import write_atomically

EVENTS = Path(".viz", "kedro_pipeline_events.json")
"""File in the project's folder; kedro-viz includes it in a published site."""


class WorkflowRecordHook:
    """Removes error messages, which contain file names, from kedro-viz's record after kedro-viz has written them."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Store the path of the record."""
        self._record = Path(context.project_path) / EVENTS

    @hook_impl(trylast=True)
    def on_node_error(self) -> None:
        """Remove the messages of a failed node."""
        remove_messages(self._record)

    @hook_impl(trylast=True)
    def on_pipeline_error(self) -> None:
        """Remove the messages of a failed run."""
        remove_messages(self._record)


def remove_messages(record: Path) -> None:
    """Replace message and traceback of each error in a record of events, if the file exists."""
    try:
        events = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    silent = {"error": "see the run's log", "traceback": ""}
    write_atomically(record, json.dumps([event | silent if "error" in event else event for event in events], indent=2))
