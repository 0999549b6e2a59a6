"""Delete incomplete files of runs and workers that were killed."""

from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl

from ceph_pipeline.artifacts import Folder, sweep


class LeftoversHook:
    """Deletes incomplete files below the data root before and after a run; files that other runs are writing are kept."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Store the data root; object storage never contains incomplete files."""
        folder = Folder(str(context.config_loader["globals"]["data_root"]))
        self._root = Path(context.project_path, folder.path) if folder.is_local else None

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Delete incomplete files of earlier runs that were killed."""
        self._sweep()

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Delete incomplete files of workers that were killed."""
        self._sweep()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Delete incomplete files of workers that were killed."""
        self._sweep()

    def _sweep(self) -> None:
        if self._root is not None:
            sweep(self._root)
