"""Pipeline `stage2`."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.stage2 import nodes

TABLES = ["augmented_images", "augmented_landmarks", "source_cache_index"]


def create_pipeline() -> Pipeline:
    """Train the refinement network on crops, the same without each fold where folds are asked for, and log the detector."""
    return Pipeline(
        [
            Node(
                nodes.train_stage2,
                ["crops", *TABLES, "augmented_store", "stage2_folder", "params:crops", "params:stage2"],
                "stage2_checkpoint",
                name="train_stage2",
            ),
            Node(
                nodes.train_stage2_folds,
                [
                    *["folds", "fold_stage1_predictions", "images", "landmarks"],
                    *TABLES,
                    *["augmented_store", "folds_folder", "params:crops", "params:stage2", "params:folds"],
                ],
                "stage2_folds",
                name="train_stage2_folds",
            ),
            Node(nodes.log_detector, ["stage1_checkpoint", "stage2_checkpoint"], None, name="log_detector"),
        ]
    )
