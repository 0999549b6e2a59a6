"""The benchmark pipeline."""

from kedro.pipeline import Node, Pipeline

from ceph_pipeline.pipelines.benchmark.nodes import report_benchmark, time_full_steps, time_heatmap_codec, time_networks


def create_pipeline() -> Pipeline:
    """Networks, the full training step and the heatmap codec, each timed by a node of its own, and their report."""
    return Pipeline(
        [
            Node(
                time_networks,
                inputs=["params:benchmark", "params:stage1", "params:stage2"],
                outputs="benchmark_networks",
                name="time_networks",
            ),
            Node(
                time_full_steps,
                inputs=["params:benchmark", "params:stage1"],
                outputs="benchmark_full_steps",
                name="time_full_steps",
            ),
            Node(time_heatmap_codec, inputs="params:benchmark", outputs="benchmark_codec", name="time_heatmap_codec"),
            Node(
                report_benchmark,
                inputs=["params:benchmark", "benchmark_networks", "benchmark_full_steps", "benchmark_codec"],
                outputs=["benchmark_results", "benchmark_figure"],
                name="report_benchmark",
            ),
        ]
    )
