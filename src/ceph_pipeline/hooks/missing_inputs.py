"""What the pipelines of a run read has to be there, or be made by them; a run that lacks a link says so before its first node."""

from collections.abc import Iterator
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import AbstractDataset, DataCatalog
from kedro.pipeline import Pipeline

from ceph_pipeline.errors import CephError

DRAWS = "phantom"
"""The pipeline in whose place are usually a person's own films, whose absence has an error of its own."""


class MissingInputError(CephError, RuntimeError):
    """A data set that is needed is neither there nor made by this run."""


class MissingInputsHook:
    """Refuses to start where an input that another pipeline makes is missing."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Look for every free input; before a run is recorded.

        Raises:
            MissingInputError: with a line for each that is missing, and the pipelines that make it.
        """
        if problems := list(missing_inputs(pipeline, catalog)):
            raise MissingInputError(
                "Nothing has been run, since there is nothing to read:\n"
                + "\n".join(f"  {problem}" for problem in problems)
                + "\nName these pipelines with --pipelines as well, or run them first; their order does not matter."
            )


def missing_inputs(pipeline: Pipeline, catalog: DataCatalog) -> Iterator[str]:
    """A line for each data set that the pipeline reads and does not make, that another one makes, and that is not there.

    Data sets that cannot tell whether they are there are passed over: their nodes say what is wrong.
    """
    for name in sorted(pipeline.inputs()):
        makers = _makers(name)
        if makers and name in catalog and not _is_there(catalog[name]):
            yield f"{name}, made by the pipeline {' or '.join(makers)}"


def _makers(name: str) -> list[str]:
    nodes = {node for registered in pipelines.values() for node in registered.nodes if name in node.outputs}
    return sorted({(node.namespace or "").partition(".")[0] for node in nodes} - {DRAWS})


def _is_there(dataset: AbstractDataset[Any, Any]) -> bool:
    knows = type(dataset)._exists is not AbstractDataset._exists
    return not knows or dataset.exists()
