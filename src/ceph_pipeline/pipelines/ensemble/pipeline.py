"""Pipeline `ensemble`."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.ensemble import nodes

TABLES = ["augmented_images", "augmented_landmarks", "augmented_cvm", "source_cache_index"]
PIXELS = ["augmented_cache", "augmented_cache_index", "augmented_store"]
FIRST = ["stage1_checkpoint", "stage2_checkpoint"]


def create_pipeline() -> Pipeline:
    """Train more detectors, and predict validation and test sources with the ensemble of all detectors."""
    return Pipeline(
        [
            Node(
                nodes.train,
                [
                    *["crops", *TABLES, *PIXELS, *FIRST, "ensemble_folder"],
                    *["params:stage1", "params:crops", "params:stage2", "params:ensemble"],
                ],
                "ensemble",
                name="train",
            ),
            Node(
                nodes.predict,
                [
                    *["images", "raw_cephalograms", "source_cache", "source_cache_index"],
                    *["ensemble", "predictions_folder", "params:detector"],
                ],
                "ensemble_predictions",
                name="predict",
            ),
        ]
    )
