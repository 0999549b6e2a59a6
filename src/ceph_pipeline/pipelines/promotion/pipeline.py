"""The promotion pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.promotion.nodes import promote


def create_pipeline() -> Pipeline:
    """From the registered candidate to the champion."""
    return Pipeline(
        [
            Node(
                promote,
                inputs=[
                    *["included_images", "landmarks", "raw_cephalograms", "source_cache_index"],
                    *["params:evaluation", "params:detector"],
                ],
                outputs="promotion",
                name="promote",
            )
        ]
    )
