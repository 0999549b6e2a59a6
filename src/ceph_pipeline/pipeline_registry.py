"""The project's pipelines, by name."""

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

MAIN_JOB = ("ingestion", "audit", "augmentation", "stage1", "crops", "stage2", "evaluation")
"""What `kedro run` does without a name: from raw files to honest numbers."""


def register_pipelines() -> dict[str, Pipeline]:
    """Every pipeline under its folder's name, the main job as `__default__`, and `demo`: phantoms first, then the main job."""
    pipelines = find_pipelines(raise_errors=True)
    main_job = sum((pipelines[name] for name in MAIN_JOB), Pipeline([]))
    return pipelines | {"__default__": main_job, "demo": pipelines["phantom"] + main_job}
