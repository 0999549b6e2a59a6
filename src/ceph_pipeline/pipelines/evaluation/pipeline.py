"""Pipeline `evaluation`."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.evaluation import (
    context_nodes,
    ensemble_nodes,
    nodes,
    prediction_nodes,
    presentation_nodes,
    uncertainty_nodes,
)
from ceph_pipeline.pipelines.evaluation.anatomy_nodes import judge_heads, learn_anatomy, summarise_anatomy

PARAMS = "params:evaluation"
FOLDS = ["stage1_folds", "stage2_folds", "folds_folder"]


def create_pipeline() -> Pipeline:
    """Predict with every stage, measure the errors, draw and report."""
    return Pipeline(
        [*_prediction(), *_anatomy(), *_context(), *_measurement(), *_perspective(), *_uncertainty(), *_figures(), *_reports()]
    )


def _prediction() -> list[Node]:
    """The headline's points: validation and test sources, every stage."""
    crops_of = ["images", "raw_cephalograms", "source_cache_index", "stage2_checkpoint"]
    return [
        Node(
            prediction_nodes.predict_stage1_tta,
            ["images", "source_cache", "source_cache_index", "stage1_checkpoint", "evaluation_folder", PARAMS],
            "stage1_tta_predictions",
            name="predict_stage1_tta",
        ),
        Node(
            prediction_nodes.predict_stage2,
            [*crops_of, "stage1_predictions", "evaluation_folder", PARAMS],
            "stage2_predictions",
            name="predict_stage2",
        ),
        Node(
            prediction_nodes.predict_stage2_tta,
            [*crops_of, "stage1_tta_predictions", "evaluation_folder", PARAMS],
            "stage2_tta_predictions",
            name="predict_stage2_tta",
        ),
        Node(
            ensemble_nodes.predict_ensemble,
            [
                *["images", "raw_cephalograms", "source_cache", "source_cache_index"],
                *["stage1_checkpoint", "stage2_checkpoint", *FOLDS, "evaluation_folder", PARAMS],
            ],
            "ensemble_predictions",
            name="predict_ensemble",
        ),
        Node(
            prediction_nodes.gather_predictions,
            [
                *["stage1_predictions", "stage1_tta_predictions", "stage2_predictions", "stage2_tta_predictions"],
                "ensemble_predictions",
            ],
            "located_landmarks",
            name="gather_predictions",
        ),
    ]


def _anatomy() -> list[Node]:
    """Heads judged by how the training heads are made; the headline's points are those that this leaves."""
    return [
        Node(learn_anatomy, ["landmarks", "images", PARAMS], "anatomical_prior", name="learn_anatomy"),
        Node(
            judge_heads,
            ["located_landmarks", "anatomical_prior", PARAMS],
            {name: name for name in ("predictions", "anatomy")},
            name="judge_heads",
        ),
        Node(
            summarise_anatomy,
            ["located_landmarks", "anatomy", "landmarks", "images", "anatomical_prior", PARAMS],
            "anatomy_summary",
            name="summarise_anatomy",
        ),
    ]


def _context() -> list[Node]:
    """What is predicted beside the headline and never enters it."""
    networks = ["stage1_checkpoint", "stage2_checkpoint", "evaluation_folder", PARAMS]
    return [
        Node(
            context_nodes.predict_copies,
            ["augmented_images", "augmented_cache", "augmented_store", *networks],
            "copy_predictions",
            name="predict_copies",
        ),
        Node(
            context_nodes.predict_training_sample,
            ["images", "augmented_images", "raw_cephalograms", "source_cache", "source_cache_index", *networks],
            "training_predictions",
            name="predict_training_sample",
        ),
        Node(
            ensemble_nodes.predict_out_of_fold,
            [
                *["folds", "fold_stage1_predictions", "stage2_folds", "images", "raw_cephalograms", "source_cache_index"],
                *["folds_folder", "evaluation_folder", PARAMS],
            ],
            "fold_predictions",
            name="predict_out_of_fold",
        ),
        Node(
            context_nodes.predict_head_outputs,
            ["images", "source_cache", "source_cache_index", "stage1_checkpoint", "evaluation_folder", PARAMS],
            "head_outputs",
            name="predict_head_outputs",
        ),
    ]


