"""A failed run's message, which names files, stays out of what kedro-viz keeps and publishes."""

import json
from types import SimpleNamespace

import pytest
from kedro_viz.integrations.kedro.hooks_utils import EVENTS_DIR, EVENTS_FILE, write_events_to_file
from kedro_viz.integrations.kedro.run_hooks import PipelineRunStatusHook

from ceph_pipeline.hooks import WorkflowRecordHook
from ceph_pipeline.hooks.workflow_record import EVENTS


@pytest.fixture
def hook(tmp_path):
    hook = WorkflowRecordHook()
    hook.after_context_created(SimpleNamespace(project_path=tmp_path))
    return hook


def test_the_record_is_where_kedro_viz_has_it():
    assert EVENTS.as_posix() == f"{EVENTS_DIR}/{EVENTS_FILE}"


@pytest.mark.parametrize("method", ["on_node_error", "on_pipeline_error"])
def test_messages_are_taken_out_and_what_failed_stays(hook, tmp_path, monkeypatch, method):
    monkeypatch.setattr(
        "kedro_viz.integrations.kedro.run_hooks.write_events",
        lambda events: write_events_to_file(tmp_path, EVENTS_DIR, EVENTS_FILE, json.dumps(events)),
    )
    viz = PipelineRunStatusHook()
    viz._should_collect_events = True
    viz._add_event({"event": "after_node_run", "node": "a"})
    viz.on_pipeline_error(ValueError("Cooper_Jane.png: cut off"))
    assert "Cooper" in (tmp_path / EVENTS).read_text()

    getattr(hook, method)()
    first, last = json.loads((tmp_path / EVENTS).read_text())
    assert first == {"event": "after_node_run", "node": "a"}
    assert (last["event"], last["error"], last["traceback"]) == ("on_pipeline_error", "see the run's log", "")
    assert "Cooper" not in (tmp_path / EVENTS).read_text()


@pytest.mark.parametrize("content", [None, "", "[", "{"])
def test_without_a_record_there_is_nothing_to_do(hook, tmp_path, content):
    if content is not None:
        (tmp_path / EVENTS).parent.mkdir()
        (tmp_path / EVENTS).write_text(content)
    hook.on_pipeline_error()
    assert content is None or (tmp_path / EVENTS).read_text() == content
