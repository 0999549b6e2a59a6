"""Cached tables, which are computed again only if their inputs have changed."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from ceph_pipeline.artifacts.atomic import atomic_path
from ceph_pipeline.artifacts.fingerprint import fingerprint
from ceph_pipeline.artifacts.ledger import Ledger

logger = logging.getLogger(__name__)


def cached_table(
    folder: Path, name: str, made_from: dict[str, Any], compute: Callable[[], pd.DataFrame], *, force: bool = False
) -> pd.DataFrame:
    """The table `folder/name/name.parquet`, computed if it is missing or damaged, or if its inputs have changed.

    Predictions of stage 1, on which stage 2 is trained, are cached. Otherwise another device or release of torch could change
    their last digits, and stage 2 would be trained again.

    Args:
        folder: Folder of the cached tables; each table is in a folder with its manifest.
        name: Name of the table.
        made_from: Inputs of the table: digests and values by name, which can be written as JSON.
        compute: Computes the table.
        force: Compute the table even if nothing has changed.
    """
    place = folder / name
    ledger, file = Ledger(place), place / f"{name}.parquet"
    digest = fingerprint(made_from)
    if ledger.is_complete(digest) and file.exists() and not force:
        try:
            table = pd.read_parquet(file)
        except (OSError, ValueError) as error:
            logger.warning("%s: computed again, because %s is damaged (%s)", name, file, error)
        else:
            logger.info("%s: up to date, reusing %s", name, file)
            return table
    if changed := ledger.difference(made_from) if ledger.read() else {}:
        logger.info("%s: computed again, because these inputs have changed: %s", name, ", ".join(changed))
    ledger.begin(digest, made_from)
    table = compute()
    with atomic_path(file) as temporary:
        table.to_parquet(temporary, index=False)
    ledger.finish()
    logger.info("%s: %s rows of %d images", name, f"{len(table):,}", table["image_id"].nunique())
    return table
