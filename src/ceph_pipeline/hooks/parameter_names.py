"""Check the names and values of all parameters before a run.

Kedro checks values against the Pydantic types of the nodes. Kedro does not report a misspelt top-level name, and does not check
the parameters of pipelines that are not run.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.validation import TypeExtractor
from pydantic import BaseModel, ValidationError

from ceph_pipeline.errors import CephError, known_here
from ceph_pipeline.hooks.global_values import global_problems, misplaced_globals

_QUOTES = """ Put names in quotes, as in ["001"]. Without quotes, YAML reads 001 as the number 1, and no as false."""

_LIST_TYPES = ("tuple_type", "list_type", "set_type", "frozen_set_type")
"""Pydantic's errors about a value that is no list; Kedro splits the command line at commas, so that lists need a file."""


class ParameterError(CephError, ValueError):
    """Parameters are misspelt, out of range or of the wrong type."""


class ParameterNamesHook:
    """Rejects unknown parameters and invalid values, all in one message."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check the parameters of every registered pipeline.

        Raises:
            ParameterError: at least one parameter is invalid; the message has a line for each.
        """
        models: dict[str, Any] = dict(TypeExtractor(dict(pipelines)).extract_types_from_pipelines())
        loader: Any = context.config_loader
        parameters, known = loader["parameters"], loader.names_of_globals()
        problems = [
            *global_problems(loader["globals"], known),
            *misplaced_globals(parameters, loader.runtime_params or {}, known),
            *unknown_names(parameters, models, set(known)),
            *invalid_values(parameters, models),
        ]
        if problems:
            raise ParameterError(
                "Parameters are invalid; nothing has been run.\n"
                + "\n".join(f"  {problem}" for problem in problems)
                + "\nCorrect them in --params, or in conf/<env>/parameters_<pipeline>.yml and globals.yml."
            )


def unknown_names(parameters: Mapping[str, Any], models: Mapping[str, Any], global_names: set[str]) -> Iterator[str]:
    """A line for each top-level parameter that is neither read by a pipeline nor a global."""
    known = sorted({key.partition(".")[0] for key in models} | global_names)
    for name in parameters:
        if name not in known:
            yield f"{name}: no such parameter.{known_here(name, known)}"


def invalid_values(parameters: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[str]:
    """A line for each value that its pipeline's model rejects."""
    for key, model in models.items():
        value: Any = parameters
        for part in key.split("."):
            value = value.get(part, {}) if isinstance(value, Mapping) else {}
        try:
            model.model_validate(value)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                yield _explain(key, model, detail)


def _explain(key: str, model: type[BaseModel], detail: Any) -> str:
    """`pipeline.section.field: what is wrong`."""
    location = [str(part) for part in detail["loc"]]
    place = ".".join([key, *location])
    if detail["type"] == "extra_forbidden":
        return f"{place}: no such parameter.{known_here(location[-1], _fields_at(model, location[:-1]))}"
    if detail["type"] == "missing":
        return f"{place}: missing."
    if detail["type"] in _LIST_TYPES:
        return f"{place} = {detail['input']!r}: expected a list, such as [{detail['input']}], in a YAML file."
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ").removesuffix(".")
    value = "" if isinstance(detail["input"], Mapping) else f" = {detail['input']!r}"  # a section's value is not shown
    way_out = _QUOTES if detail["type"] == "string_type" and isinstance(detail["input"], int | float) else ""
    return f"{place}{value}: {message}.{way_out}"


def _fields_at(model: type[BaseModel], location: Iterable[str]) -> list[str]:
    """Fields of the models at the end of a path of field names; list indices and union tags are ignored."""
    models = [model]
    for part in location:
        inner = [
            found for each in models if part in each.model_fields for found in _models_in(each.model_fields[part].annotation)
        ]
        models = inner or models
    return sorted({name for each in models for name in each.model_fields})


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
