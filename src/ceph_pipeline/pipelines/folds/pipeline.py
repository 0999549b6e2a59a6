"""Pipeline `folds`."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.folds import nodes

TABLES = ["augmented_images", "augmented_landmarks"]
STAGE1_TABLES = [*TABLES, "augmented_cvm", "source_cache_index"]
STAGE1_PREDICTIONS = ["fold_stage1_predictions", "fold_stage1_tta_predictions"]
PREDICTED = ["folds_folder", "predictions_folder", "params:detector"]


def create_pipeline() -> Pipeline:
    """Train both stages without each fold, and evaluate them on the sources of the fold."""
    return Pipeline(
        [
            Node(
                nodes.assign_folds,
                ["included_images", "duplicates", "params:folds"],
                "folds",
                name="assign_folds",
            ),
            Node(
                nodes.train_stage1,
                [
                    "folds",
                    *STAGE1_TABLES,
                    "augmented_cache",
                    "augmented_cache_index",
                    "folds_folder",
                    "params:stage1",
                    "params:folds",
                    "params:detector",
                ],
                "fold_stage1_checkpoints",
                name="train_stage1",
            ),
            Node(
                nodes.predict_stage1,
                ["folds", "fold_stage1_checkpoints", "included_images", "source_cache", "source_cache_index", *PREDICTED],
                {name: name for name in STAGE1_PREDICTIONS},
                name="predict_stage1",
            ),
            Node(
                nodes.train_stage2,
                [
                    *["folds", "fold_stage1_predictions", "included_images", "landmarks", *TABLES, "source_cache_index"],
                    *["augmented_store", "folds_folder", "params:crops", "params:stage2", "params:folds"],
                ],
                "fold_stage2_checkpoints",
                name="train_stage2",
            ),
            Node(
                nodes.predict_stage2,
                [
                    *["folds", *STAGE1_PREDICTIONS, "fold_stage2_checkpoints", "included_images", "raw_cephalograms"],
                    *["source_cache_index", *PREDICTED],
                ],
                "fold_predictions",
                name="predict_stage2",
            ),
            Node(
                nodes.cross_validate,
                ["fold_predictions", "folds", "landmarks", "included_images", "params:evaluation", "params:detector"],
                {name: name for name in ("fold_errors", "cross_validation", "cross_validation_metrics")},
                name="cross_validate",
            ),
        ]
    )
