"""Whether a training is done, goes on where it stopped, or starts: what its folder's ledger says."""

from __future__ import annotations

import logging
import pickle
import shutil
from typing import TYPE_CHECKING, Any

import torch

from ceph_pipeline.artifacts import Ledger, fingerprint
from ceph_pipeline.artifacts.fingerprint import INDIFFERENT
from ceph_pipeline.detector.checkpoint import TrainedNet, save_checkpoint
from ceph_pipeline.training.errors import TrainingError
from ceph_pipeline.training.tracking import flatten

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import BaseModel

    from ceph_pipeline.training.params import Stage1Params, Stage2Params

logger = logging.getLogger(__name__)

BEST, LAST, BEST_EPOCH, FOUND = "best.ckpt", "last.ckpt", "best-epoch.ckpt", "found.json"
"""The finished network; the loop's state after the last epoch, and after the best one; what was searched for before."""

SNAPSHOTS = "snapshots"
"""The folder of networks after the last validations."""


def finished(
    folder: Path, stage: str, data: Mapping[str, Any], params: Stage1Params | Stage2Params, *, crops: BaseModel | None = None
) -> bool:
    """Whether the training of these inputs is complete. Afterwards the folder's ledger stands at them.

    A training that is complete, but of other inputs, is replaced: that is what running it again asks for. One that was cut off
    is worth keeping, so that other inputs are refused until `loop.force` says that it may go.

    Args:
        folder: Where the training keeps its state.
        stage: The parameters' top-level name.
        data: What it learns from, by name.
        params: The stage's parameters.
        crops: Further parameters, of stage 2.

    Raises:
        TrainingError: an unfinished training of other inputs is here.
    """
    ledger, force = Ledger(folder), params.loop.force
    settings = {stage: params} if crops is None else {stage: params, "crops": crops}
    identity = fingerprint(dict(data), settings)
    if ledger.is_complete(identity) and not force and (folder / BEST).is_file():
        logger.info("training skipped: %s was made from the same data and parameters", folder / BEST)
        return True
    summary = _summary(data, settings)
    if not force and not ledger.is_continuation(identity) and (folder / LAST).is_file():
        raise TrainingError(_refusal(folder, stage, ledger.difference(summary)))
    if force or not ledger.is_continuation(identity):
        for remains in (BEST, LAST, BEST_EPOCH, FOUND):
            (folder / remains).unlink(missing_ok=True)
        shutil.rmtree(folder / SNAPSHOTS, ignore_errors=True)
    ledger.begin(identity, summary)
    return False


def finish(folder: Path, trained: TrainedNet) -> Path:
    """Write the plain checkpoint, close the ledger and drop the training's own state."""
    target = folder / BEST
    save_checkpoint(trained, target)
    Ledger(folder).finish()
    for remains in (LAST, BEST_EPOCH):
        (folder / remains).unlink(missing_ok=True)
    return target


def epochs_done(last: Path) -> int:
    """Completed epochs of the training whose state a file holds; 0 where there is none.

    Raises:
        TrainingError: the file is damaged.
    """
    return int(read_state(last)["epoch"]) + 1 if last.is_file() else 0


def read_state(path: Path) -> dict[str, Any]:
    """The loop's state as a training has saved it; its tensors are read when they are used.

    Raises:
        TrainingError: the file is missing, damaged or something else; what to do about it.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0] if str(error) else type(error).__name__
    else:
        if isinstance(state, dict) and {"epoch", "state_dict"} <= state.keys():
            return state
        reason = "expected the state of a training"
    stage = path.parent.name
    raise TrainingError(
        f"{path}: missing, damaged, or no file of a training ({reason}), so that it cannot go on. Put the file back, or start "
        f"over: --params {stage}.loop.force=true"
    )


def _summary(data: Mapping[str, Any], settings: Mapping[str, BaseModel]) -> dict[str, Any]:
    """Each parameter that counts, and a digest of each input, by name."""
    flat = {key: value for name, model in settings.items() for key, value in flatten(model.model_dump(mode="json"), name).items()}
    counted = {key: value for key, value in flat.items() if key.rpartition(".")[2] not in INDIFFERENT}
    return counted | {f"data: {name}": fingerprint(content) for name, content in data.items()}


def _refusal(folder: Path, stage: str, difference: dict[str, tuple[Any, Any]]) -> str:
    lines = [f"  {key}: it was begun with {before}, now {now}" for key, (before, now) in difference.items()]
    way_out = (
        f"Set them back to go on with it, or delete {folder / LAST} to start over. --params {stage}.loop.force=true would start "
        f"every training of {stage} over, finished folds too."
    )
    return "\n".join(
        [
            f"{stage}: {folder} holds an unfinished training ({epochs_done(folder / LAST)} epochs) of other inputs:",
            *(lines or ["  (its record does not say which)"]),
            way_out,
        ]
    )
