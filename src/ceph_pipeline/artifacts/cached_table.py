"""Tables that are computed again only where something they are made from has changed."""

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
    """The table `folder/name/name.parquet`, computed where it is missing, damaged or was made from something else.

    Predictions are cached, so that stage 2, which is trained on stage 1's points, is not trained again where another device or
    release of torch changes their last digits.

    Args:
        folder: Where tables are cached, each in a folder with its ledger.
        name: Of the table.
        made_from: Digests and values by name, as JSON takes them.
        compute: Makes the table.
        force: Compute although nothing has changed.
    """
    place = folder / name
    ledger, file = Ledger(place), place / f"{name}.parquet"
    digest = fingerprint(made_from)
    if ledger.is_complete(digest) and file.exists() and not force:
        try:
            table = pd.read_parquet(file)
        except (OSError, ValueError) as error:
            logger.warning("%s: computed again, since %s is damaged (%s)", name, file, error)
        else:
            logger.info("%s: up to date, reusing %s", name, file)
            return table
    if changed := ledger.difference(made_from) if ledger.read() else {}:
        logger.info("%s: computed again, since these have changed: %s", name, ", ".join(changed))
    ledger.begin(digest, made_from)
    table = compute()
    with atomic_path(file) as temporary:
        table.to_parquet(temporary, index=False)
    ledger.finish()
    logger.info("%s: %s rows of %d images", name, f"{len(table):,}", table["image_id"].nunique())
    return table
