"""The `phantom` pipeline: from a seed to a raw data set."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.phantom.nodes import draw_phantoms, show_phantoms


def create_pipeline() -> Pipeline:
    """Draw the data set and a contact sheet."""
    return Pipeline(
        [
            Node(
                draw_phantoms,
                inputs=["phantom_folder", "phantom_ruler_export", "params:phantom"],
                outputs="raw_cephalograms",
                name="draw_phantoms",
            ),
            Node(
                show_phantoms,
                inputs=["raw_cephalograms", "params:phantom"],
                outputs="phantom_sheet",
                name="show_phantoms",
            ),
        ]
    )
