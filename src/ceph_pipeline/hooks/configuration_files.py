"""Check the configuration's environment and files before they are used.

Kedro treats an environment that does not exist as empty. For a file that cannot be parsed, Kedro reports at most a line number.
"""

from pathlib import Path

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from ceph_pipeline.configuration import check_files
from ceph_pipeline.errors import CephError, known_here

PRESETS = "presets"
"""Folder of the configuration that is not an environment."""


class UnknownEnvironmentError(CephError, ValueError):
    """The configuration environment has no folder."""


class ConfigurationHook:
    """Rejects unknown environments and unreadable files, with file and line."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check the environment and all its files.

        Raises:
            UnknownEnvironmentError: `--env` names no environment.
            ConfigurationError: at least one file is invalid; the message has a line for each problem.
        """
        conf_source = Path(context.config_loader.conf_source)
        _check_environment(conf_source, context.env)
        folders = [conf_source / name for name in ("base", context.env or "local")]
        check_files(file for folder in folders for suffix in ("*.yml", "*.yaml") for file in sorted(folder.rglob(suffix)))


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
