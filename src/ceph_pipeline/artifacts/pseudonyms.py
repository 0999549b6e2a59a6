"""Pseudonyms that replace the names of films and paths outside the data root: in MLflow and in logs.

The name of a film often contains the name of the patient. The tables in the data root contain the original names;
`pseudonyms.parquet` maps pseudonyms to names.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ceph_pipeline.artifacts.secret_key import secret_key

FILM_COLUMNS = ("image_id", "source_id")
"""Columns that contain names of films."""

_FILM_FIELDS = frozenset({"exclude", "first", "second"})
_PATH_FIELDS = frozenset({"other_data_roots", "pretrained", "ruler_models", "sheet"})


def pseudonym(name: str, kind: str = "film") -> str:
    """The pseudonym of a name: 12 hex digits of its keyed BLAKE2b digest, the same in all runs with the same key.

    Without the key, a guessed name cannot be checked against a pseudonym.
    """
    return f"{kind}-{hashlib.blake2b(name.encode(errors='surrogateescape'), key=secret_key(), digest_size=6).hexdigest()}"


def pseudonymised(table: pd.DataFrame) -> pd.DataFrame:
    """The table with pseudonyms in place of the names in `FILM_COLUMNS`."""
    return table.assign(**{name: [pseudonym(str(value)) for value in table[name]] for name in FILM_COLUMNS if name in table})


def pseudonym_table(names: Iterable[str]) -> pd.DataFrame:
    """Rows `pseudonym, name`, sorted by pseudonym; this table must stay in the data root."""
    rows = sorted((pseudonym(name), name) for name in set(names))
    return pd.DataFrame(rows, columns=["pseudonym", "name"], dtype="str")


def without_names(parameters: Any, field: str = "") -> Any:
    """Parameters for logging, with pseudonyms in place of film names and paths.

    Args:
        parameters: Plain values, lists and dictionaries.
        field: The dictionary key of these parameters.
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
