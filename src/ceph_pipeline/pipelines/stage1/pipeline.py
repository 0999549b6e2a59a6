"""Pipeline `stage1`."""

from kedro.pipeline import Pipeline, node

from ceph_pipeline.pipelines.stage1.nodes import predict_stage1, train_stage1


def create_pipeline() -> Pipeline:
    """Train the whole-image network, then predict the validation and test sources."""
    return Pipeline(
        [
            node(
                train_stage1,
                [
                    "augmented_images",
                    "augmented_landmarks",
                    "augmented_cvm",
                    "augmented_measurements",
                    "source_cache_index",
                    "augmented_cache",
                    "augmented_cache_index",
                    "stage1_folder",
                    "params:stage1",
                ],
                "stage1_checkpoint",
                name="train_stage1",
            ),
            node(
                predict_stage1,
                ["images", "source_cache", "source_cache_index", "stage1_checkpoint"],
                "stage1_predictions",
                name="predict_stage1",
            ),
        ]
    )
