"""The ingestion pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.ingestion.nodes import (
    build_cache,
    complete_tables,
    list_pseudonyms,
    measure_cephalograms,
    read_cephalograms,
)


def create_pipeline() -> Pipeline:
    """Read the raw files, cache their pixels, complete the tables, and compute measurements."""
    return Pipeline(
        [
            Node(
                read_cephalograms,
                inputs=["raw_cephalograms", "params:ingestion"],
                outputs=["found_images", "found_landmarks", "found_cvm", "found_quarantine"],
                name="read_cephalograms",
            ),
            Node(
                build_cache,
                inputs=["found_images", "raw_cephalograms", "source_cache", "params:ingestion"],
                outputs=["source_cache_index", "undecodable"],
                name="build_cache",
            ),
            Node(
                complete_tables,
                inputs=[
                    "found_images",
                    "found_landmarks",
                    "found_cvm",
                    "found_quarantine",
                    "undecodable",
                    "raw_cephalograms",
                    "params:ingestion",
                ],
                outputs=["images", "landmarks", "cvm", "quarantine"],
                name="complete_tables",
            ),
            Node(list_pseudonyms, inputs=["images", "quarantine"], outputs="pseudonyms", name="list_pseudonyms"),
            Node(measure_cephalograms, inputs=["images", "landmarks"], outputs="measurements", name="measure_cephalograms"),
        ]
    )
