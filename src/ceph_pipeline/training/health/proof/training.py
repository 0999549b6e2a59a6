"""One training of the proof."""

from __future__ import annotations

import contextlib
import json
import logging
from typing import TYPE_CHECKING

import pandas as pd
import torch

from ceph_pipeline.training.errors import TrainingError
from ceph_pipeline.training.health.proof.confusion import Run
from ceph_pipeline.training.health.proof.phantoms import draw_phantoms
from ceph_pipeline.training.stage1 import train_whole_image_net

if TYPE_CHECKING:
    from pathlib import Path

    from ceph_pipeline.training.health.proof.trials import Trial

N_TRAIN, N_VALID = 64, 16


def train_trial(trial: Trial, seed: int, folder: Path) -> Run:
    """Train as the trial says, and read the report that the training left.

    Args:
        trial: What to train.
        seed: Of everything random; phantoms of a seed are the same in every trial.
        folder: Receives `<trial> <seed>` with phantoms and report.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    own = folder / f"{trial.name} {seed}"
    tables, cache = draw_phantoms(own / "phantoms", seed, N_TRAIN, N_VALID)
    with contextlib.suppress(TrainingError):  # a training that ends in NaN is stopped; its report is there
        train_whole_image_net(trial.tables(tables, seed), cache, own, trial.params(seed))
    findings = pd.read_parquet(own / "health.parquet")
    epochs = json.loads((own / "health.json").read_text(encoding="utf-8"))["record"]["epochs"]
    return Run(trial.name, seed, tuple(findings["check"]), epochs[-1]["curves"].get("val/mre_mm", float("nan")))
