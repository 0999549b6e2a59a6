"""The spec of a training for its ranks: JSON and Parquet files in the training's folder, without executable content."""

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
"""Environment variable that passes the store's credentials to the ranks; secrets are not written to disk."""


class StoreHandle(BaseModel):
    """An image store without its credentials."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    format: ImageFormat
    quality: int

    def open(self) -> ImageStore:
        """The store, opened with the credentials in this process's environment."""
        credentials = json.loads(os.environ.get(CREDENTIALS, "{}"))
        return ImageStore(self.path, format=self.format, quality=self.quality, credentials=credentials)


class Spec(BaseModel):
    """The description of a training that its ranks read.

    Attributes:
        stage: The stage.
        params: The stage's parameters.
        crop_params: Crop parameters of stage 2.
        store: The image store.
        tables: Names of the tables, each a Parquet file next to the spec.
        run_id: The MLflow run that rank 0 logs to.
        devices: Number of ranks on each machine.
        nodes: Number of machines.
        master: `host:port` of the rendezvous of several machines.
        splits: Number of times that batches were split to fit the memory.
        process: The `PROCESS` that wrote the spec; a killed process does not delete its spec.
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
    """The path of the spec in a training's folder."""
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
    """Delete the spec and its tables; the ranks' logs in the same folder are kept."""
    for file in (path, *path.parent.glob("*.parquet")):
        file.unlink(missing_ok=True)


def read_spec(path: Path) -> tuple[Spec, dict[str, pd.DataFrame]]:
    """The spec and its tables.

    Raises:
        pydantic.ValidationError: the file is not a spec.
    """
    spec = Spec.model_validate_json(path.read_bytes())
    return spec, {name: pd.read_parquet(path.with_name(f"{name}.parquet")) for name in spec.tables}
