"""What kedro-viz records of a failed run, for its workflow view: where it failed, without the message."""

import json
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl

from ceph_pipeline.artifacts import write_atomically

EVENTS = Path(".viz", "kedro_pipeline_events.json")
"""In the project's folder; a site that is published has it in it."""


class WorkflowRecordHook:
    """Takes errors' messages, in which files are named, out of kedro-viz's record, once kedro-viz has written them."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Keep where the record is."""
        self._record = Path(context.project_path) / EVENTS

    @hook_impl(trylast=True)
    def on_node_error(self) -> None:
        """Of a node."""
        remove_messages(self._record)

    @hook_impl(trylast=True)
    def on_pipeline_error(self) -> None:
        """Of the run."""
        remove_messages(self._record)


def remove_messages(record: Path) -> None:
    """Replace message and traceback of each error in a record of events, where there is one."""
    try:
        events = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    silent = {"error": "as the run has shown it", "traceback": ""}
    write_atomically(record, json.dumps([event | silent if "error" in event else event for event in events], indent=2))
