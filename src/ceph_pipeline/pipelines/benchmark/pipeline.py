"""The benchmark pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.benchmark.nodes import time_networks


def create_pipeline() -> Pipeline:
    """One node: from the configured cases to their throughput."""
    return Pipeline(
        [Node(time_networks, inputs="params:benchmark", outputs=["benchmark_results", "benchmark_table"], name="time_networks")]
    )
