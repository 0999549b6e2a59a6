"""Globals are checked where nothing else would: a name that none reads, a value that is no place, one in the wrong file."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ceph_pipeline.configuration import PLACES
from ceph_pipeline.errors import known_here

_NEED_NOT_BE = frozenset({"raw_images"})
"""Places that may be null."""


def global_problems(values: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    """A line for each global of an environment that the base does not have, and for each place that is none.

    Args:
        values: Globals as they are merged.
        known: Names in the base's `globals.yml`.
    """
    for name in values:
        if name not in known:
            own = " One of your own belongs in conf/base/globals.yml too."
            yield f"{name}: no such value of globals.yml.{known_here(name, known)}{own}"
    for name in PLACES:
        if name in values and not _is_place(values[name]) and not (values[name] is None and name in _NEED_NOT_BE):
            yield f"{name} = {values[name]!r}: should be a path or a URL, in quotes where YAML reads something else."


def misplaced_globals(parameters: Mapping[str, Any], given: Collection[str], known: Collection[str]) -> Iterator[str]:
    """A line for each global that a file of parameters sets, where nothing would read it.

    Args:
        parameters: Of files and of `--params`.
        given: Names in `--params`, which may set globals.
        known: Names of globals.
    """
    for name in parameters:
        if name in known and name not in given:
            yield f"{name}: stands in a file of parameters, where nothing reads it. It belongs in globals.yml of the same folder."


def _is_place(value: Any) -> bool:
    """Whether it is a path; a folder's name that is a number in YAML, such as 2024, is one too."""
    return bool(value.strip()) if isinstance(value, str) else isinstance(value, int) and not isinstance(value, bool)
