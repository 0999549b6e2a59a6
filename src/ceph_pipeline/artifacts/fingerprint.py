"""One short digest of everything an artefact is made from."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

INDIFFERENT = frozenset({"force", "workers", "n_jobs", "backend", "dask_scheduler"})
"""Fields of parameter models that change how work is done, not its result."""


def dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted names.

    >>> dotted({"stage1": {"optim": {"epochs": 3}, "reader": "consensus"}})
    {'stage1.optim.epochs': 3, 'stage1.reader': 'consensus'}
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= dotted(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def fingerprint(*inputs: Any) -> str:
    """SHA-256, 16 hex digits, of tables, Pydantic models, paths' contents, arrays and plain values.

    Tables count with their column names, dtypes aside; a `Path` to a file counts with its bytes. Two calls agree exactly
    when every input does, in order.

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
    """Bytes that are equal exactly where the items are."""
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
            raise TypeError(f"no stable digest for a {type(item).__name__}: give tables, models, paths, arrays or plain values.")
    return content


def _decisive(dump: dict[str, Any]) -> dict[str, Any]:
    """A model's values, at any depth, without those that say how the work is done and not what comes out of it."""
    return {key: _decisive(value) if isinstance(value, dict) else value for key, value in dump.items() if key not in INDIFFERENT}
