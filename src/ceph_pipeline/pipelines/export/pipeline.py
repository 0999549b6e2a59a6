"""The export pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.export.nodes import write_points


def create_pipeline() -> Pipeline:
    """From a table of points to annotation files."""
    return Pipeline(
        [
            Node(
                write_points,
                inputs=[
                    "images",
                    "cvm",
                    "landmarks_on_demand",
                    "predictions_on_demand",
                    "raw_cephalograms",
                    "export_folder",
                    "params:export",
                ],
                outputs="exported",
                name="write_points",
            ),
        ]
    )
