"""Nodes of the benchmark pipeline."""

import logging
from typing import Any

import pandas as pd

from ceph_pipeline.benchmark import BenchmarkParams
from ceph_pipeline.training.params import Stage1Params, Stage2Params

logger = logging.getLogger(__name__)


def time_networks(params: BenchmarkParams, stage1: Stage1Params, stage2: Stage2Params) -> pd.DataFrame:
    """Measure training and inference times of every configured network, batch size and configuration on this device."""
    from ceph_pipeline.benchmark.runs import projected, time_cells

    per_epoch = {"stage1": stage1.images_per_epoch or params.images_per_epoch, "stage2": stage2.crops_per_epoch}
    table = projected(time_cells(_possible(params)), per_epoch, {"stage1": stage1.optim.epochs, "stage2": stage2.optim.epochs})
    columns = [
        "step",
        "backbone",
        "width_px",
        "batch_size",
        "configuration",
        "status",
        "images_per_s",
        "peak_memory_mib",
        "speedup",
    ]
    logger.info("throughput of networks\n%s", table[columns].to_string(index=False, float_format="{:.2f}".format))
    return table


def time_full_steps(params: BenchmarkParams, stage1: Stage1Params) -> pd.DataFrame:
    """Measure the training of stage 1 under real conditions, and compare with a minimal loop of the same network."""
    from ceph_pipeline.benchmark.full_step import measure_full_step
    from ceph_pipeline.benchmark.isolation import in_own_process

    cases = _possible(params).full_steps if params.mode != "inference" else ()
    rows = [in_own_process(measure_full_step, case, params, stage1) for case in cases]
    for row in rows:
        logger.info(
            "full training step of %s, %d × %d, batch %d: %.2f images/s, %.3f of a bare loop, %.1f %% waiting for data, %.0f MiB",
            *(row[name] for name in ("backbone", "width_px", "height_px", "batch_size", "images_per_s", "of_bare")),
            100 * row["waiting_share"],
            row["peak_memory_mib"],
        )
    return _table(rows)


def time_detectors(params: BenchmarkParams) -> pd.DataFrame:
    """Measure pairs of networks from films in memory to refined points, and compare with their forward passes alone."""
    from ceph_pipeline.benchmark.inference import measure_detector
    from ceph_pipeline.benchmark.isolation import in_own_process

    cases = _possible(params).detectors if params.mode != "training" else ()
    table = _table([in_own_process(measure_detector, case, params) for case in cases])
    if not table.empty:
        shown = table[["stage1_backbone", "stage2_backbone", "images_per_s", "ms_per_image", "of_bare"]]
        logger.info("from films to points\n%s", shown.to_string(index=False, float_format="{:.3f}".format))
    return table


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a table; an empty table has a column too, because a CSV file without columns cannot be read."""
    return pd.DataFrame(rows, columns=None if rows else ["images_per_s"])


def _possible(params: BenchmarkParams) -> BenchmarkParams:
    """The parameters without configurations that this machine cannot run."""
    from ceph_pipeline.detector.forward import resolve_device

    if resolve_device(params.device).type == "cuda":
        return params
    possible = params.without_gpu()
    if left_out := params.backbones() - possible.backbones():
        logger.warning("no GPU: %s skipped (gpu_only)", ", ".join(sorted(left_out)))
    return possible


def report_benchmark(
    params: BenchmarkParams,
    networks: pd.DataFrame,
    full_steps: pd.DataFrame,
    detectors: pd.DataFrame,
) -> tuple[dict[str, Any], Any]:
    """Write measurements and environment into a report, and draw the throughput."""
    from ceph_pipeline.benchmark.figure import benchmark_figure
    from ceph_pipeline.benchmark.runs import environment
    from ceph_pipeline.detector.forward import resolve_device

    tables = {"results": networks, "full_steps": full_steps, "detectors": detectors}
    report = {name: table.to_dict(orient="records") for name, table in tables.items()}
    return {"environment": environment(resolve_device(params.device)), **report}, benchmark_figure(networks)
