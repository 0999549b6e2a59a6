"""Settings of kedro-mlflow: the tracking store, the run's name, parameters as separate values, and no film names."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from pydantic import BaseModel

from ceph_pipeline.artifacts.pseudonyms import without_names
from ceph_pipeline.artifacts.secret_key import use_key
from ceph_pipeline.configuration import ConfigurationError
from ceph_pipeline.hooks.parameter_names import invalid_values

_WAY_OUT = (
    "\nCorrect conf/base/mlflow.yml or mlflow.yml of the environment (by default conf/local). Keep the nesting of "
    "conf/base: server, and beneath it mlflow_tracking_uri: https://your.server."
)


class TrackingStoreHook:
    """Sets up the tracking store under a lock, before kedro-mlflow's hook would do so without one, and reports errors."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: Any) -> None:
        """Resolve a database's path relative to the project's root, and open or create the store under a lock.

        Raises:
            ConfigurationError: `mlflow.yml` does not fit kedro-mlflow.
            TrackingError: the store cannot be used.
        """
        from kedro_mlflow.config.kedro_mlflow_config import KedroMlflowConfig

        from ceph_pipeline.training import tracking_store

        if tracking_store.is_recording():
            return
        loader = context.config_loader
        loader["mlflow"] = config = loader["mlflow"]
        if problems := _problems(config, KedroMlflowConfig):
            raise ConfigurationError("\n  ".join(["mlflow.yml is invalid; nothing has been run.", *problems]) + _WAY_OUT)
        server = config["server"]
        server["mlflow_tracking_uri"] = tracking_store.uri_from_root(server["mlflow_tracking_uri"], context.project_path)
        with tracking_store.opened(server["mlflow_tracking_uri"]):
            KedroMlflowConfig.model_validate(config).setup(context)


def _problems(config: dict[str, Any], model: type[BaseModel]) -> list[str]:
    """A line for each setting that kedro-mlflow rejects, and for a missing URI, for which kedro-mlflow would choose a folder."""
    refused = list(invalid_values({"mlflow": config}, {"mlflow": model}))
    is_named = bool(refused) or bool(config.get("server", {}).get("mlflow_tracking_uri"))
    return refused if is_named else ["mlflow.server.mlflow_tracking_uri: missing."]


class TrackingHook:
    """Prepares runs and parameters for kedro-mlflow's hook, which is called after this hook."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Store the context, to which kedro-mlflow adds its configuration, and reset the logged parameters."""
        self._context = context
        self._logged: set[str] = set()

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Name the MLflow run after the pipelines and the environment, unless `mlflow.yml` names it; remove the user's paths.

        kedro-mlflow logs non-empty run parameters as tags. Values of `--params` are logged as parameters.
        """
        run = self._context.mlflow.tracking.run
        names = "+".join(run_params["pipeline_names"] or ["__default__"])
        run.name = run.name or f"{names} ({run_params['env'] or 'base'})"
        run_params["project_path"] = ""
        run_params["runtime_params"] = sorted(run_params.get("runtime_params") or {})

    @hook_impl(tryfirst=True)
    def before_node_run(self, inputs: dict[str, Any]) -> None:
        """Turn parameter models into dictionaries, which kedro-mlflow flattens.

        Kedro passes one shared copy of the node's inputs to all hooks, so the node itself still receives its model. Parameters
        that an earlier node of this run has logged are removed, because each costs a write to the tracking store.
        """
        for name in [name for name, value in inputs.items() if isinstance(value, BaseModel)]:
            model = inputs.pop(name)
            if name not in self._logged:
                inputs[name] = without_names(model.model_dump(mode="json"))
                self._logged.add(name)


class PseudonymHook:
    """Sets the secret of the data root, from which pseudonyms of films are made."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Set the file of the secret; the secret is created for the first pseudonym."""
        file = str(context.config_loader["globals"]["pseudonym_key"])
        use_key(file if "://" in file else str(Path(context.project_path) / file))


class RunStateHook:
    """Keeps the states of MLflow runs correct; it is called after kedro-mlflow's hook, which starts the run."""

    @hook_impl(trylast=True)
    def before_pipeline_run(self) -> None:
        """Record the run's process, and end the runs of processes that were killed."""
        from ceph_pipeline.training.run_states import mark_active_run

        mark_active_run()

    @hook_impl(wrapper=True)
    def on_pipeline_error(self) -> Generator[None, Any, Any]:
        """Let kedro-mlflow record a failure, without waiting for a server that may be unreachable."""
        from ceph_pipeline.training.tracking_store import ending

        with ending():
            return (yield)
        return None
