"""Pipeline `ensemble`."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.ensemble import nodes

TABLES = ["augmented_images", "augmented_landmarks", "augmented_cvm", "source_cache_index"]
PIXELS = ["augmented_cache", "augmented_cache_index", "augmented_store"]
FIRST = ["stage1_checkpoint", "stage2_checkpoint"]


IMAGES = ["included_images", "raw_cephalograms", "source_cache", "source_cache_index", "ensemble", "ensemble_folds"]
PREDICTED = ["predictions_folder", "params:detector"]


def create_pipeline() -> Pipeline:
    """Train more detectors, and predict images that were not used for training: test images with all detectors."""
    return Pipeline(
        [
            Node(
                nodes.assign_validation,
                ["included_images", "duplicates", "params:ensemble", "params:audit"],
                "ensemble_folds",
                name="assign_validation",
            ),
            Node(
                nodes.train,
                [
                    *["crops", *TABLES, *PIXELS, *FIRST, "ensemble_folds", "ensemble_folder"],
                    *["params:stage1", "params:crops", "params:stage2", "params:ensemble", "params:detector"],
                ],
                "ensemble",
                name="train",
            ),
            Node(nodes.predict, [*IMAGES, *PREDICTED], "ensemble_predictions", name="predict"),
            Node(
                nodes.predict_held_out,
                [*IMAGES, *PREDICTED],
                "ensemble_held_out_predictions",
                name="predict_held_out",
            ),
        ]
    )
