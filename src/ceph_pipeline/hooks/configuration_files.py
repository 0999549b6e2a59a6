"""The configuration's environment and files are checked before anything reads them.

Kedro takes an environment that does not exist for an empty one, and of a file that cannot be parsed it says a line at best.
"""

from pathlib import Path

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from ceph_pipeline.configuration import check_files
from ceph_pipeline.errors import CephError, known_here

PRESETS = "presets"
"""Folder of the configuration that is no environment."""


class UnknownEnvironmentError(CephError, ValueError):
    """The configuration environment has no folder."""


class ConfigurationHook:
    """Refuses unknown environments, and files that cannot be read, with file and line."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check the environment, and every file of it.

        Raises:
            UnknownEnvironmentError: `--env` names no environment.
            ConfigurationError: with a line for each file that is wrong.
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
            f"--env {env}: presets are no environment; they are parameters on top of one. Use kedro run --config "
            f"{conf_source / PRESETS / name}.yml, with --env where it is not base. Presets: {', '.join(presets)}; environments: "
            f"{', '.join(known)}."
        )
    raise UnknownEnvironmentError(f"--env {env}: there is no folder {conf_source / env}.{known_here(env, known)}")
