"""What kedro-mlflow logs of a run: its name, and parameters one by one instead of a model's printout."""

from typing import Any

from kedro.framework.hooks import hook_impl
from pydantic import BaseModel


class TrackingHook:
    """Prepares runs and parameters for kedro-mlflow's hook, which comes after this one."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Keep the context, to which kedro-mlflow adds its configuration, and start with no parameters logged."""
        self._context = context
        self._logged: set[str] = set()

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Name the MLflow run after the pipelines and the environment, unless `mlflow.yml` names it."""
        run = self._context.mlflow.tracking.run
        names = "+".join(run_params["pipeline_names"] or ["__default__"])
        run.name = run.name or f"{names} ({run_params['env'] or 'base'})"

    @hook_impl(tryfirst=True)
    def before_node_run(self, inputs: dict[str, Any]) -> None:
        """Turn parameter models into dictionaries, which kedro-mlflow flattens.

        Kedro hands all hooks one shared copy of the node's inputs, so the node itself still gets its model. Parameters that an
        earlier node of this run has logged are taken out: every one costs a write to the tracking store.
        """
        for name in [name for name, value in inputs.items() if isinstance(value, BaseModel)]:
            model = inputs.pop(name)
            if name not in self._logged:
                inputs[name] = model.model_dump(mode="json")
                self._logged.add(name)


class RunStateHook:
    """Keeps the states of runs true; it comes after kedro-mlflow's hook, which opens the run."""

    @hook_impl(trylast=True)
    def before_pipeline_run(self) -> None:
        """Note the run's process, and close the runs of processes that were killed."""
        from ceph_pipeline.training.run_states import mark_active_run

        mark_active_run()
