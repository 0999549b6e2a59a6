"""Folders of detectors that are named by numbers: folds, and an ensemble's."""

import logging
import shutil
from pathlib import Path

logger = logging.getLogger(__name__)


def drop_from(folder: Path, count: int) -> None:
    """Delete the detectors of an earlier run with more of them, which belong to none of today's.

    Args:
        folder: Where they are, each under its number, from 0.
        count: Of detectors now.
    """
    for place in folder.glob("[0-9]*"):
        if place.name.isdecimal() and int(place.name) >= count:
            logger.info("%s is of an earlier run with more detectors and is deleted", place)
            shutil.rmtree(place)
