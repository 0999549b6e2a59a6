"""Pipeline `stage2`."""

from kedro.pipeline import Pipeline, node

from ceph_pipeline.pipelines.stage2.nodes import log_detector, train_stage2


def create_pipeline() -> Pipeline:
    """Train the refinement network on crops, and log the two-stage detector."""
    return Pipeline(
        [
            node(
                train_stage2,
                [
                    "crops",
                    "augmented_images",
                    "augmented_landmarks",
                    "source_cache_index",
                    "augmented_store",
                    "stage2_folder",
                    "params:crops",
                    "params:stage2",
                ],
                "stage2_checkpoint",
                name="train_stage2",
            ),
            node(log_detector, ["stage1_checkpoint", "stage2_checkpoint"], None, name="log_detector"),
        ]
    )
