"""Pipeline `evaluation`, in groups: predict, measure, context, uncertainty, report."""

from typing import Literal

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.evaluation import (
    measurement_nodes,
    prediction_nodes,
    presentation_nodes,
    uncertainty_nodes,
)

PARAMS = "params:evaluation"
LOOKING = ["predictions_folder", PARAMS, "params:detector"]


def create_pipeline(judged: Literal["stage1", "stage2", "ensemble"] = "stage2", *, folds: bool = False) -> Pipeline:
    """Predict with every stage, compute errors, and write figures and reports.

    Args:
        judged: The evaluated stages: stage 1 alone, both stages, or both stages and the ensemble of pipeline `ensemble`.
        folds: Whether the errors of pipeline `folds` are also used for the calibration of uncertainty.
    """
    stage2 = [] if judged == "stage1" else ["stage2_checkpoint"]
    networks = [*stage2, *(["ensemble"] if judged == "ensemble" else [])]
    groups = {
        "predict": _predict(networks),
        "measure": _measure(ensemble=judged == "ensemble"),
        "context": _context(stage2),
        "uncertainty": _uncertainty(networks, folds=folds),
        "report": _report(networks),
    }
    return sum(
        (Pipeline(nodes, namespace=group, prefix_datasets_with_namespace=False) for group, nodes in groups.items()),
        Pipeline([]),
    )


def _predict(networks: list[str]) -> list[Node]:
    """Points for the headline metrics: all stages on validation and test sources."""
    whole = ["stage1_predictions", "stage1_tta_predictions"]
    stages = [*whole, *(f"{name.removesuffix('_checkpoint')}_predictions" for name in networks)]
    gather = Node(prediction_nodes.gather_predictions, stages, "predictions", name="gather_predictions")
    if not networks:
        return [gather]
    seen = ["included_images", "raw_cephalograms", "source_cache_index", "stage2_checkpoint"]
    refine = Node(prediction_nodes.predict_stage2, [*seen, *whole, *LOOKING], "stage2_predictions", name="predict_stage2")
    return [refine, gather]


def _measure(*, ensemble: bool) -> list[Node]:
    """Headline errors, their tables, and errors of measurements and classes."""
    nodes = measurement_nodes
    held_out = Node(
        nodes.compute_held_out_errors,
        ["ensemble_held_out_predictions", "landmarks", "included_images", PARAMS],
        "ensemble_held_out_errors",
        name="compute_held_out_errors",
    )
    return [
        *([held_out] if ensemble else []),
        Node(nodes.compute_errors, ["predictions", "landmarks", "included_images", PARAMS], "errors", name="compute_errors"),
        Node(
            nodes.summarise_errors,
            ["errors", "included_images", "images", "duplicates", PARAMS],
            "metrics",
            name="summarise_errors",
        ),
        Node(nodes.tabulate_landmarks, ["errors", "included_images", PARAMS], "landmark_errors", name="tabulate_landmarks"),
        Node(nodes.tabulate_devices, ["errors", "included_images", PARAMS], "device_errors", name="tabulate_devices"),
        Node(
            nodes.tabulate_ellipses,
            ["predictions", "landmarks", "included_images", PARAMS],
            "error_ellipses",
            name="tabulate_ellipses",
        ),
        Node(
            nodes.judge_measurements,
            ["predictions", "head_outputs", "landmarks", "cvm", "included_images", PARAMS],
            {name: name for name in ("measurement_errors", "head_errors", "agreement")},
            name="judge_measurements",
        ),
        Node(nodes.compare_runs, ["errors", "included_images", PARAMS], "run_comparison", name="compare_runs"),
    ]