def _measurement() -> list[Node]:
    """Errors of the headline, and tables of them."""
    return [
        Node(nodes.compute_errors, ["predictions", "landmarks", "images", PARAMS], "errors", name="compute_errors"),
        Node(nodes.summarise_errors, ["errors", "images", "duplicates", PARAMS], "metrics", name="summarise_errors"),
        Node(nodes.tabulate_landmarks, ["errors", "images", PARAMS], "landmark_errors", name="tabulate_landmarks"),
        Node(nodes.tabulate_devices, ["errors", "images", PARAMS], "device_errors", name="tabulate_devices"),
        Node(nodes.compare_with_earlier_run, ["errors", "images", PARAMS], "earlier_run", name="compare_with_earlier_run"),
    ]


def _perspective() -> list[Node]:
    """Copies, training images, directions, and what the points are used for."""
    return [
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
            ["training_predictions", "errors", "landmarks", "images", PARAMS],
            "training_gap",
            name="tabulate_training_gap",
        ),
        Node(
            ensemble_nodes.summarise_folds,
            ["fold_predictions", "landmarks", "images", PARAMS],
            "cross_validation",
            name="summarise_folds",
        ),
        Node(
            nodes.tabulate_ellipses,
            ["predictions", "landmarks", "images", PARAMS],
            "error_ellipses",
            name="tabulate_ellipses",
        ),
        Node(
            nodes.judge_measurements,
            ["predictions", "head_outputs", "landmarks", "cvm", "images", PARAMS],
            {name: name for name in ("measurement_errors", "head_errors", "agreement")},
            name="judge_measurements",
        ),
    ]


def _uncertainty() -> list[Node]:
    """Learned on validation sources, checked on test sources."""
    return [
        Node(
            uncertainty_nodes.learn_uncertainty,
            ["errors", "predictions", "images", "stage1_checkpoint", "stage2_checkpoint", *FOLDS, PARAMS],
            "uncertainty_models",
            name="learn_uncertainty",
        ),
        Node(
            uncertainty_nodes.check_uncertainty,
            ["errors", "predictions", "images", "duplicates", "uncertainty_models"],
            {name: name for name in ("uncertainty", "reliability", "flag_curves")},
            name="check_uncertainty",
        ),
    ]


def _figures() -> list[Node]:
    tables = ["landmark_errors", "error_ellipses", "robustness", "training_gap", "reliability", "flag_curves"]
    drawn = ("sdr_curve", *(f"{name}_figure" for name in tables))
    return [
        Node(
            presentation_nodes.draw_figures,
            ["errors", "images", *tables, PARAMS],
            {name: name for name in (*drawn, "embedded_figures")},
            name="draw_figures",
        ),
        Node(
            presentation_nodes.draw_gallery,
            ["errors", "predictions", "landmarks", "images", "raw_cephalograms", PARAMS],
            {name: name for name in ("overlay_gallery", "embedded_gallery")},
            name="draw_gallery",
        ),
    ]


def _reports() -> list[Node]:
    tables = ["landmark_errors", "device_errors", "robustness", "training_gap", "measurement_errors", "head_errors"]
    written = ("evaluation_html", "evaluation_html_without_films", "paper_table_latex")
    return [
        Node(
            presentation_nodes.write_reports,
            [
                "metrics",
                *tables,
                "agreement",
                "uncertainty",
                "anatomy_summary",
                "earlier_run",
                "cross_validation",
                "embedded_figures",
                "embedded_gallery",
            ],
            {name: name for name in written},
            name="write_reports",
        ),
    ]
