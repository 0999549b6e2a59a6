"""The inference pipeline."""

from typing import Literal

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.inference.nodes import (
    draw_overlays,
    judge_points,
    list_new_pseudonyms,
    locate_landmarks,
    measure_faces,
    size_pixels,
    write_annotations,
    write_reports,
)

FOLDER, POINTS, SIZES, CVM = "inference_folder", "inference_predictions", "inference_pixel_sizes", "inference_cvm"
INFERENCE, CEPHALOMETRY = "params:inference", "params:cephalometry"


def create_pipeline(used: Literal["stage1", "stage2", "ensemble"] = "stage2") -> Pipeline:
    """From a folder of new X-rays to landmarks, measurements, overlays and reports.

    Args:
        used: Stage 1 alone, both stages, or the ensemble of pipeline `ensemble`, each detector with both stages.
    """
    networks = {"stage1": [], "stage2": ["stage2_checkpoint"], "ensemble": ["stage2_checkpoint", "ensemble"]}[used]
    return Pipeline(
        [
            Node(
                locate_landmarks,
                inputs=[
                    *[FOLDER, "inference_overlay_folder", "stage1_checkpoint", "models_folder"],
                    *[INFERENCE, "params:detector", *networks],
                ],
                outputs=["located_in_new", "inference_quarantine", CVM],
                name="locate_landmarks",
            ),
            Node(
                list_new_pseudonyms,
                inputs=["located_in_new", "inference_quarantine"],
                outputs="inference_pseudonyms",
                name="list_new_pseudonyms",
            ),
            Node(
                size_pixels,
                inputs=[FOLDER, "located_in_new", "models_folder", INFERENCE, "params:calibration", "params:detector"],
                outputs=SIZES,
                name="size_pixels",
            ),
            Node(
                judge_points,
                inputs=[
                    *[FOLDER, "located_in_new", SIZES, "stage1_checkpoint", "models_folder", "params:plausibility"],
                    *networks,
                ],
                outputs=[POINTS, "inference_plausibility"],
                name="judge_points",
            ),
            Node(
                measure_faces,
                inputs=[POINTS, SIZES, CEPHALOMETRY],
                outputs="inference_measurements",
                name="measure_faces",
            ),
            Node(
                write_annotations,
                inputs=[FOLDER, POINTS, SIZES, "inference_annotation_folder", INFERENCE],
                outputs="inference_images",
                name="write_annotations",
            ),
            Node(
                draw_overlays,
                inputs=[
                    *[FOLDER, POINTS, "inference_measurements", "inference_plausibility", SIZES, CVM],
                    *["inference_overlay_folder", INFERENCE, CEPHALOMETRY],
                ],
                outputs="inference_summary",
                name="draw_overlays",
            ),
            Node(
                write_reports,
                inputs=[
                    *[FOLDER, POINTS, "inference_plausibility", "inference_quarantine", SIZES, CVM],
                    *["inference_report_folder", INFERENCE, CEPHALOMETRY, "stage1_checkpoint", *networks],
                ],
                outputs="inference_reports",
                name="write_reports",
            ),
        ]
    )
