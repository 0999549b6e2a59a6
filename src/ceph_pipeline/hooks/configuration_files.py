"""The configuration's environment and files are checked before anything reads them.

Kedro takes an environment that does not exist for an empty one, and of a file that cannot be parsed it says a line at best.
"""

from collections.abc import Iterator
from pathlib import Path

import yaml
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from ceph_pipeline.errors import CephError, known_here

PRESETS = "presets"
"""Folder of the configuration that is no environment."""

_WAY_OUT = "Look at this line and the one before: blanks indent, not tabs; a blank follows each colon; brackets and quotes close."


class UnknownEnvironmentError(CephError, ValueError):
    """The configuration environment has no folder."""


class ConfigurationError(CephError, ValueError):
    """A configuration file is no YAML, or says a thing twice."""


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
        files = [file for folder in folders for suffix in ("*.yml", "*.yaml") for file in sorted(folder.rglob(suffix))]
        if problems := [problem for file in files for problem in yaml_problems(file)]:
            raise ConfigurationError("The configuration cannot be read; nothing has been run.\n  " + "\n  ".join(problems))


def yaml_problems(file: Path) -> Iterator[str]:
    """A line for each thing that keeps a file from being YAML with every name once: where, what, and what to do."""
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        yield f"{file}: no text in UTF-8. Save it as UTF-8."
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
        yield f"{file}{line}: {error.problem}. {_WAY_OUT}"
    except yaml.YAMLError as error:
        yield f"{file}: {str(error).splitlines()[0]}. Delete that character, or write it as an escape in double quotes."
    else:
        if root is not None and not isinstance(root, yaml.MappingNode):
            yield f"{file}, line {root.start_mark.line + 1}: expected names with their values, `name: value`."
        yield from (f"{file}, {problem}" for problem in _doubles(root))


def _doubles(node: yaml.Node | None) -> Iterator[str]:
    """Names that stand twice in one mapping, at any depth; YAML's merging key `<<` aside."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _doubles(item)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines and name != "<<":
                yield f"line {line}: {name!r} stands in line {lines[name]} already, and only one of them would count. Delete one."
            lines[name] = line
            yield from _doubles(value)


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
