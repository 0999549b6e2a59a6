"""Pipeline `stage2`."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.stage2 import nodes

TABLES = ["augmented_images", "augmented_landmarks", "source_cache_index"]


def create_pipeline() -> Pipeline:
    """Train the refinement network on crops."""
    return Pipeline(
        [
            Node(
                nodes.train,
                ["crops", *TABLES, "augmented_store", "stage2_folder", "params:crops", "params:stage2"],
                "stage2_checkpoint",
                name="train",
            ),
        ]
    )
