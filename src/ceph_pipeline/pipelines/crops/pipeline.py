"""The crops pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.crops.nodes import index_crops


def create_pipeline() -> Pipeline:
    """One node: from augmented tables and stage 1's errors to the crop index."""
    return Pipeline(
        [
            Node(
                index_crops,
                inputs=[
                    *["augmented_images", "augmented_landmarks", "included_images", "landmarks"],
                    *["stage1_predictions", "params:crops"],
                ],
                outputs="crops",
                name="index_crops",
            )
        ]
    )
