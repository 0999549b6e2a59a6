"""Pipelines `compare` and `learning_curve`, which run after `augmentation`."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.compare import nodes

LEARNED = [
    *["augmented_images", "augmented_landmarks", "augmented_cvm", "source_cache_index"],
    *["augmented_cache", "augmented_cache_index"],
]
PARAMS_AND_SPLITS = ["params:stage1", "params:compare", "included_images"]
JUDGED = ["included_images", "landmarks", "source_cache", "source_cache_index", "params:detector"]


def create_pipeline() -> Pipeline:
    """Train the listed networks one after the other, and evaluate them on the test images."""
    return Pipeline(
        [
            Node(
                nodes.train_networks, [*LEARNED, "compare_folder", *PARAMS_AND_SPLITS], "compared_networks", name="train_networks"
            ),
            Node(nodes.judge_variants, ["compared_networks", "compare_folder", *JUDGED], "network_errors", name="judge_variants"),
            Node(nodes.draw_networks, "network_errors", "network_figure", name="draw_networks"),
        ]
    )


def create_learning_curve() -> Pipeline:
    """Train one network on increasing numbers of images, and evaluate it on the test images."""
    return Pipeline(
        [
            Node(nodes.train_on_fewer, [*LEARNED, "curve_folder", *PARAMS_AND_SPLITS], "curve_networks", name="train_on_fewer"),
            Node(nodes.judge_variants, ["curve_networks", "curve_folder", *JUDGED], "curve_errors", name="judge_variants"),
            Node(nodes.draw_learning_curve, "curve_errors", "learning_curve_figure", name="draw_learning_curve"),
        ]
    )
