"""One short digest of everything an artefact is made from."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel


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
    if isinstance(item, pd.DataFrame):
        rows = pd.util.hash_pandas_object(item.reset_index(drop=True), index=False).to_numpy()
        return hashlib.sha256("\x1f".join(map(str, item.columns)).encode() + rows.tobytes()).digest()
    if isinstance(item, BaseModel):
        return _digest(item.model_dump(mode="json", exclude={"force"}))
    if isinstance(item, Path):
        with item.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    if isinstance(item, np.ndarray):
        return hashlib.sha256(f"{item.dtype}{item.shape}".encode() + np.ascontiguousarray(item).tobytes()).digest()
    if isinstance(item, Mapping):
        parts = [str(key).encode() + b"\x1f" + _digest(item[key]) for key in sorted(item, key=str)]
        return hashlib.sha256(b"{" + b"\x1e".join(parts)).digest()
    if isinstance(item, Sequence) and not isinstance(item, str | bytes):
        return hashlib.sha256(b"[" + b"\x1e".join(_digest(part) for part in item)).digest()
    if item is None or isinstance(item, str | int | float | bool):
        return hashlib.sha256(json.dumps(item).encode()).digest()
    raise TypeError(f"no stable digest for a {type(item).__name__}: give tables, models, paths, arrays or plain values.")
