"""Pipeline `evaluation`."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.evaluation import nodes, prediction_nodes

PARAMS = "params:evaluation"


def create_pipeline() -> Pipeline:
    """Predict with every stage, measure the errors, draw and report."""
    return Pipeline([*_prediction(), *_measurement(), *_presentation()])


def _prediction() -> list[Node]:
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
            prediction_nodes.gather_predictions,
            ["stage1_predictions", "stage1_tta_predictions", "stage2_predictions", "stage2_tta_predictions"],
            "predictions",
            name="gather_predictions",
        ),
    ]


def _measurement() -> list[Node]:
    return [
        Node(nodes.compute_errors, ["predictions", "landmarks", "images", PARAMS], "errors", name="compute_errors"),
        Node(nodes.summarise_errors, ["errors", "images", "duplicates", PARAMS], "metrics", name="summarise_errors"),
        Node(nodes.tabulate_landmarks, ["errors", "images", PARAMS], "landmark_errors", name="tabulate_landmarks"),
        Node(nodes.tabulate_devices, ["errors", "images", PARAMS], "device_errors", name="tabulate_devices"),
    ]


def _presentation() -> list[Node]:
    return [
        Node(nodes.draw_sdr_curve, ["errors", "images", PARAMS], "sdr_curve", name="draw_sdr_curve"),
        Node(nodes.draw_landmark_errors, "landmark_errors", "landmark_errors_figure", name="draw_landmark_errors"),
        Node(
            nodes.draw_gallery,
            ["errors", "predictions", "landmarks", "images", "raw_cephalograms", PARAMS],
            "overlay_gallery",
            name="draw_gallery",
        ),
        Node(
            nodes.write_evaluation_report,
            ["metrics", "landmark_errors", "device_errors", "evaluation_report_folder"],
            "evaluation_report",
            name="write_evaluation_report",
        ),
    ]
