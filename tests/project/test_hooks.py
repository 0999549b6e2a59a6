import io
import logging
import os
import re
import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
from mlflow.exceptions import MlflowException
from pydantic import BaseModel
from rich.console import Console

from ceph_pipeline.hooks import (
    ConfigurationError,
    LeftoversHook,
    QuietHook,
    RunStateHook,
    SummaryHook,
    TrackingHook,
    TrackingStoreHook,
)
from ceph_pipeline.hooks.summary import kedro_command
from ceph_pipeline.stores import FolderDataset, JSONReportDataset, TextDataset


def test_a_store_that_cannot_be_told_of_a_failure_does_not_hide_it(monkeypatch):
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    recording = RunStateHook().on_pipeline_error()
    next(recording)
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0", "a server is asked once"
    with pytest.raises(StopIteration):
        recording.throw(MlflowException("no server"))
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


class TestLeftovers:
    @pytest.mark.parametrize("moment", ["before_pipeline_run", "after_pipeline_run", "on_pipeline_error"])
    @pytest.mark.parametrize("root", ["data", "{project}/data", "file://{project}/data"])
    def test_every_folder_of_the_data_root_is_swept(self, tmp_path, moment, root):
        half_written = tmp_path / "data" / "06_models" / "stage1" / ".last.part-0badcafe.ckpt"
        half_written.parent.mkdir(parents=True)
        half_written.write_bytes(b"")
        (half_written.parent / "best.ckpt").write_bytes(b"")
        hook = LeftoversHook()
        loader = {"globals": {"data_root": root.format(project=tmp_path)}}
        hook.after_context_created(SimpleNamespace(config_loader=loader, project_path=tmp_path))
        getattr(hook, moment)()
        assert [file.name for file in half_written.parent.iterdir()] == ["best.ckpt"]

    def test_object_storage_has_none(self, tmp_path):
        hook = LeftoversHook()
        loader = {"globals": {"data_root": "s3://bucket/data"}}
        hook.after_context_created(SimpleNamespace(config_loader=loader, project_path=tmp_path))
        hook.before_pipeline_run()


class Optim(BaseModel):
    epochs: int = 3


class Params(BaseModel):
    optim: Optim = Optim()


def tracking_hook(name=None):
    run = SimpleNamespace(name=name)
    hook = TrackingHook()
    hook.after_context_created(SimpleNamespace(mlflow=SimpleNamespace(tracking=SimpleNamespace(run=run))))
    return hook, run


SERVER = {"mlflow_tracking_uri": "sqlite:///mlflow.db"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"server": SERVER | {"mlflow_tracking_url": "http://x"}}, "mlflow.server.mlflow_tracking_url: no such parameter. Did"),
        ({"server": SERVER, "trackin": {}}, "mlflow.trackin: no such parameter. Did you mean 'tracking'?"),
        ({"server": SERVER, "mlflow_tracking_uri": "http://x"}, "mlflow.mlflow_tracking_uri: no such parameter."),
        ({"server": SERVER, "tracking": {"experiment": None}}, "mlflow.tracking.experiment = None: should be a valid dictionary"),
        ({"server": None}, "mlflow.server = None: should be a valid dictionary"),
        ({"server": {"mlflow_tracking_uri": None}}, "mlflow.server.mlflow_tracking_uri: missing."),
        ({"server": {"mlflow_tracking_uri": 5}}, "mlflow.server.mlflow_tracking_uri = 5: should be a valid string"),
    ],
)
def test_a_setting_of_the_tracking_store_that_is_wrong_is_named(tmp_path, config, message):
    context = SimpleNamespace(config_loader={"mlflow": config}, project_path=tmp_path)
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        TrackingStoreHook().after_context_created(context)
    assert list(tmp_path.iterdir()) == []


class TestTracking:
    def test_a_run_is_named_after_pipelines_and_environment(self):
        hook, run = tracking_hook()
        hook.before_pipeline_run({"pipeline_names": ["stage1", "crops"], "env": "demo"})
        assert run.name == "stage1+crops (demo)"

    def test_the_main_job_in_the_base_environment(self):
        hook, run = tracking_hook()
        hook.before_pipeline_run({"pipeline_names": None, "env": None})
        assert run.name == "__default__ (base)"

    def test_a_name_from_mlflow_yml_stays(self):
        hook, run = tracking_hook("ablation")
        hook.before_pipeline_run({"pipeline_names": ["stage1"], "env": "demo"})
        assert run.name == "ablation"

    def test_models_become_dictionaries_once_a_run(self):
        hook, _ = tracking_hook()
        first, second = ({"params:stage1": Params(), "images": 1} for _ in range(2))
        hook.before_node_run(first)
        hook.before_node_run(second)

        assert first == {"params:stage1": {"optim": {"epochs": 3}}, "images": 1}
        assert second == {"images": 1}


def test_log_lines_are_printable_and_tables_keep_their_lines():
    handler = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(handler)
    try:
        QuietHook().after_context_created()
        logging.getLogger("ceph_pipeline.test").error("%s of\n\ttwo lines", "a\x1b[31m\x07\u2028.png")
    finally:
        logging.getLogger().removeHandler(handler)
    assert handler.stream.getvalue() == "a\\x1b[31m\\x07\\u2028.png of\n\ttwo lines\n"


def test_a_run_logs_the_names_of_its_nodes_and_how_many_are_done(caplog):
    first = node(lambda a: a, "a", "b", name="first", namespace="part")
    failing = node(_fail, "b", "c", name="second")
    catalog = DataCatalog({"a": MemoryDataset(1), "part.a": MemoryDataset(1), "b": MemoryDataset(1)})
    hook = QuietHook()
    handler = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(handler)
    try:
        hook.after_context_created()
        with caplog.at_level(logging.INFO):
            for each in (first, failing):
                hook.before_node_run(each)
                with suppress(ValueError):
                    SequentialRunner().run(pipeline([each]), catalog)
    finally:
        logging.getLogger().removeHandler(handler)
    lines = handler.stream.getvalue().splitlines()
    assert [line for line in lines if " sec." not in line] == [
        "Running node: part.first",
        "Completed 1 out of 1 tasks",
        "Running node: second",
        "Node second failed",
    ]


