"""Predictions that are kept until something they are made from changes."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from ceph_pipeline.artifacts import Ledger, atomic_path, fingerprint

logger = logging.getLogger(__name__)


def pixels_digest(cache_index: pd.DataFrame, image_ids: list[str]) -> str:
    """Digest of some images' pixels, as ingestion found them."""
    return fingerprint(cache_index[cache_index["image_id"].isin(image_ids)])


def kept(folder: Path, made_from: dict[str, Any], predict: Callable[[], pd.DataFrame], *, force: bool = False) -> pd.DataFrame:
    """The table that the folder keeps, predicted anew only where what it is made from has changed.

    What is trained on points stays trained: the same network gives other last digits on another device or torch.

    Args:
        folder: The table's own.
        made_from: Digests and values by name, as JSON takes them.
        predict: Makes the table.
        force: Predict although nothing has changed.
    """
    ledger, file = Ledger(folder), folder / "predictions.parquet"
    digest = fingerprint(made_from)
    if ledger.is_complete(digest) and file.exists() and not force:
        logger.info("%s: nothing has changed, the points in %s stand", folder.name, file)
        return pd.read_parquet(file)
    if changed := ledger.difference(made_from) if ledger.read() else {}:
        logger.info("%s: predicted again, since other than before: %s", folder.name, ", ".join(changed))
    ledger.begin(digest, made_from)
    table = predict()
    with atomic_path(file) as temporary:
        table.to_parquet(temporary, index=False)
    ledger.finish()
    logger.info("%s: %s rows of %d images", folder.name, f"{len(table):,}", table["image_id"].nunique())
    return table
