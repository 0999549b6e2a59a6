"""Pipeline `stage1`."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.stage1 import nodes

TABLES = ["augmented_images", "augmented_landmarks", "augmented_cvm", "augmented_measurements", "source_cache_index"]
PIXELS = ["augmented_cache", "augmented_cache_index"]
SOURCES = ["images", "source_cache", "source_cache_index"]


def create_pipeline() -> Pipeline:
    """Train the whole-image network and predict other sources with it; the same without each fold, where there are folds."""
    return Pipeline(
        [
            Node(
                nodes.train_stage1,
                [*TABLES, *PIXELS, "stage1_folder", "params:stage1"],
                "stage1_checkpoint",
                name="train_stage1",
            ),
            Node(
                nodes.predict_stage1,
                [*SOURCES, "stage1_checkpoint", "stage1_folder"],
                "stage1_predictions",
                name="predict_stage1",
            ),
            Node(nodes.deal_folds, ["images", "augmented_images", "duplicates", "params:folds"], "folds", name="deal_folds"),
            Node(
                nodes.train_stage1_folds,
                ["folds", *TABLES, *PIXELS, "folds_folder", "params:stage1", "params:folds"],
                "stage1_folds",
                name="train_stage1_folds",
            ),
            Node(
                nodes.predict_stage1_folds,
                ["folds", "stage1_folds", *SOURCES, "folds_folder"],
                "fold_stage1_predictions",
                name="predict_stage1_folds",
            ),
        ]
    )
