"""The superimposition pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.superimposition.nodes import compare_films


def create_pipeline() -> Pipeline:
    """From the located landmarks of two films of one person to what has changed."""
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
