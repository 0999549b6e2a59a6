"""Pipeline `stage2`."""

from kedro.pipeline import Pipeline, node

from ceph_pipeline.pipelines.stage2.nodes import train_stage2


def create_pipeline() -> Pipeline:
    """Train the refinement network on crops."""
    return Pipeline(
        [
            node(
                train_stage2,
                [
                    "crops",
                    "augmented_images",
                    "augmented_landmarks",
                    "augmented_store",
                    "stage2_folder",
                    "params:crops",
                    "params:stage2",
                ],
                "stage2_checkpoint",
                name="train_stage2",
            )
        ]
    )
