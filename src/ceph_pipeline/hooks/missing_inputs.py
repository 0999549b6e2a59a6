"""Check before the first node that each input of a run exists or is made by the run."""

from collections.abc import Iterator
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import AbstractDataset, DataCatalog
from kedro.pipeline import Pipeline

from ceph_pipeline.errors import CephError, printable

DRAWS = "phantom"
"""The pipeline that draws phantoms. Films of the user usually replace phantoms; ingestion has its own error for no films."""


class MissingInputError(CephError, RuntimeError):
    """A required data set neither exists nor is made by this run."""


class MissingInputsHook:
    """Raises an error before a run if an input that another pipeline makes is missing."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Check each free input of the run, before the run is recorded.

        With `--only-missing-outputs` the nodes that will run are not known yet, and nothing is checked.

        Raises:
            MissingInputError: an input is missing; the message has a line for each input, with the pipelines that make it.
        """
        if run_params.get("only_missing_outputs"):
            return
        if problems := list(missing_inputs(pipeline, catalog)):
            raise MissingInputError(
                "Nothing has been run. Inputs are missing:\n"
                + "\n".join(f"  {problem}" for problem in problems)
                + "\nRun these pipelines first, or add them to --pipelines, in any order. A run with another --env or "
                "data_root has its files in another folder."
            )


def missing_inputs(pipeline: Pipeline, catalog: DataCatalog) -> Iterator[str]:
    """A line for each missing data set: a free input of the run that some pipeline makes and that does not exist.

    Data sets that cannot check whether they exist are ignored; their nodes raise an error.
    """
    for name in sorted(pipeline.inputs()):
        makers = _makers(name)
        if makers and name in catalog and not _is_there(catalog[name]):
            place = printable(str(catalog[name]._describe().get("filepath", "")))
            yield f"{name} ({place}), made by the pipeline {' or '.join(makers)}"


def _makers(name: str) -> list[str]:
    nodes = {node for registered in pipelines.values() for node in registered.nodes if name in node.outputs}
    return sorted({(node.namespace or "").partition(".")[0] for node in nodes} - {DRAWS})


def _is_there(dataset: AbstractDataset[Any, Any]) -> bool:
    knows = type(dataset)._exists is not AbstractDataset._exists
    return not knows or dataset.exists()
