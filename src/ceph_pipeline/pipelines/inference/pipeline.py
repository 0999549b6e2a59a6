"""The inference pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.inference.nodes import (
    draw_overlays,
    judge_plausibility,
    list_new_pseudonyms,
    locate_landmarks,
    measure_faces,
)


def create_pipeline() -> Pipeline:
    """From a folder of new X-rays to landmarks, measurements and overlays."""
    return Pipeline(
        [
            Node(
                locate_landmarks,
                inputs=[
                    "inference_folder",
                    "stage1_checkpoint",
                    "stage2_checkpoint",
                    "models_folder",
                    "params:inference",
                    "params:detector",
                ],
                outputs=["located_in_new", "inference_quarantine"],
                name="locate_landmarks",
            ),
            Node(
                list_new_pseudonyms,
                inputs=["located_in_new", "inference_quarantine"],
                outputs="inference_pseudonyms",
                name="list_new_pseudonyms",
            ),
            Node(
                judge_plausibility,
                inputs=["located_in_new", "models_folder", "params:plausibility"],
                outputs=["inference_predictions", "inference_plausibility"],
                name="judge_plausibility",
            ),
            Node(
                measure_faces,
                inputs=["inference_predictions", "params:inference", "params:cephalometry"],
                outputs="inference_measurements",
                name="measure_faces",
            ),
            Node(
                draw_overlays,
                inputs=[
                    "inference_folder",
                    "inference_predictions",
                    "inference_measurements",
                    "inference_plausibility",
                    "inference_overlay_folder",
                    "params:inference",
                    "params:cephalometry",
                ],
                outputs="inference_summary",
                name="draw_overlays",
            ),
        ]
    )
