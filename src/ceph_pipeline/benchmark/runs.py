"""Measure all configured cells."""

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
"""Columns that are equal in two rows that are compared."""


def time_cells(params: BenchmarkParams) -> pd.DataFrame:
    """Time the steps of every cell.

    Returns:
        One row per cell and step. `of_bare` is the throughput of the step divided by the throughput of the bare step. `speedup`
        and `memory_ratio` compare with float32 at the same batch size. For cells that could not be measured, `status` contains
        the reason.

    Raises:
        ValueError: this machine can measure none of the cases.
    """
    if not params.cases:
        raise InvalidValueError(
            "benchmark.cases: all cases are gpu_only, but this machine has no GPU, or benchmark.device selects another device. "
            "Add a small network to parameters_benchmark.yml, or remove gpu_only from a case, which then takes hours. Or run "
            "`--nodes benchmark.time_full_steps,benchmark.time_detectors`."
        )
    rows: list[dict[str, Any]] = []
    for cell in tqdm(cells(params), desc="benchmark", unit="cell"):
        rows += _measured(cell, params)
        if rows[-1]["status"] != "ok":
            logger.warning("%s: %s", " ".join(map(str, cell.about().values())), rows[-1]["status"])
    return compared(pd.DataFrame(rows))


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the ratios to float32; NaN if one of both rows could not be measured."""
    table = table.reindex(columns=[*table.columns, *({"images_per_s", "peak_memory_mib"} - set(table.columns))])
    base = table[table["configuration"] == "float32"].set_index(IDENTITY)[["images_per_s", "peak_memory_mib"]]
    own = pd.MultiIndex.from_frame(table[IDENTITY])
    base = base.reindex(own).reset_index(drop=True)
    return table.assign(
        speedup=table["images_per_s"] / base["images_per_s"],
        memory_ratio=table["peak_memory_mib"] / base["peak_memory_mib"].where(base["peak_memory_mib"] > 0),
    )


def projected(table: pd.DataFrame, per_epoch: dict[str, int], epochs: dict[str, int]) -> pd.DataFrame:
    """The table with `epoch_s` and `training_h`, the projected duration of training, without validation, by stage.

    Args:
        table: From `time_cells`.
        per_epoch: Number of inputs per epoch of each stage.
        epochs: Number of epochs of each stage.
    """
    training = table["step"] == "training"
    epoch_s = table["stage"].map(per_epoch) / table["images_per_s"]
    return table.assign(epoch_s=epoch_s.where(training), training_h=(epoch_s * table["stage"].map(epochs) / 3600).where(training))


def environment(device: torch.device) -> dict[str, Any]:
    """Hardware and software that the results depend on, in addition to the configuration."""
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
