"""The project's pipelines, by name."""

from kedro.pipeline import Pipeline

from ceph_pipeline.pipelines import (
    archive,
    audit,
    augmentation,
    benchmark,
    calibration,
    compare,
    crops,
    ensemble,
    evaluation,
    export,
    folds,
    inference,
    ingestion,
    phantom,
    promotion,
    ruler,
    stage1,
    stage2,
    superimposition,
)
from ceph_pipeline.pipelines.compare.pipeline import create_learning_curve

MAIN_JOB = ("ingestion", "audit", "augmentation", "stage1", "crops", "stage2", "evaluation")
"""Parts of the default pipeline, which `kedro run` runs: from raw files to the evaluation report."""

STAGE1_ALONE = ("ingestion", "audit", "augmentation", "stage1", "evaluation_of_stage1")
"""Parts of the default pipeline without stage 2, for landmarks that stage 1 locates accurately enough."""


def register_pipelines() -> dict[str, Pipeline]:
    """Every pipeline by its name; `__default__` is the default pipeline, and `demo` generates phantoms before running it.

    `stage1_alone` is the default pipeline for a detector without stage 2. Such a detector and an ensemble have separate
    evaluation and inference pipelines, so that no node requires a network that is never trained.

    The pipelines are listed here instead of using Kedro's discovery, which loads only the folders that `--pipelines` names;
    `demo` has no folder.
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
        "ensemble": ensemble,
        "compare": compare,
        "calibration": calibration,
        "promotion": promotion,
        "ruler": ruler,
        "inference": inference,
        "archive": archive,
        "superimposition": superimposition,
        "export": export,
        "benchmark": benchmark,
    }
    pipelines = {name: _namespaced(name, module.create_pipeline()) for name, module in modules.items()}
    variants = {
        "learning_curve": create_learning_curve(),
        "evaluation_of_stage1": evaluation.create_pipeline("stage1"),
        "evaluation_with_folds": evaluation.create_pipeline(folds=True),
        "evaluation_of_ensemble": evaluation.create_pipeline("ensemble"),
        "ruler_with_folds": ruler.create_pipeline(folds=True),
        "inference_with_stage1": inference.create_pipeline("stage1"),
        "inference_with_ensemble": inference.create_pipeline("ensemble"),
    }
    pipelines |= {name: _namespaced(name, pipeline) for name, pipeline in variants.items()}
    main_job = _joined(pipelines, MAIN_JOB)
    return pipelines | {
        "__default__": main_job,
        "stage1_alone": _joined(pipelines, STAGE1_ALONE),
        "demo": pipelines["phantom"] + main_job,
    }


def _joined(pipelines: dict[str, Pipeline], names: tuple[str, ...]) -> Pipeline:
    return sum((pipelines[name] for name in names), Pipeline([]))


def _namespaced(name: str, pipeline: Pipeline) -> Pipeline:
    """The pipeline as one box in kedro-viz, with nodes named `name.node`; data sets keep their names."""
    return Pipeline(pipeline, namespace=name, prefix_datasets_with_namespace=False)
