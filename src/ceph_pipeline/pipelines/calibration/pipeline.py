"""The calibration pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.calibration import summarise_by_machine
from ceph_pipeline.pipelines.calibration.nodes import calibrate_images, draw_deviation


def create_pipeline() -> Pipeline:
    """From the ruler's marks to millimetres per pixel, a table by device and a figure."""
    return Pipeline(
        [
            Node(
                calibrate_images,
                inputs=["ruler_export", "images", "params:calibration"],
                outputs=["calibration", "calibration_quarantine"],
                name="calibrate_images",
            ),
            Node(summarise_by_machine, inputs="calibration", outputs="calibration_by_machine", name="summarise_by_machine"),
            Node(
                draw_deviation, inputs=["calibration", "params:calibration"], outputs="calibration_figure", name="draw_deviation"
            ),
        ]
    )
