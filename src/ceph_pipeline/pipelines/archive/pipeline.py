"""The archive pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.archive.nodes import locate_in_parts

PARAMETERS = ["inference", "detector", "calibration", "cephalometry", "plausibility"]


def create_pipeline() -> Pipeline:
    """From a folder or bucket of X-rays to partitioned tables of landmarks and measurements."""
    return Pipeline(
        [
            Node(
                locate_in_parts,
                inputs=[
                    *["archive_source", "archive_folder", "models_folder", "params:archive"],
                    *[f"params:{name}" for name in PARAMETERS],
                ],
                outputs="archive_parts",
                name="locate_in_parts",
            ),
        ]
    )
