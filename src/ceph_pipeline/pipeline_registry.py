"""The project's pipelines, by name."""

from kedro.pipeline import Pipeline

from ceph_pipeline.pipelines import (
    audit,
    augmentation,
    benchmark,
    calibration,
    crops,
    evaluation,
    inference,
    ingestion,
    phantom,
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
    pipelines = {
        "phantom": phantom.create_pipeline(),
        "ingestion": ingestion.create_pipeline(),
        "audit": audit.create_pipeline(),
        "augmentation": augmentation.create_pipeline(),
        "stage1": stage1.create_pipeline(),
        "crops": crops.create_pipeline(),
        "stage2": stage2.create_pipeline(),
        "evaluation": evaluation.create_pipeline(),
        "calibration": calibration.create_pipeline(),
        "inference": inference.create_pipeline(),
        "benchmark": benchmark.create_pipeline(),
    }
    main_job = sum((pipelines[name] for name in MAIN_JOB), Pipeline([]))
    return pipelines | {"__default__": main_job, "demo": pipelines["phantom"] + main_job}
