"""How the configuration is read: as Kedro does, with globals that `--params` may set for one run."""

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
"""What Kedro counts from the project's root in an entry of the catalog."""

_WAY_OUT = "Look at this line and the one before: blanks indent, not tabs; a blank follows each colon; brackets and quotes close."


class ConfigurationError(CephError, ValueError):
    """A configuration file is no YAML, says a thing twice, or does not fit the program that reads it."""


class ConfigLoader(OmegaConfigLoader):
    """Kedro's loader, except that globals are merged before they are resolved, `--params` last, and `~` is the user's folder.

    Kedro resolves each environment's `globals.yml` on its own and lets nothing on the command line in. Here
    `--params data_root=/elsewhere`, or an environment that sets `data_root` alone, moves every folder that is named below it.
    """

    def __getitem__(self, key: str) -> Any:
        """The configuration of a kind, such as `parameters`, `catalog` or `globals`.

        Raises:
            ConfigurationError: a `globals.yml` cannot be read; it is needed before any hook could check it.
        """
        if key == "globals":
            check_files(self._global_files())
        found = super().__getitem__(key)  # of `globals`, Kedro's errors about the files too
        if key == "globals":
            return self._merged_globals()
        return _paths_at_home(found) if key == "catalog" else found

    def names_of_globals(self) -> list[str]:
        """Those of the base, which are all that the project's files refer to."""
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
    """A path below the user's folder, which no shell writes out behind `--params data_root=`."""
    if not isinstance(value, str) or value.partition("/")[0] != "~":
        return value
    return str(Path.home() / value[2:])


def _paths_at_home(entry: Any) -> Any:
    """An entry of the catalog, at any depth, before Kedro counts its paths from the project's root."""
    if not isinstance(entry, dict):
        return entry
    return {key: _at_home(value) if key in _PATH_KEYS else _paths_at_home(value) for key, value in entry.items()}


def check_files(files: Iterable[Path]) -> None:
    """Check that files can be read.

    Raises:
        ConfigurationError: with a line for each thing that is wrong.
    """
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
