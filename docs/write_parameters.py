"""Writes docs/parameters.md from the parameter models.

Run it in the project's environment, after a model has changed:

    .venv/bin/python docs/write_parameters.py
"""

import inspect
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project
from kedro.validation import TypeExtractor
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "parameters.md"
LONGEST = 90
"""Characters of a default or a type that are written out."""

HEADER = """\
# Parameters

Every parameter with its type, the default of its model, and what it does. `conf/base/parameters_<pipeline>.yml` sets most of
them for full scale, the environments and presets others; `--params stage1.optim.epochs=100` reaches each by its dotted name. A
name that does not exist is refused with the nearest one, a value out of range with what is expected, before anything runs.

Values of `conf/base/globals.yml` have plain names and go to every parameter and file that refers to them: `data_root`,
`raw_folder`, `raw_format`, `raw_images`, `inference_folder`, `export_folder`, `ruler_export`, `pseudonym_key`, `seed`,
`n_jobs`, `backend`, `dask_scheduler`, `cache_long_side`, `ruler_mm`.
`--params seed=7,data_root=data/seed7,raw_folder=/films` is a run of its own with another seed.
Places among them are text on the command line, whatever they look like; an empty one, a name that the base lacks, and a global
in a file of parameters are refused. Relative ones are counted from the project's folder.

Written by `docs/write_parameters.py` from the models; do not edit.
"""


def page() -> str:
    """The whole page."""
    models: dict[str, type[BaseModel]] = dict(TypeExtractor(dict(pipelines)).extract_types_from_pipelines())
    return "\n".join([HEADER, *(section(name, model) for name, model in sorted(models.items()))])


def section(name: str, model: type[BaseModel]) -> str:
    """One top-level name: what its model is, and a table of all fields below it."""
    summary = inspect.cleandoc(model.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    rows = [f"| `{field}` | {kind} | {default} | {text} |" for field, kind, default, text in fields(model)]
    table = ["| name | type | default | |", "|---|---|---|---|", *rows]
    return "\n".join([f"## `{name}`", "", summary, "", *table, ""])


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Name, type, default and description of each field; of a nested model, its fields."""
    for name, field in model.model_fields.items():
        inner = nested(field.annotation)
        if inner is not None and NoneType not in get_args(field.annotation):
            yield from fields(inner, f"{prefix}{name}.")
            continue
        yield f"{prefix}{name}", in_words(field.annotation), default_of(field), (field.description or "").replace("|", "\\|")
        if inner is not None:
            yield from fields(inner, f"{prefix}{name}.")


def nested(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation is, alone or beside `None`."""
    kinds = [kind for kind in (get_args(annotation) if _is_union(annotation) else (annotation,)) if kind is not NoneType]
    alone = len(kinds) == 1 and inspect.isclass(kinds[0]) and issubclass(kinds[0], BaseModel)
    return kinds[0] if alone else None


def in_words(annotation: Any) -> str:
    """A type as a user would say it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return in_words(arguments[0])
    if origin is Literal:
        return shortened(", ".join(f"`{value}`" for value in arguments))
    if _is_union(annotation):
        return " or ".join("null" if kind is NoneType else in_words(kind) for kind in arguments)
    if origin in (tuple, list):
        kinds = dict.fromkeys(in_words(kind) for kind in arguments if kind is not Ellipsis)
        return f"list of {' or '.join(kinds)}"
    if origin is not None:
        return " of ".join([getattr(origin, "__name__", "mapping").lower(), *map(in_words, arguments[1:])])
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
    return names.get(annotation, f"`{getattr(annotation, '__name__', annotation)}`")


def default_of(field: FieldInfo) -> str:
    """The default as YAML would have it."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "as below"
    written = yaml.safe_dump(to_jsonable_python(value), default_flow_style=True, allow_unicode=True, width=math.inf)
    text = written.removesuffix("...\n").rstrip()  # YAML's end of a document, after a scalar
    return shortened(f"`{text}`")


def shortened(text: str) -> str:
    """A text that fits into a table's cell."""
    return text if len(text) <= LONGEST else "see `conf/base`"


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType)


if __name__ == "__main__":
    bootstrap_project(PROJECT)
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE}\n")
