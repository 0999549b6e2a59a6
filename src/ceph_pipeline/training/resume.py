"""Skips, resumes or starts a training, depending on the content of its folder."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO

from ceph_pipeline.artifacts import Ledger, dotted, fingerprint
from ceph_pipeline.artifacts.fingerprint import INDIFFERENT
from ceph_pipeline.detector.checkpoint import TrainedNet, save_checkpoint, write_tensors
from ceph_pipeline.training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lightning.fabric.utilities.types import _PATH
    from pydantic import BaseModel

    from ceph_pipeline.training.params import Stage1Params, Stage2Params

logger = logging.getLogger(__name__)

BEST, LAST, BEST_EPOCH, FOUND = "best.ckpt", "last.ckpt", "best-epoch.ckpt", "found.json"
"""The finished network; the training's state after the last epoch and after the best epoch; the selected learning rate."""

WEIGHTS = "data: initial weights"
"""Name of the digest of the file `net.pretrained` in the record."""


def begin_or_skip(
    folder: Path, stage: str, data: Mapping[str, Any], params: Stage1Params | Stage2Params, *, crops: BaseModel | None = None
) -> bool:
    """Prepare a folder for a training, unless its checkpoint is up to date.

    A finished network is kept until another network replaces it. The state of an unfinished training with other inputs raises an
    error; with `loop.force` the state is deleted.

    Args:
        folder: Folder of the training's state.
        stage: The parameters' top-level name.
        data: Training data, by name.
        params: The stage's parameters.
        crops: Crop parameters of stage 2.

    Returns:
        Whether a training is required. If so, the manifest contains the fingerprint of these inputs, and the folder contains no
        state of other inputs.

    Raises:
        TrainingError: the folder contains an unfinished training with other inputs.
    """
    ledger, force = Ledger(folder), params.loop.force
    settings = {stage: params} if crops is None else {stage: params, "crops": crops}
    record = ledger.read()
    weights = _initial_weights(folder, params.net.pretrained, record)
    identity = fingerprint(dict(data), settings, *weights.values())
    summary = _summary(data, settings) | weights
    finished = record.get("finished") or {}
    same = finished.get("fingerprint") == identity
    if record.get("complete") and _has_state(folder) and _is_intact(folder / BEST, finished):
        _drop_state(folder)  # a finished training was killed before it deleted its state
    if same and not force and _is_intact(folder / BEST, finished):
        logger.info("training skipped: %s is up to date (same data and parameters)", folder / BEST)
        if not ledger.is_complete(identity) and not (folder / LAST).is_file():  # another training was started without any result
            ledger.begin(identity, summary, finished=finished)
            ledger.finish()
        return False
    if not force and not ledger.is_continuation(identity) and (folder / LAST).is_file():
        raise TrainingError(_refusal(folder, stage, ledger.difference(summary)))
    if same and not force:
        logger.warning("%s is missing, damaged or not the file that its training wrote: training again", folder / BEST)
    if force or not ledger.is_continuation(identity):
        _drop_state(folder)
        (folder / FOUND).unlink(missing_ok=True)
    ledger.begin(identity, summary, finished={} if same else finished)
    return True


def finish(folder: Path, trained: TrainedNet) -> None:
    """Write the finished network, mark the manifest as complete, and delete the training's state.

    Args:
        folder: Folder of the training's state.
        trained: The network with its best weights.
    """
    target, ledger = folder / BEST, Ledger(folder)
    save_checkpoint(trained, target)
    ledger.finish(finished={"fingerprint": ledger.read().get("fingerprint"), "digest": fingerprint(target)})
    _drop_state(folder)


class WholeCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint next to the previous one and renames it, so that a full disk leaves the previous one intact.

    Lightning's writer uses the system's temporary folder; if that folder is on another file system, the move is not atomic.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: _PATH, storage_options: Any = None) -> None:
        """Write a checkpoint atomically.

        Raises:
            CheckpointError: the file cannot be written.
        """
        del storage_options
        write_tensors(checkpoint, Path(path))


def epochs_done(last: Path) -> int:
    """Completed epochs of the training state in a file; 0 if there is no file.

    Raises:
        TrainingError: the file is damaged.
    """
    return int(read_state(last)["epoch"]) + 1 if last.is_file() else 0


def read_state(path: Path) -> dict[str, Any]:
    """The training state in a file; its tensors are read when they are used.

    Raises:
        TrainingError: the file is missing, damaged or not a training state.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0] if str(error) else type(error).__name__
    else:
        if isinstance(state, dict) and {"epoch", "state_dict"} <= state.keys():
            return state
        reason = "expected the state of a training"
    raise TrainingError(
        f"{path}: missing, damaged or not a training state ({reason}); the training cannot resume. Restore the file, or delete "
        "it to start this training from the beginning."
    )


def _initial_weights(folder: Path, pretrained: bool | str, record: Mapping[str, Any]) -> dict[str, str]:
    """The digest of the file with the initial weights, by its name in the record; empty without such a file.

    For a missing file, the recorded digest is used. The training's own `best.ckpt` has no digest, because it changes.
    """
    if isinstance(pretrained, bool):
        return {}
    path = Path(pretrained).resolve()
    if path == (folder / BEST).resolve():
        return {}
    recorded = record.get("summary", {}).get(WEIGHTS)
    digest = fingerprint(path) if path.is_file() else recorded
    return {} if digest is None else {WEIGHTS: str(digest)}


def _has_state(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (LAST, BEST_EPOCH))


def _drop_state(folder: Path) -> None:
    for name in (LAST, BEST_EPOCH):
        (folder / name).unlink(missing_ok=True)


def _is_intact(checkpoint: Path, finished: Mapping[str, Any]) -> bool:
    """Whether a checkpoint is the file that the finished training wrote."""
    return checkpoint.is_file() and fingerprint(checkpoint) == finished.get("digest")


def _summary(data: Mapping[str, Any], settings: Mapping[str, BaseModel]) -> dict[str, Any]:
    """Each parameter that affects the result, and a digest of each input, by name."""
    flat = dotted({name: model.model_dump(mode="json") for name, model in settings.items()})
    counted = {key: value for key, value in flat.items() if key.rpartition(".")[2] not in INDIFFERENT}
    return counted | {f"data: {name}": fingerprint(content) for name, content in data.items()}


def _refusal(folder: Path, stage: str, difference: dict[str, tuple[Any, Any]]) -> str:
    lines = [f"  {key}: was {before}, now {now}" for key, (before, now) in difference.items()]
    way_out = (
        f"Restore the inputs to resume it, or delete {folder / LAST} to start again. --params {stage}.loop.force=true starts "
        f"every training of {stage} again, including finished folds and detectors of an ensemble."
    )
    return "\n".join(
        [
            f"{stage}: {folder} contains an unfinished training ({epochs_done(folder / LAST)} epochs) with other inputs:",
            *(lines or ["  (the difference is not recorded)"]),
            way_out,
        ]
    )