def _fail(a):
    raise ValueError("unknown")


def test_libraries_that_talk_are_silenced_and_we_are_not():
    logging.getLogger("mlflow").setLevel(logging.INFO)
    QuietHook().after_context_created()

    assert not logging.getLogger("mlflow.store.db").isEnabledFor(logging.WARNING)
    assert not logging.getLogger("mlflow.store.db.utils").isEnabledFor(logging.ERROR), "it raises what it logs"
    assert logging.getLogger("ceph_pipeline.audit").isEnabledFor(logging.INFO)


def test_telemetry_is_off_before_anything_else_is_imported(project):
    for variable in ("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "KEDRO_DISABLE_TELEMETRY", "NO_ALBUMENTATIONS_UPDATE"):
        assert os.environ[variable] == "1"
    assert (project / ".telemetry").read_text() == "consent: false\n"


STAGE = {
    "mre_mm": 1.25, "mre_mm_ci95": [1.0, 1.5], "mre_px": 9.6, "sdr_2.0": 80.0, "sdr_2.5": 85.0, "sdr_3.0": 90.0, "sdr_4.0": 95.0,
    "n_images": 8, "n_images_mm": 8, "n_landmarks": 29, "n_missing": 0,
}  # fmt: skip
REPORT = {
    "stage1": STAGE,
    "stage2": STAGE | {"mre_mm": 1.0},
    "mean_shape": STAGE | {"mre_mm": 6.0},
    "details": {
        "comparisons": {"stage2_vs_stage1": {"improvement_percent": 20.0, "ci95": [12.0, 28.0], "n_images": 8, "unit": "mm"}},
        "beats_mean_shape": {"stage1": True, "stage2": True},
        "without_near_duplicates": {"n_left_out": 0},
        "inter_reader": None,
        "n_images_without_truth": 0,
    },
}


class TestSummary:
    @staticmethod
    def run(tmp_path, monkeypatch, made, env="demo", folder=None):
        monkeypatch.chdir(tmp_path)
        places = {name: f"{folder or tmp_path / 'data'}/{name}" for name in ("metrics.json", "audit.html", "report.html")}
        report = JSONReportDataset(filepath=places["metrics.json"])
        report.save(REPORT)
        reports = tmp_path / "reports"
        reports.mkdir()
        (reports / "index.html").touch()
        catalog = DataCatalog(
            {
                "metrics": report,
                "cross_validation": MemoryDataset({"stages": {"stage1": REPORT["stage1"]}, "comparisons": {}}),
                "evaluation_html": TextDataset(filepath=places["report.html"]),
                "audit_html": TextDataset(filepath=places["audit.html"]),
                "inference_report_folder": FolderDataset(filepath=str(reports)),
                "a": MemoryDataset(1),
            }
        )
        console = Console(record=True, width=80, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115 - what is printed goes nowhere
        hook = SummaryHook(console)
        hook.before_pipeline_run()
        hook.after_pipeline_run({"env": env}, pipeline([node(lambda *_: None, *made, name="n")]), catalog)
        return console.export_text()

    def test_an_evaluation_ends_with_its_stages_and_places(self, tmp_path, monkeypatch):
        text = self.run(tmp_path, monkeypatch, ("a", ["metrics", "audit_html", "evaluation_html"]))

        assert re.search(r"stage 1\s+1\.25", text, re.IGNORECASE)
        assert "beats" in text
        assert re.search(r"audit\s+data/audit\.html\n", text)
        assert re.search(r"report\s+data/report\.html\n", text)
        assert re.search(r"kedro-viz\s+kedro viz run --env demo", text)
        assert re.search(r"MLflow\s+kedro mlflow ui --env demo", text)
        assert re.search(r"time\s+\d+ min \d+ s", text)

    def test_a_cross_validation_ends_with_its_errors(self, tmp_path, monkeypatch):
        text = self.run(tmp_path, monkeypatch, ("a", "cross_validation"))

        assert "Cross-validation, stage 1: mean radial error 1.250 mm, 9.6 px on 8 training" in text

    def test_a_report_on_object_storage_keeps_its_url(self, tmp_path, monkeypatch):
        text = self.run(tmp_path, monkeypatch, ("a", "evaluation_html"), folder="memory://bucket/08_reporting")

        assert re.search(r"report\s+memory://bucket/08_reporting/report\.html\n", text)

    def test_the_overview_of_new_x_rays(self, tmp_path, monkeypatch):
        text = self.run(tmp_path, monkeypatch, (["a", "inference_report_folder"], "b"))

        assert re.search(r"reports\s+reports/index\.html\n", text)

    def test_another_run_ends_with_places_only(self, tmp_path, monkeypatch):
        text = self.run(tmp_path, monkeypatch, ("a", "b"), env=None)

        assert "stage" not in text
        assert "html" not in text
        assert re.search(r"kedro-viz\s+kedro viz run\n", text)

    @pytest.mark.parametrize(
        ("program", "command"),
        [("{cwd}/.venv/bin/kedro", ".venv/bin/kedro"), ("/usr/bin/kedro", "kedro"), ("{cwd}/x/pytest", "kedro")],
    )
    def test_the_command_can_be_copied_into_the_terminal(self, tmp_path, monkeypatch, program, command):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [program.format(cwd=tmp_path)])
        assert kedro_command() == command
