"""The benchmark pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.benchmark import nodes

PARAMS = "params:benchmark"
TABLES = ("networks", "full_steps", "detectors")


def create_pipeline() -> Pipeline:
    """One node per benchmark, and a report of all benchmarks."""
    return Pipeline(
        [
            Node(nodes.time_networks, [PARAMS, "params:stage1", "params:stage2"], "benchmark_networks", name="time_networks"),
            Node(nodes.time_full_steps, [PARAMS, "params:stage1"], "benchmark_full_steps", name="time_full_steps"),
            Node(nodes.time_detectors, PARAMS, "benchmark_detectors", name="time_detectors"),
            Node(
                nodes.report_benchmark,
                [PARAMS, *(f"benchmark_{name}" for name in TABLES)],
                ["benchmark_results", "benchmark_figure"],
                name="report_benchmark",
            ),
        ]
    )
