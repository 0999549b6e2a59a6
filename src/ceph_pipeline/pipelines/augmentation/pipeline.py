"""The augmentation pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.augmentation.nodes import augment_sources, draw_contact_sheet

TABLES = (
    "augmented_images",
    "augmented_landmarks",
    "augmented_cvm",
    "augmented_measurements",
    "augmented_cache_index",
    "augmentation_summary",
)


def create_pipeline() -> Pipeline:
    """From sources and the audit's exclusions to copies, their tables and a contact sheet."""
    return Pipeline(
        [
            Node(
                augment_sources,
                inputs=[
                    "images",
                    "landmarks",
                    "cvm",
                    "exclusions",
                    "raw_cephalograms",
                    "source_cache",
                    "augmented_store",
                    "augmented_cache",
                    "params:augmentation",
                ],
                outputs={table: table for table in TABLES},
                name="augment_sources",
            ),
            Node(
                draw_contact_sheet,
                inputs=["augmented_images", "augmented_landmarks", "augmented_store"],
                outputs="augmentation_sheet",
                name="draw_contact_sheet",
            ),
        ]
    )
