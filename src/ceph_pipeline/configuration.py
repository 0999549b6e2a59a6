"""Configuration loader: Kedro's loader, with globals that `--params` may set for one run."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import yaml
from kedro.config import OmegaConfigLoader
from omegaconf import OmegaConf

from ceph_pipeline.errors import CephError

PLACES = ("data_root", "raw_folder", "raw_images", "inference_folder", "ruler_export", "export_folder", "pseudonym_key")
"""Globals that are paths or URLs."""

_PATH_KEYS = ("filepath", "filename", "path")
"""Keys of a catalog entry that Kedro resolves relative to the project's root."""

_WAY_OUT = "Check this line and the line before: indent with blanks, not tabs; put a blank after colons; close brackets, quotes."


class ConfigurationError(CephError, ValueError):
    """A configuration file is invalid YAML, contains a name twice, or is rejected by the program that reads it."""


class ConfigLoader(OmegaConfigLoader):
    """Kedro's loader with two differences: globals are merged before they are resolved, and `~` is the user's home folder.

    Kedro resolves each environment's `globals.yml` separately and does not accept globals on the command line. Here, globals in
    `--params` take precedence. `--params data_root=/elsewhere`, or an environment that sets only `data_root`, moves every folder
    below the data root.
    """

    def __getitem__(self, key: str) -> Any:
        """The configuration of a kind, such as `parameters`, `catalog` or `globals`.

        Raises:
            ConfigurationError: a `globals.yml` cannot be read. The globals are needed before any hook can check them.
        """
        if key == "globals":
            check_files(self._global_files())
        found = super().__getitem__(key)  # for `globals`, this includes Kedro's errors about the files
        if key == "globals":
            return self._merged_globals()
        return _paths_at_home(found) if key == "catalog" else found

    def names_of_globals(self) -> list[str]:
        """Names of the globals in `conf/base`; the project's files refer to no others."""
        return [str(name) for name in OmegaConf.load(self._global_files()[0])]

    def _global_files(self) -> list[Path]:
        folders = dict.fromkeys((self.base_env, self.env or self.default_run_env))
        return [file for folder in folders if (file := Path(self.conf_source) / folder / "globals.yml").is_file()]

    def _merged_globals(self) -> dict[str, Any]:
        merged = OmegaConf.merge(*map(OmegaConf.load, self._global_files()))
        given = {str(name): value for name, value in (self.runtime_params or {}).items() if name in merged}
        resolved = OmegaConf.to_container(OmegaConf.merge(merged, given), resolve=True)
        return {str(name): _at_home(value) for name, value in dict(cast("Any", resolved)).items()}


def _at_home(value: Any) -> Any:
    """Expand `~` to the user's home folder; no shell expands it in `--params data_root=~/…`."""
    if not isinstance(value, str) or value.partition("/")[0] != "~":
        return value
    return str(Path.home() / value[2:])


def _paths_at_home(entry: Any) -> Any:
    """Expand `~` in a catalog entry at any depth, before Kedro resolves paths relative to the project's root."""
    if not isinstance(entry, dict):
        return entry
    return {key: _at_home(value) if key in _PATH_KEYS else _paths_at_home(value) for key, value in entry.items()}


def check_files(files: Iterable[Path]) -> None:
    """Check that files can be read.

    Raises:
        ConfigurationError: at least one file cannot be read; the message has a line for each problem.
    """
    if problems := [problem for file in files for problem in yaml_problems(file)]:
        raise ConfigurationError("The configuration cannot be read; nothing has been run.\n  " + "\n  ".join(problems))


def yaml_problems(file: Path) -> Iterator[str]:
    """A line for each problem that makes a file invalid YAML, or a name that occurs twice: the place, the problem and the fix."""
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        yield f"{file}: the file is not UTF-8 text. Save the file as UTF-8."
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
    """Names that occur twice in one mapping, at any depth, except YAML's merge key `<<`."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _doubles(item)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines and name != "<<":
                yield f"line {line}: {name!r} is already set in line {lines[name]}; only one would be used. Delete one."
            lines[name] = line
            yield from _doubles(value)
