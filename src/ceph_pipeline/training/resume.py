"""Skipping, resuming and beginning a training, by what its folder holds."""

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
"""The finished network; the loop's state after the last epoch, and after the best one; what was searched for before."""

WEIGHTS = "data: initial weights"
"""Name in the record of the digest of the file that `net.pretrained` names."""


def begin_or_skip(
    folder: Path, stage: str, data: Mapping[str, Any], params: Stage1Params | Stage2Params, *, crops: BaseModel | None = None
) -> bool:
    """Prepare a folder for the training of these inputs, unless its checkpoint is what that training has written.

    A finished network stays where it is until another one is written in its place; what an unfinished training of other inputs
    has left is refused until `loop.force` says that it may go.

    Args:
        folder: Where the training keeps its state.
        stage: The parameters' top-level name.
        data: What it learns from, by name.
        params: The stage's parameters.
        crops: Further parameters, of stage 2.

    Returns:
        Whether there is something to train. The ledger then stands at these inputs, and the folder holds no state of others.

    Raises:
        TrainingError: an unfinished training of other inputs is here.
    """
    ledger, force = Ledger(folder), params.loop.force
    settings = {stage: params} if crops is None else {stage: params, "crops": crops}
    record = ledger.read()
    weights = _initial_weights(folder, params.net.pretrained, record)
    identity = fingerprint(dict(data), settings, *weights.values())
    summary = _summary(data, settings) | weights
    finished = record.get("finished", {})
    same = finished.get("fingerprint") == identity
    if record.get("complete") and _has_state(folder) and _is_intact(folder / BEST, finished):
        _drop_state(folder)  # of a finished training that was killed before it could
    if same and not force and _is_intact(folder / BEST, finished):
        logger.info("training skipped: %s was made from the same data and parameters", folder / BEST)
        if not ledger.is_complete(identity) and not (folder / LAST).is_file():  # another training was begun and made nothing
            ledger.begin(identity, summary, finished=finished)
            ledger.finish()
        return False
    if not force and not ledger.is_continuation(identity) and (folder / LAST).is_file():
        raise TrainingError(_refusal(folder, stage, ledger.difference(summary)))
    if same and not force:
        logger.warning("%s is missing, damaged or not the file that its training wrote: training it again", folder / BEST)
    if force or not ledger.is_continuation(identity):
        _drop_state(folder)
        (folder / FOUND).unlink(missing_ok=True)
    ledger.begin(identity, summary, finished={} if same else finished)
    return True


def finish(folder: Path, trained: TrainedNet) -> None:
    """Replace what was trained before by what is trained now, close the ledger and drop the training's own state.

    Args:
        folder: Where the training keeps its state.
        trained: The network with its best weights.
    """
    target, ledger = folder / BEST, Ledger(folder)
    save_checkpoint(trained, target)
    ledger.finish(finished={"fingerprint": ledger.read().get("fingerprint"), "digest": fingerprint(target)})
    _drop_state(folder)


class WholeCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside the last one and renames it, so that a full disk costs the new one only.

    Lightning's own writer goes through the system's temporary folder, from where a file system of its own makes the move a copy.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: _PATH, storage_options: Any = None) -> None:
        """Write it whole or not at all.

        Raises:
            CheckpointError: the disk does not take it.
        """
        del storage_options
        write_tensors(checkpoint, Path(path))


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
    raise TrainingError(
        f"{path}: missing, damaged or not a training state ({reason}), so that the training cannot resume. Restore the file, or "
        "delete it to start this training over."
    )


def _initial_weights(folder: Path, pretrained: bool | str, record: Mapping[str, Any]) -> dict[str, str]:
    """The digest of the file that a network starts from, by name in the record; without such a file, empty.

    A file that is gone counts as the one that was recorded. What the training itself writes is known by its path alone.
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
    """Whether a checkpoint is the file that the finished training has written."""
    return checkpoint.is_file() and fingerprint(checkpoint) == finished.get("digest")


def _summary(data: Mapping[str, Any], settings: Mapping[str, BaseModel]) -> dict[str, Any]:
    """Each parameter that counts, and a digest of each input, by name."""
    flat = dotted({name: model.model_dump(mode="json") for name, model in settings.items()})
    counted = {key: value for key, value in flat.items() if key.rpartition(".")[2] not in INDIFFERENT}
    return counted | {f"data: {name}": fingerprint(content) for name, content in data.items()}


def _refusal(folder: Path, stage: str, difference: dict[str, tuple[Any, Any]]) -> str:
    lines = [f"  {key}: it was begun with {before}, now {now}" for key, (before, now) in difference.items()]
    way_out = (
        f"Set them back to go on with it, or delete {folder / LAST} to start over. --params {stage}.loop.force=true would start "
        f"every training of {stage} over, finished folds and detectors of an ensemble too."
    )
    return "\n".join(
        [
            f"{stage}: {folder} holds an unfinished training ({epochs_done(folder / LAST)} epochs) of other inputs:",
            *(lines or ["  (its record does not say which)"]),
            way_out,
        ]
    )
