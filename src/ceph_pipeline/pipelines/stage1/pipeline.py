"""Pipeline `stage1`."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.stage1 import nodes

TABLES = ["augmented_images", "augmented_landmarks", "augmented_cvm", "source_cache_index"]
PIXELS = ["augmented_cache", "augmented_cache_index"]


def create_pipeline() -> Pipeline:
    """Train the whole-image network and predict validation and test sources."""
    return Pipeline(
        [
            Node(
                nodes.train,
                [*TABLES, *PIXELS, "stage1_folder", "params:stage1", "params:detector"],
                "stage1_checkpoint",
                name="train",
            ),
            Node(
                nodes.predict,
                [
                    *["included_images", "source_cache", "source_cache_index", "stage1_checkpoint"],
                    *["predictions_folder", "params:detector"],
                ],
                {name: name for name in ("stage1_predictions", "stage1_tta_predictions", "head_outputs")},
                name="predict",
            ),
        ]
    )
