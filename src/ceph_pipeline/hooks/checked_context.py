"""Checks of the configuration as before a run, for commands that run no pipeline."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.framework.project import settings
from kedro.framework.startup import ProjectMetadata

from ceph_pipeline.hooks.configuration_files import ConfigurationHook
from ceph_pipeline.hooks.parameter_names import ParameterNamesHook
from ceph_pipeline.hooks.quiet import QuietHook
from ceph_pipeline.hooks.tracking import TrackingStoreHook


def checked_context(project: ProjectMetadata, env: str | None, params: Mapping[str, Any] | None = None) -> KedroContext:
    """The configuration of an environment (by default of the variable KEDRO_ENV), with the checks of a run.

    `params` replace parameters of the files, as those of `kedro run --params` do.

    Loaders share Kedro's resolver of globals. Each configuration is therefore read before the next loader is created.

    Raises:
        UnknownEnvironmentError: there is no such environment.
        ConfigurationError: a file of the environment cannot be read.
        ParameterError: a parameter is unknown or has a value that cannot be used.
    """
    env = env or os.environ.get("KEDRO_ENV") or None
    loader = settings.CONFIG_LOADER_CLASS(
        conf_source=str(project.project_path / settings.CONF_SOURCE),
        env=env,
        runtime_params=dict(params or {}),
        **settings.CONFIG_LOADER_ARGS,
    )
    context = KedroContext(
        project_path=project.project_path,
        config_loader=loader,
        env=env,
        package_name=project.package_name,
        hook_manager=_create_hook_manager(),
    )
    ConfigurationHook().after_context_created(context)
    ParameterNamesHook().after_context_created(context)
    return context


def trained_in(context: KedroContext) -> Path:
    """The folder of an environment's models."""
    return Path(context.project_path, context.config_loader["catalog"]["models_folder"]["filepath"])


def open_store_of(context: KedroContext, *models: str | Path | None) -> None:
    """Set up the project's tracking store if one of the models is a URI of MLflow; folders need no store.

    Raises:
        TrackingError: the store cannot be used.
    """
    from ceph_pipeline.detector.landmark_detector import is_uri

    if any(is_uri(model) for model in models if model is not None):
        QuietHook().after_context_created()
        TrackingStoreHook().after_context_created(context)
