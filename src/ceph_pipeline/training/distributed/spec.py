"""What ranks are told: JSON and Parquet in the training's folder, nothing that runs when it is read."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from ceph_pipeline.artifacts import atomic_path, write_atomically
from ceph_pipeline.crops.params import CropParams
from ceph_pipeline.images import ImageStore
from ceph_pipeline.images.store import ImageFormat

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CREDENTIALS = "CEPH_PIPELINE_STORE_CREDENTIALS"
"""Environment variable by which the store's credentials reach the ranks: secrets are not written to disk."""


class StoreHandle(BaseModel):
    """An image store without its credentials."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    format: ImageFormat
    quality: int

    def open(self) -> ImageStore:
        """The store, with the credentials of this process's environment."""
        credentials = json.loads(os.environ.get(CREDENTIALS, "{}"))
        return ImageStore(self.path, format=self.format, quality=self.quality, credentials=credentials)


class Spec(BaseModel):
    """A training as its ranks are told of it.

    Attributes:
        stage: Which stage.
        params: The stage's parameters.
        crop_params: How stage 2 cuts its crops.
        store: Pixels.
        tables: Names of the tables, each a Parquet file beside the spec.
        run_id: The MLflow run that rank 0 logs to.
        master: `host:port` where ranks of several machines meet.
        splits: How many times batches have been divided for want of memory.
        process: The `PROCESS` that wrote it; a killed one leaves its spec behind.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: Literal["stage1", "stage2"]
    params: dict[str, Any]
    crop_params: CropParams | None
    store: StoreHandle
    tables: tuple[str, ...]
    run_id: str | None
    devices: int
    nodes: int
    master: str
    splits: int
    process: str


def spec_path(folder: Path) -> Path:
    """Where a training's folder holds its spec."""
    return folder / "ranks" / "spec.json"


def write_spec(spec: Spec, tables: Mapping[str, pd.DataFrame], folder: Path) -> Path:
    """Write the tables, then the spec, and return its path."""
    path = spec_path(folder)
    for name, table in tables.items():
        with atomic_path(path.with_name(f"{name}.parquet")) as temporary:
            table.to_parquet(temporary, index=False)
    write_atomically(path, spec.model_dump_json(indent=2))
    return path


def discard_spec(path: Path) -> None:
    """Remove the spec and its tables; the ranks' logs beside them stay."""
    for file in (path, *path.parent.glob("*.parquet")):
        file.unlink(missing_ok=True)


def read_spec(path: Path) -> tuple[Spec, dict[str, pd.DataFrame]]:
    """The spec and its tables.

    Raises:
        pydantic.ValidationError: the file is not a spec.
    """
    spec = Spec.model_validate_json(path.read_bytes())
    return spec, {name: pd.read_parquet(path.with_name(f"{name}.parquet")) for name in spec.tables}