def _context(stage2: list[str]) -> list[Node]:
    """Errors on copies and training images, which are not part of the headline metrics."""
    nodes = measurement_nodes
    return [
        Node(
            prediction_nodes.predict_copies,
            ["augmented_images", "augmented_cache", "augmented_store", "stage1_checkpoint", *LOOKING, *stage2],
            "copy_predictions",
            name="predict_copies",
        ),
        Node(
            prediction_nodes.predict_training_sample,
            [
                *["included_images", "augmented_images", "raw_cephalograms", "source_cache", "source_cache_index"],
                *["stage1_checkpoint", *LOOKING, *stage2],
            ],
            "training_predictions",
            name="predict_training_sample",
        ),
        Node(
            nodes.compute_copy_errors,
            ["copy_predictions", "augmented_landmarks", "augmented_images", PARAMS],
            "copy_errors",
            name="compute_copy_errors",
        ),
        Node(
            nodes.tabulate_robustness,
            ["copy_errors", "augmented_images", "errors", PARAMS],
            "robustness",
            name="tabulate_robustness",
        ),
        Node(
            nodes.tabulate_training_gap,
            ["training_predictions", "errors", "landmarks", "included_images", PARAMS],
            "training_gap",
            name="tabulate_training_gap",
        ),
    ]


def _uncertainty(networks: list[str], *, folds: bool) -> list[Node]:
    """Uncertainty and plausibility: fitted on validation and training images, evaluated on test images."""
    nodes = uncertainty_nodes
    named = {name.removesuffix("_checkpoint"): name for name in ("stage1_checkpoint", *networks)}
    source = "fold" if folds else "ensemble_held_out"
    held_out = {f"held_out_{name}": f"{source}_{name}" for name in ("errors", "predictions") if folds or "ensemble" in networks}
    tables = {"errors": "errors", "predictions": "predictions", "images": "included_images"}
    return [
        Node(
            nodes.learn_uncertainty,
            {**tables, **named, **held_out, "params": PARAMS, "detector": "params:detector"},
            "uncertainty_models",
            name="learn_uncertainty",
        ),
        Node(
            nodes.check_uncertainty,
            ["errors", "predictions", "included_images", "duplicates", "uncertainty_models"],
            {name: name for name in ("uncertainty", "reliability", "flag_curves")},
            name="check_uncertainty",
        ),
        Node(nodes.learn_shape_prior, ["landmarks", "included_images", PARAMS], "shape_prior", name="learn_shape_prior"),
        Node(
            nodes.judge_plausibility,
            ["predictions", "included_images", "shape_prior", "params:plausibility"],
            {name: name for name in ("plausibility", "plausibility_summary")},
            name="judge_plausibility",
        ),
    ]


def _report(networks: list[str]) -> list[Node]:
    nodes = presentation_nodes
    drawn_tables = ["landmark_errors", "error_ellipses", "robustness", "training_gap", "reliability", "flag_curves"]
    drawn = ("sdr_curve", *(f"{name}_figure" for name in drawn_tables))
    tables = ["landmark_errors", "device_errors", "robustness", "training_gap", "measurement_errors", "head_errors"]
    found = ["agreement", "uncertainty", "plausibility_summary", "run_comparison"]
    written = ("evaluation_html", "evaluation_html_without_films", "paper_table_latex")
    return [
        Node(
            nodes.draw_figures,
            ["errors", "included_images", *drawn_tables, PARAMS],
            {name: name for name in (*drawn, "embedded_figures")},
            name="draw_figures",
        ),
        Node(
            nodes.draw_gallery,
            ["errors", "predictions", "landmarks", "included_images", "raw_cephalograms", PARAMS],
            {name: name for name in ("overlay_gallery", "embedded_gallery")},
            name="draw_gallery",
        ),
        Node(
            nodes.write_reports,
            {name: name for name in ("metrics", *tables, *found, "embedded_figures", "embedded_gallery")},
            {name: name for name in written},
            name="write_reports",
        ),
        Node(
            nodes.collect_metrics,
            {name: name for name in ("metrics", "robustness", "training_gap", *found)},
            "evaluation_metrics",
            name="collect_metrics",
        ),
        Node(
            nodes.log_detector,
            ["included_images", "metrics", "uncertainty_models", "params:evaluation", "stage1_checkpoint", *networks],
            None,
            name="log_detector",
        ),
    ]
