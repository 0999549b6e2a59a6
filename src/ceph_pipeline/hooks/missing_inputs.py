"""What the pipelines of a run read has to be there, or be made by them; a run that lacks a link says so before its first node."""

from collections.abc import Iterator
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import AbstractDataset, DataCatalog
from kedro.pipeline import Pipeline

from ceph_pipeline.errors import CephError, printable

DRAWS = "phantom"
"""The pipeline that draws phantoms. A person's own films usually take their place; without films ingestion has its own error."""


class MissingInputError(CephError, RuntimeError):
    """A data set that is needed is neither there nor made by this run."""


class MissingInputsHook:
    """Refuses to start where an input that another pipeline makes is missing."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Look for every free input; before a run is recorded.

        With `--only-missing-outputs` it is not known yet which nodes will run, and nothing is looked for.

        Raises:
            MissingInputError: with a line for each that is missing, and the pipelines that make it.
        """
        if run_params.get("only_missing_outputs"):
            return
        if problems := list(missing_inputs(pipeline, catalog)):
            raise MissingInputError(
                "Nothing has been run, since there is nothing to read:\n"
                + "\n".join(f"  {problem}" for problem in problems)
                + "\nRun these pipelines first, or name them with --pipelines as well, in any order. A run with another --env or "
                "data_root has left its files elsewhere."
            )


def missing_inputs(pipeline: Pipeline, catalog: DataCatalog) -> Iterator[str]:
    """A line for each data set that is missing: the run only reads it, some pipeline makes it, and it is not there.

    Data sets that cannot tell whether they are there are passed over: their nodes say what is wrong.
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
