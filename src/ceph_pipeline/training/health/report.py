"""Writes the report next to the checkpoint, to the log, and to MLflow."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pandas as pd
from lightning.pytorch.loggers import MLFlowLogger

from ceph_pipeline.artifacts import atomic_path, write_atomically
from ceph_pipeline.training.health import milestones
from ceph_pipeline.training.health.figure import health_figure
from ceph_pipeline.training.health.milestones import MilestoneTable
from ceph_pipeline.training.health.verdict import HealthTable, examine

if TYPE_CHECKING:
    from pathlib import Path

    from lightning.pytorch.loggers import Logger

    from ceph_pipeline.training.health.record import TrainingRecord

logger = logging.getLogger(__name__)


def publish(record: TrainingRecord, folder: Path, run_logger: Logger | None) -> None:
    """Write `health.parquet`, `health.json` and `health.png`, log them to MLflow, and summarise them in the log.

    Args:
        record: The record of the finished training.
        folder: Folder of the files.
        run_logger: Logger of the MLflow run, which receives the tables and the figure; None and other loggers are ignored.
    """
    findings = HealthTable.validate(examine(record))
    passed = MilestoneTable.validate(milestones.compare(record))
    content = {"findings": _rows(findings), "milestones": _rows(passed), "record": json.loads(record.model_dump_json())}
    write_atomically(folder / "health.json", json.dumps(content, indent=1))
    with atomic_path(folder / "health.parquet") as temporary:
        findings.to_parquet(temporary)
    with atomic_path(folder / "health.png") as temporary:
        health_figure(record, findings).savefig(temporary, dpi=110, metadata={"Software": None})
    _log_to_mlflow(folder, findings, passed, run_logger)
    _say(record.stage, findings, passed)


def _say(stage: str, findings: pd.DataFrame, passed: pd.DataFrame) -> None:
    if findings.empty:
        logger.info("%s health: nothing found", stage)
    for row in _rows(findings):
        level = logging.ERROR if row["severity"] == "error" else logging.WARNING
        remedy = f"{row['setting']} {row['suggestion']}".strip()
        logger.log(level, "%s health, %s since epoch %d: %s → %s", stage, row["check"], row["epoch"], row["detail"], remedy)
    if not passed.empty:
        logger.info("%s %s", stage, milestones.summary(passed))


def _log_to_mlflow(folder: Path, findings: pd.DataFrame, passed: pd.DataFrame, run_logger: Logger | None) -> None:
    if not isinstance(run_logger, MLFlowLogger) or run_logger.run_id is None:
        return
    client, run = run_logger.experiment, run_logger.run_id
    for name, table in (("findings", findings), ("milestones", passed)):
        if not table.empty:
            client.log_table(run, table, f"health/{name}.json")
    client.log_artifact(run, str(folder / "health.png"), "health")
    client.set_tag(run, "health", ", ".join(findings["check"]) or "nothing found")


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as plain values."""
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    return rows
