"""The project's pipelines, by name."""

from kedro.pipeline import Pipeline

from ceph_pipeline.pipelines import (
    audit,
    augmentation,
    benchmark,
    calibration,
    crops,
    evaluation,
    export,
    folds,
    inference,
    ingestion,
    phantom,
    promotion,
    stage1,
    stage2,
)

MAIN_JOB = ("ingestion", "audit", "augmentation", "stage1", "crops", "stage2", "evaluation")
"""What `kedro run` does without a name: from raw files to honest numbers."""


def register_pipelines() -> dict[str, Pipeline]:
    """Every pipeline under its name, the main job as `__default__`, and `demo`: phantoms first, then the main job.

    The pipelines are named here rather than discovered: Kedro's discovery loads only the folders that `--pipelines` asks for,
    and `demo` is no folder.
    """
    modules = {
        "phantom": phantom,
        "ingestion": ingestion,
        "audit": audit,
        "augmentation": augmentation,
        "stage1": stage1,
        "crops": crops,
        "stage2": stage2,
        "evaluation": evaluation,
        "folds": folds,
        "calibration": calibration,
        "promotion": promotion,
        "inference": inference,
        "export": export,
        "benchmark": benchmark,
    }
    pipelines = {name: _namespaced(name, module.create_pipeline()) for name, module in modules.items()}
    main_job = sum((pipelines[name] for name in MAIN_JOB), Pipeline([]))
    return pipelines | {"__default__": main_job, "demo": pipelines["phantom"] + main_job}


def _namespaced(name: str, pipeline: Pipeline) -> Pipeline:
    """The pipeline as one box in kedro-viz, its nodes called `name.node`; data sets keep their names."""
    return Pipeline(pipeline, namespace=name, prefix_datasets_with_namespace=False)
