"""Options of commands that are checked before they run: `--params` and presets (`--config`)."""

import copy
import re
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import click
import yaml
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import _config_file_callback
from kedro.framework.cli.utils import _split_params as _kedros_split_params
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ceph_pipeline.configuration import PLACES, yaml_problems
from ceph_pipeline.errors import known_here, printable

_UNREAD = (
    "{}: expected name=value,name=value, each value in YAML. Put a value that contains a comma, or a character with a meaning in "
    "YAML, in quotes into a file of conf/local or into a preset (--config)."
)
_FILMS = frozenset({"superimposition.first", "superimposition.second"})
_NULL = frozenset({"null", "Null", "NULL"})
_OCTAL = re.compile(r"[-+]?0[\d_]+")
_NO_PRESET = "{}: not a preset. A preset is a file with `run:` and the command's options beneath, like the files in conf/presets."


def checked(option: click.Parameter) -> click.Parameter:
    """Kedro's option with better errors: for an invalid preset the file and line, for a stray comma an explanation."""
    callback = {"config": _read_preset, "params": _split_params}.get(option.name or "")
    if callback is None:
        return option
    ours = copy.copy(option)
    ours.callback = callback
    return ours


def with_parameters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--params` and `--config` to a command that runs no pipeline.

    The command receives the parameters of both as the mapping `params`; those of `--params` take precedence.
    """

    @wraps(command)
    def merged(*args: Any, config: Path | None, params: Any, **options: Any) -> Any:
        return command(*args, params=merge(_params_of_preset(config), params), **options)

    of_training = "Preset of the detector's training, such as conf/presets/few_films.yml."
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    as_in_run = "Parameters by their dotted names, as in `kedro run`: `data_root=data/own`."
    params = click.option("--params", type=click.UNPROCESSED, default="", callback=_split_params, help=as_in_run)
    return params(click.option("--config", "-c", type=file, help=of_training)(merged))


def merge(preset: Any, params: Any) -> dict[str, Any]:
    """The parameters of a preset, replaced and extended by others."""
    merged = OmegaConf.to_container(OmegaConf.merge(preset, params))
    return {str(name): value for name, value in merged.items()} if isinstance(merged, dict) else {}


def _params_of_preset(file: Path | None) -> Any:
    if file is None:
        return {}
    if problems := list(_preset_problems(file)):
        raise click.ClickException("\n".join(problems))
    return yaml.safe_load(file.read_text(encoding="utf-8"))["run"].get("params") or {}


def _split_params(context: click.Context, option: click.Parameter, value: Any) -> Any:
    text = ",".join(map(_in_quotes, value.split(","))) if isinstance(value, str) else value
    try:
        return _kedros_split_params(context, option, text)
    except (click.UsageError, yaml.YAMLError, OmegaConfBaseException) as error:
        raise click.BadParameter(_UNREAD.format(printable(" ".join(str(error).split()))), context, option) from None


def _in_quotes(item: str) -> str:
    """The item `name=value`, with quotes around a value that YAML would not read as the text it is.

    Three kinds of values get quotes: names of films and paths, except null; digits that YAML reads as an octal number (010 is
    read as 8); and text with ` #`, which begins a comment in YAML.
    """
    name, equals, value = (part.strip() for part in item.partition("="))
    is_path = name in PLACES and value not in _NULL
    is_text = is_path or name in _FILMS or _OCTAL.fullmatch(value) or " #" in value
    quoted = value.replace("'", "''")
    return f"{name}='{quoted}'" if equals and is_text and not value.startswith(("'", '"')) else item


def _read_preset(context: click.Context, option: click.Parameter, value: str | None) -> Any:
    if value and (problems := list(_preset_problems(Path(value)))):
        raise click.ClickException("\n".join(problems))
    found = _config_file_callback(context, option, value)
    context.default_map = {name: given for name, given in (context.default_map or {}).items() if given is not None}
    return found


def _preset_problems(file: Path) -> Iterator[str]:
    """A line for each problem that makes a file an invalid preset."""
    problems = list(yaml_problems(file))
    if problems:
        yield from problems
        return
    options = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("run")
    if not isinstance(options, dict):
        yield _NO_PRESET.format(file)
        return
    known = [option.name for option in kedro_run.params if option.name and option.name != "config"]
    for name in options:
        if name not in known:
            yield f"{file}: run.{name}: no such option of kedro run.{known_here(str(name), known)}"
    if not isinstance(options.get("params"), dict | None):
        yield f"{file}: run.params = {options['params']!r}: expected names with their values beneath, as in conf/presets."
