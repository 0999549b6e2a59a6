"""Nothing half-written stays behind: not of a run that was killed, nor of a worker that was killed within this run."""

from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl

from ceph_pipeline.artifacts import Folder, sweep


class LeftoversHook:
    """Sweeps every folder of the data root before and after a run; what other runs write meanwhile stays."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Keep where data lies; on object storage nothing is ever half-written."""
        folder = Folder(str(context.config_loader["globals"]["data_root"]))
        self._root = Path(context.project_path, folder.path) if folder.is_local else None

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Sweep after runs that were killed."""
        self._sweep()

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Sweep after workers that were killed."""
        self._sweep()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Sweep after workers that were killed."""
        self._sweep()

    def _sweep(self) -> None:
        if self._root is not None:
            sweep(self._root)
