"""Measuring every configured cell."""

from __future__ import annotations

import logging
import platform
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from tqdm.auto import tqdm

from ceph_pipeline.benchmark.cells import OUT_OF_MEMORY, Cell, cells, failed, measure
from ceph_pipeline.benchmark.isolation import KilledError, in_own_process
from ceph_pipeline.benchmark.precision import Arithmetic
from ceph_pipeline.errors import InvalidValueError

if TYPE_CHECKING:
    from ceph_pipeline.benchmark.params import BenchmarkParams

logger = logging.getLogger(__name__)

IDENTITY = ["step", "stage", "backbone", "width_px", "height_px", "stride", "batch_size"]
"""Columns that two rows of one comparison share."""


def time_cells(params: BenchmarkParams) -> pd.DataFrame:
    """Time the steps of every cell.

    Returns:
        One row a cell and step. `of_bare` is the step's throughput over that of the bare step beside it; `speedup` and
        `memory_ratio` compare with float32 at the same batch size. A cell that could not be measured says why in `status`.

    Raises:
        ValueError: no case is left of those that this machine can measure.
    """
    if not params.cases:
        raise InvalidValueError(
            "benchmark.cases: all are gpu_only, and there is no GPU here, or benchmark.device names another. Add a small network "
            "to parameters_benchmark.yml, or take gpu_only from a case, which then takes hours; or run "
            "`--nodes benchmark.time_full_steps,benchmark.time_detectors` alone."
        )
    rows: list[dict[str, Any]] = []
    for cell in tqdm(cells(params), desc="benchmark", unit="cell"):
        rows += _measured(cell, params)
        if rows[-1]["status"] != "ok":
            logger.warning("%s: %s", " ".join(map(str, cell.about().values())), rows[-1]["status"])
    return compared(pd.DataFrame(rows))


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """The table with each row's ratio to float32; NaN where either could not be measured."""
    table = table.reindex(columns=[*table.columns, *({"images_per_s", "peak_memory_mib"} - set(table.columns))])
    base = table[table["configuration"] == "float32"].set_index(IDENTITY)[["images_per_s", "peak_memory_mib"]]
    own = pd.MultiIndex.from_frame(table[IDENTITY])
    base = base.reindex(own).reset_index(drop=True)
    return table.assign(
        speedup=table["images_per_s"] / base["images_per_s"],
        memory_ratio=table["peak_memory_mib"] / base["peak_memory_mib"].where(base["peak_memory_mib"] > 0),
    )


def projected(table: pd.DataFrame, per_epoch: dict[str, int], epochs: dict[str, int]) -> pd.DataFrame:
    """The table with `epoch_s` and `training_h`, the time that training alone would take, by stage.

    Args:
        table: From `time_cells`.
        per_epoch: Inputs an epoch of each stage.
        epochs: Epochs of each stage.
    """
    training = table["step"] == "training"
    epoch_s = table["stage"].map(per_epoch) / table["images_per_s"]
    return table.assign(epoch_s=epoch_s.where(training), training_h=(epoch_s * table["stage"].map(epochs) / 3600).where(training))


def environment(device: torch.device) -> dict[str, Any]:
    """What the figures depend on beside the configuration."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return {
        "device": device.type,
        "device_name": name,
        "amp": str(Arithmetic.of("amp", device).dtype).removeprefix("torch."),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
    }


def _measured(cell: Cell, params: BenchmarkParams) -> list[dict[str, Any]]:
    try:
        return in_own_process(measure, cell, params)
    except KilledError:
        return failed(cell, OUT_OF_MEMORY)
