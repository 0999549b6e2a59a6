"""Check the configuration's environment and files before they are used.

Kedro treats an environment that does not exist as empty, and does not read a file whose name it does not know. For a file that
cannot be parsed, Kedro reports at most a line number.
"""

import logging
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from ceph_pipeline.configuration import check_files
from ceph_pipeline.errors import CephError, known_here

logger = logging.getLogger(__name__)

PRESETS = "presets"
"""Folder of the configuration that is not an environment."""


class UnknownEnvironmentError(CephError, ValueError):
    """The configuration environment has no folder."""


class ConfigurationHook:
    """Rejects unknown environments and unreadable files, with file and line, and warns of files that Kedro does not read."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check the environment and all its files.

        Raises:
            UnknownEnvironmentError: `--env` names no environment.
            ConfigurationError: at least one file is invalid; the message has a line for each problem.
        """
        loader: Any = context.config_loader
        conf_source = Path(loader.conf_source)
        _check_environment(conf_source, context.env)
        folders = [conf_source / name for name in ("base", context.env or "local")]
        files = [(folder, file) for folder in folders for suffix in ("*.yml", "*.yaml") for file in sorted(folder.rglob(suffix))]
        check_files(file for _, file in files)
        patterns = [pattern for kind in loader.config_patterns.values() for pattern in kind]
        _warn_of_unread(files, patterns)


def _warn_of_unread(files: Iterable[tuple[Path, Path]], patterns: list[str]) -> None:
    for folder, file in files:
        if not any(fnmatch(file.relative_to(folder).as_posix(), pattern) for pattern in patterns):
            logger.warning(
                "%s is not read, because of its name. Names begin with parameters, catalog or credentials, such as "
                "parameters_%s; globals are in globals.yml, MLflow's settings in mlflow.yml.",
                file,
                file.name,
            )


def _check_environment(conf_source: Path, env: str | None) -> None:
    known = sorted(folder.name for folder in conf_source.iterdir() if folder.is_dir() and folder.name != PRESETS)
    if env is None or env in known:
        return
    presets = sorted(file.stem for file in (conf_source / PRESETS).glob("*.yml"))
    if env == PRESETS or env in presets:
        name = env if env in presets else "NAME"
        raise UnknownEnvironmentError(
            f"--env {env}: a preset is not an environment; it adds parameters to one. Use kedro run --config "
            f"{conf_source / PRESETS / name}.yml, if needed with --env. Presets: {', '.join(presets)}; environments: "
            f"{', '.join(known)}."
        )
    raise UnknownEnvironmentError(f"--env {env}: there is no folder {conf_source / env}.{known_here(env, known)}")
