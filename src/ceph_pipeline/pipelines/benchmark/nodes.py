"""Nodes of the benchmark pipeline."""

import logging
from typing import Any

import pandas as pd

from ceph_pipeline.benchmark import BenchmarkParams

logger = logging.getLogger(__name__)


def time_networks(params: BenchmarkParams) -> tuple[dict[str, Any], pd.DataFrame]:
    """Time training and inference of every configured network on the device at hand."""
    from ceph_pipeline.benchmark.runs import run_benchmark

    report, table = run_benchmark(params)
    for row in report["results"]:
        logger.info(
            "%s %s %s, %d × %d, batch %d: %.1f images/s",
            row["step"],
            row["stage"],
            row["backbone"],
            row["width_px"],
            row["height_px"],
            row["batch_size"],
            row["images_per_s"],
        )
    return report, table
