"""Fingerprints: short digests of all inputs of an artefact."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

INDIFFERENT = frozenset({"force", "workers", "n_jobs", "backend", "dask_scheduler"})
"""Fields of parameter models that do not change results, and are therefore not part of a fingerprint."""


def dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested values to dotted names.

    >>> dotted({"stage1": {"optim": {"epochs": 3}, "reader": "consensus"}})
    {'stage1.optim.epochs': 3, 'stage1.reader': 'consensus'}
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= dotted(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def fingerprint(*inputs: Any) -> str:
    """The first 16 hex digits of a SHA-256 digest of tables, Pydantic models, files, arrays and plain values.

    Tables contribute their values and column names; another dtype of equal values may give another fingerprint. A `Path`
    contributes the content of its file. Two fingerprints are equal if all inputs are equal and in the same order.

    Raises:
        TypeError: an input has no stable digest.
    """
    digest = hashlib.sha256()
    for item in inputs:
        digest.update(_digest(item))
    return digest.hexdigest()[:16]


def _digest(item: Any) -> bytes:
    if isinstance(item, Path):
        with item.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    return hashlib.sha256(_content(item)).digest()


def _content(item: Any) -> bytes:
    """Bytes that are equal if and only if the items are equal."""
    match item:
        case pd.DataFrame():
            rows = pd.util.hash_pandas_object(item.reset_index(drop=True), index=False).to_numpy()
            content = "\x1f".join(map(str, item.columns)).encode() + rows.tobytes()
        case BaseModel():
            content = _digest(_decisive(item.model_dump(mode="json")))
        case np.ndarray():
            content = f"{item.dtype}{item.shape}".encode() + np.ascontiguousarray(item).tobytes()
        case Mapping():
            parts = [str(key).encode() + b"\x1f" + _digest(item[key]) for key in sorted(item, key=str)]
            content = b"{" + b"\x1e".join(parts)
        case None | str() | int() | float() | bool():
            content = json.dumps(item).encode()
        case Sequence() if not isinstance(item, bytes):
            content = b"[" + b"\x1e".join(_digest(part) for part in item)
        case _:
            raise TypeError(f"no stable digest for a {type(item).__name__}: use tables, models, paths, arrays or plain values.")
    return content


def _decisive(dump: dict[str, Any]) -> dict[str, Any]:
    """A model's values, at any depth, without the fields in `INDIFFERENT`."""
    return {key: _decisive(value) if isinstance(value, dict) else value for key, value in dump.items() if key not in INDIFFERENT}
