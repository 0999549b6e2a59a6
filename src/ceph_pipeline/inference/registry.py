"""The detector's versions in MLflow's model registry: `models:/ceph-detector@champion` is the one that is in use."""

import mlflow
from mlflow.entities.logged_model import LoggedModel
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

REGISTERED_MODEL = "ceph-detector"
CANDIDATE, CHAMPION = "candidate", "champion"
CHECKPOINTS_TAG = "checkpoints"
"""Tag of a version: the digest of its networks."""


def register_candidate(model: LoggedModel, checkpoints: str) -> ModelVersion:
    """Register a logged detector as the next version, and point the alias `candidate` at it.

    Args:
        model: From `log_detector`.
        checkpoints: Digest of its networks. Where the candidate has the same ones, it stays what it is.
    """
    before = version_with(CANDIDATE)
    if before is not None and before.tags.get(CHECKPOINTS_TAG) == checkpoints:
        return before
    version = mlflow.register_model(model.model_uri, REGISTERED_MODEL, tags={CHECKPOINTS_TAG: checkpoints})
    mlflow.MlflowClient().set_registered_model_alias(REGISTERED_MODEL, CANDIDATE, version.version)
    return version


def version_with(alias: str) -> ModelVersion | None:
    """The version that an alias points at, if any."""
    try:
        return mlflow.MlflowClient().get_model_version_by_alias(REGISTERED_MODEL, alias)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:  # no such model; no such alias
            return None
        raise


def make_champion(version: ModelVersion) -> None:
    """Point the alias `champion` at a version."""
    mlflow.MlflowClient().set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version.version)


def uri_of(version: ModelVersion) -> str:
    """What `LandmarkDetector.load` takes."""
    return f"models:/{REGISTERED_MODEL}/{version.version}"
