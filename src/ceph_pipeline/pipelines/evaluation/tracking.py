"""What the evaluation leaves in MLflow and reads back from there."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ceph_pipeline.evaluation import EvaluationError

ERRORS_ARTIFACT = "evaluation/errors.parquet"
"""Where the catalog puts a run's errors among its artefacts."""


def log_metrics(metrics: Mapping[str, float]) -> None:
    """Log what is known to the MLflow run that is open, if one is."""
    import mlflow

    if mlflow.active_run():
        mlflow.log_metrics({name.replace(" ", "_"): float(value) for name, value in metrics.items() if pd.notna(value)})


def errors_of_run(run_id: str) -> pd.DataFrame:
    """The `ErrorTable` that a run has logged.

    Raises:
        EvaluationError: there is no such run, or it has no errors.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        try:
            mlflow.get_run(run_id)
            file = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=ERRORS_ARTIFACT, dst_path=folder)
        except (MlflowException, OSError) as error:
            raise EvaluationError(
                f"evaluation.compare_with = {run_id!r}: no artefact {ERRORS_ARTIFACT} of that run in "
                f"{mlflow.get_tracking_uri()} ({str(error).splitlines()[0]}). Name a run of the evaluation pipeline."
            ) from None
        return pd.read_parquet(Path(file))
