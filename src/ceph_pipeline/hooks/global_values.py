"""Check globals for unknown names, for values of a wrong form, and for globals in the wrong file."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ceph_pipeline.configuration import PLACES
from ceph_pipeline.errors import known_here

_NEED_NOT_BE = frozenset({"raw_images"})
"""Paths that may be null."""

_RESULTS = re.compile(r"inference[A-Za-z0-9._-]*")
"""Names of the folders of inference; no other folder below the data root begins with this word."""


def global_problems(values: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    """A line for each global that is not in the base's `globals.yml`, and for each value of a wrong form.

    Args:
        values: Merged globals.
        known: Names in the base's `globals.yml`.
    """
    for name in values:
        if name not in known:
            own = " Add a new global to conf/base/globals.yml too."
            yield f"{name}: no such value of globals.yml.{known_here(name, known)}{own}"
    for name in PLACES:
        if name in values and not _is_place(values[name]) and not (values[name] is None and name in _NEED_NOT_BE):
            yield f"{name} = {values[name]!r}: should be a path or a URL. Use quotes where YAML reads something else."
    name = values.get("inference_name", "inference")
    if not _RESULTS.fullmatch(str(name)):
        yield (
            f"inference_name = {name!r}: should be a folder's name of letters, digits, '.', '_' and '-' that begins with "
            "'inference', such as inference_2026-01-31."
        )


def misplaced_globals(parameters: Mapping[str, Any], given: Collection[str], known: Collection[str]) -> Iterator[str]:
    """A line for each global that is set in a parameters file, where it has no effect.

    Args:
        parameters: Parameters of the files and of `--params`.
        given: Names in `--params`, which may set globals.
        known: Names of globals.
    """
    for name in parameters:
        if name in known and name not in given:
            yield f"{name}: a global has no effect in a parameters file. Move it to globals.yml of the same folder."


def _is_place(value: Any) -> bool:
    """Whether a value is a path; an integer is accepted as a folder's name, such as 2024."""
    return bool(value.strip()) if isinstance(value, str) else isinstance(value, int) and not isinstance(value, bool)
