"""The superimposition pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.superimposition.nodes import compare_films


def create_pipeline() -> Pipeline:
    """From the predicted landmarks of two films of a patient to superimposition and changes."""
    return Pipeline(
        [
            Node(
                compare_films,
                inputs=["inference_predictions", "inference_pixel_sizes", "params:superimposition"],
                outputs=["superimposition_changes", "superimposition_figure"],
                name="compare_films",
            ),
        ]
    )
