"""The report: beside the checkpoint, in the log, and in MLflow."""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any

import pandas as pd
from lightning.pytorch.loggers import MLFlowLogger

from ceph_pipeline.artifacts import atomic_path, write_atomically
from ceph_pipeline.training.health import milestones
from ceph_pipeline.training.health.figure import health_figure
from ceph_pipeline.training.health.tables import HealthTable, MilestoneTable, WatchedTable
from ceph_pipeline.training.health.verdict import examine

if TYPE_CHECKING:
    from pathlib import Path

    from lightning.pytorch.loggers import Logger

    from ceph_pipeline.training.health.record import TrainingRecord, WatchedPoint

logger = logging.getLogger(__name__)


def publish(record: TrainingRecord, folder: Path, run_logger: Logger | None) -> pd.DataFrame:
    """Write `health.parquet`, `health.json`, `health.png` and `watched_points.parquet`, log them, and say what they say.

    Args:
        record: The finished training.
        folder: Receives the files.
        run_logger: Its MLflow run, which receives the tables and the figure; None or another logger: none.

    Returns:
        The findings, rows of `HealthTable`.
    """
    findings = HealthTable.validate(examine(record))
    passed = MilestoneTable.validate(milestones.compare(record))
    watched = WatchedTable.validate(pd.DataFrame([point.model_dump() for point in record.watched], columns=list(_WATCHED)))
    content = {"findings": _rows(findings), "milestones": _rows(passed), "record": json.loads(record.model_dump_json())}
    write_atomically(folder / "health.json", json.dumps(content, indent=1))
    for name, table in (("health", findings), ("watched_points", watched)):
        with atomic_path(folder / f"{name}.parquet") as temporary:
            table.to_parquet(temporary)
    with atomic_path(folder / "health.png") as temporary:
        health_figure(record, findings).savefig(temporary, dpi=110, metadata={"Software": None})
    _log_to_mlflow(folder, findings, passed, watched, run_logger)
    _say(record.stage, findings, passed)
    return findings


def log_watched(points: list[WatchedPoint], run_logger: Logger | None) -> None:
    """The errors of watched points as curves, in px of the originals."""
    if run_logger is not None and points:
        errors = {f"watched/{point.image_id}/{point.landmark}": point.error_px for point in points}
        run_logger.log_metrics({name: value for name, value in errors.items() if math.isfinite(value)}, points[0].epoch)


def _say(stage: str, findings: pd.DataFrame, passed: pd.DataFrame) -> None:
    if findings.empty:
        logger.info("%s health: nothing found", stage)
    for row in _rows(findings):
        level = logging.ERROR if row["severity"] == "error" else logging.WARNING
        remedy = f"{row['setting']} {row['suggestion']}".strip()
        logger.log(level, "%s health, %s since epoch %d: %s → %s", stage, row["check"], row["epoch"], row["detail"], remedy)
    if not passed.empty:
        logger.info("%s %s", stage, milestones.summary(passed))


def _log_to_mlflow(
    folder: Path, findings: pd.DataFrame, passed: pd.DataFrame, watched: pd.DataFrame, run_logger: Logger | None
) -> None:
    if not isinstance(run_logger, MLFlowLogger) or run_logger.run_id is None:
        return
    client, run = run_logger.experiment, run_logger.run_id
    for name, table in (("findings", findings), ("milestones", passed), ("watched_points", watched)):
        if not table.empty:
            client.log_table(run, table, f"health/{name}.json")
    client.log_artifact(run, str(folder / "health.png"), "health")
    client.set_tag(run, "health", ", ".join(findings["check"]) or "nothing found")


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Plain values of a table's rows."""
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    return rows


_WATCHED = WatchedTable.to_schema().columns
