"""Where kedro-mlflow records a run, and what it logs: a name, parameters one by one instead of a printout; no names of films."""

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
    "\nCorrect it in conf/base/mlflow.yml or that of the environment (conf/local where none is named), with the levels of the "
    "former: server, and beneath it mlflow_tracking_uri: https://your.server."
)


class TrackingStoreHook:
    """Sets up the tracking store before kedro-mlflow's hook does so without a lock, and says what is wrong with it."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: Any) -> None:
        """Count the path of a database from the project's root, and open or create the store while no other run does.

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
            raise ConfigurationError("\n  ".join(["mlflow.yml is wrong; nothing has been run.", *problems]) + _WAY_OUT)
        server = config["server"]
        server["mlflow_tracking_uri"] = tracking_store.uri_from_root(server["mlflow_tracking_uri"], context.project_path)
        with tracking_store.opened(server["mlflow_tracking_uri"]):
            KedroMlflowConfig.model_validate(config).setup(context)


def _problems(config: dict[str, Any], model: type[BaseModel]) -> list[str]:
    """A line for each setting that kedro-mlflow refuses; without a URI it would record runs in a folder of its own choice."""
    refused = list(invalid_values({"mlflow": config}, {"mlflow": model}))
    is_named = bool(refused) or bool(config.get("server", {}).get("mlflow_tracking_uri"))
    return refused if is_named else ["mlflow.server.mlflow_tracking_uri: missing."]


class TrackingHook:
    """Prepares runs and parameters for kedro-mlflow's hook, which comes after this one."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Keep the context, to which kedro-mlflow adds its configuration, and start with no parameters logged."""
        self._context = context
        self._logged: set[str] = set()

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Name the MLflow run after the pipelines and the environment, unless `mlflow.yml` names it; leave out the user's paths.

        kedro-mlflow makes tags of what is not empty. Values given by `--params` are logged as parameters.
        """
        run = self._context.mlflow.tracking.run
        names = "+".join(run_params["pipeline_names"] or ["__default__"])
        run.name = run.name or f"{names} ({run_params['env'] or 'base'})"
        run_params["project_path"] = ""
        run_params["runtime_params"] = sorted(run_params.get("runtime_params") or {})

    @hook_impl(tryfirst=True)
    def before_node_run(self, inputs: dict[str, Any]) -> None:
        """Turn parameter models into dictionaries, which kedro-mlflow flattens.

        Kedro hands all hooks one shared copy of the node's inputs, so the node itself still gets its model. Parameters that an
        earlier node of this run has logged are taken out: every one costs a write to the tracking store.
        """
        for name in [name for name, value in inputs.items() if isinstance(value, BaseModel)]:
            model = inputs.pop(name)
            if name not in self._logged:
                inputs[name] = without_names(model.model_dump(mode="json"))
                self._logged.add(name)


class PseudonymHook:
    """Films go by pseudonyms made with the secret of this data root."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Say where the secret is; it is made when the first film is named."""
        file = str(context.config_loader["globals"]["pseudonym_key"])
        use_key(file if "://" in file else str(Path(context.project_path) / file))


class RunStateHook:
    """Keeps the states of runs true; it comes after kedro-mlflow's hook, which opens the run."""

    @hook_impl(trylast=True)
    def before_pipeline_run(self) -> None:
        """Note the run's process, and close the runs of processes that were killed."""
        from ceph_pipeline.training.run_states import mark_active_run

        mark_active_run()

    @hook_impl(wrapper=True)
    def on_pipeline_error(self) -> Generator[None, Any, Any]:
        """Let kedro-mlflow record a failure, without waiting for a server that may be what has failed."""
        from ceph_pipeline.training.tracking_store import ending

        with ending():
            return (yield)
        return None
