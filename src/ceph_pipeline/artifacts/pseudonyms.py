"""Names that stand for films and paths wherever the data root is left: in MLflow and in logs.

A film's name is often the patient's. The tables in the data root keep it, with its pseudonym in `pseudonyms.parquet`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ceph_pipeline.artifacts.secret_key import secret_key

FILM_COLUMNS = ("image_id", "source_id")
"""Columns that name films."""

_FILM_FIELDS = frozenset({"exclude", "first", "second"})
_PATH_FIELDS = frozenset({"other_data_roots", "pretrained", "ruler_models", "sheet"})


def pseudonym(name: str, kind: str = "film") -> str:
    """A name's stand-in, the same in every run with the same secret: 12 hex digits of its keyed BLAKE2b digest.

    Nobody without the secret can tell whether a name that they guess is the film's.
    """
    return f"{kind}-{hashlib.blake2b(name.encode(errors='surrogateescape'), key=secret_key(), digest_size=6).hexdigest()}"


def pseudonymised(table: pd.DataFrame) -> pd.DataFrame:
    """The table with pseudonyms in place of the names in `FILM_COLUMNS`."""
    return table.assign(**{name: [pseudonym(str(value)) for value in table[name]] for name in FILM_COLUMNS if name in table})


def pseudonym_table(names: Iterable[str]) -> pd.DataFrame:
    """Rows `pseudonym, name`, sorted by pseudonym: the way back, which stays in the data root."""
    rows = sorted((pseudonym(name), name) for name in set(names))
    return pd.DataFrame(rows, columns=["pseudonym", "name"], dtype="str")


def without_names(parameters: Any, field: str = "") -> Any:
    """Parameters as they may be logged: names of films are replaced by pseudonyms, and paths by digests.

    Args:
        parameters: Plain values, lists and dictionaries.
        field: The dictionary's key that they stand under.
    """
    if isinstance(parameters, Mapping):
        return {key: without_names(value, str(key)) for key, value in parameters.items()}
    if isinstance(parameters, list | tuple):
        return [without_names(value, field) for value in parameters]
    if parameters is None or isinstance(parameters, bool):
        return parameters
    if field in _FILM_FIELDS:
        return pseudonym(str(parameters))
    is_path = field in _PATH_FIELDS or (isinstance(parameters, str) and any(mark in parameters for mark in "/\\~"))
    return pseudonym(str(parameters), "path") if is_path else parameters
