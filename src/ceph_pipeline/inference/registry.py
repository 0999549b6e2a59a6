"""Detectors in MLflow's model registry: `models:/ceph-detector@champion` is the version that is in use.

Each data set has its own registered model (`evaluation.registered_model`). A detector of other landmarks, or one trained on
phantoms (synthetic cephalograms), therefore never becomes the candidate of a model that is in use.
"""

import mlflow
from mlflow.entities.logged_model import LoggedModel
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

CANDIDATE, CHAMPION = "candidate", "champion"
CHECKPOINTS_TAG = "checkpoints"
"""Tag of a version; its value is the digest of the networks."""


def register_candidate(name: str, model: LoggedModel, checkpoints: str) -> ModelVersion:
    """Register a logged detector as the next version, and point the alias `candidate` at it.

    Args:
        name: The registered model.
        model: From `log_detector`.
        checkpoints: Digest of the networks. If the present candidate has the same digest, no new version is registered.
    """
    before = version_with(name, CANDIDATE)
    if before is not None and before.tags.get(CHECKPOINTS_TAG) == checkpoints:
        return before
    version = mlflow.register_model(model.model_uri, name, tags={CHECKPOINTS_TAG: checkpoints})
    mlflow.MlflowClient().set_registered_model_alias(name, CANDIDATE, version.version)
    return version


def version_with(name: str, alias: str) -> ModelVersion | None:
    """The version of a registered model that an alias points at, or None."""
    try:
        return mlflow.MlflowClient().get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:  # no such model; no such alias
            return None
        raise


def make_champion(version: ModelVersion) -> None:
    """Point the alias `champion` of its registered model at a version."""
    mlflow.MlflowClient().set_registered_model_alias(version.name, CHAMPION, version.version)


def uri_of(version: ModelVersion) -> str:
    """The URI of a version, as `LandmarkDetector.load` accepts it."""
    return f"models:/{version.name}/{version.version}"
