"""The audit pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.audit import nodes

PARAMS = "params:audit"


def create_pipeline() -> Pipeline:
    """Find near-duplicates, run the checks, decide on exclusions, and write the report."""
    return Pipeline(
        [
            Node(
                nodes.compare_images,
                ["images", "source_cache", "source_cache_index", PARAMS],
                ["duplicates", "foreign_duplicates", "films"],
                name="compare_images",
            ),
            Node(
                nodes.check_data,
                ["images", "landmarks", "cvm", "quarantine", "duplicates", "foreign_duplicates", "films", PARAMS],
                "findings",
                name="check_data",
            ),
            Node(
                nodes.exclude_images,
                ["findings", "duplicates", "images", PARAMS],
                ["exclusions", "included_images"],
                name="exclude_images",
            ),
            Node(
                nodes.present_findings,
                ["findings", "exclusions", "images", "landmarks", "source_cache", PARAMS],
                ["audit_figure", "audit_html"],
                name="present_findings",
            ),
        ]
    )
