"""How the loop's own checkpoints reach the disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.fabric.plugins.io import TorchCheckpointIO

from ceph_pipeline.detector.checkpoint import write_tensors

if TYPE_CHECKING:
    from lightning.fabric.utilities.types import _PATH


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
