"""Validation and test splits for data sets that come without one."""

from __future__ import annotations

import hashlib

import pandas as pd

from ceph_pipeline.errors import CephError
from ceph_pipeline.landmarks.tables import SPLITS


class SplitError(CephError, ValueError):
    """A data set cannot be split as asked."""


def with_validation_split(images: pd.DataFrame, fraction: float, seed: int) -> pd.DataFrame:
    """Hold a share of the training images out for validation, where there is no validation split yet.

    Which images depends on the seed and on each identifier alone, so that leaving one image out moves no other.

    Args:
        images: The images table.
        fraction: Share of the training images, 0–1; not used where the data set has a validation split.
        seed: Chooses the images.

    Raises:
        SplitError: no training images, or none would be left on one side.
    """
    training = images.loc[images["split"] == "train", "image_id"]
    if training.empty:
        found = ", ".join(f"{count} {split}" for split, count in images["split"].value_counts().items()) or "none"
        raise SplitError(f"the data set has no training images (found {found}): nothing can be learned from it.")
    if (images["split"] == "valid").any():
        return images
    return _held_out(images, "valid", fraction, seed)


def with_test_split(images: pd.DataFrame, fraction: float, seed: int) -> pd.DataFrame:
    """Hold a share of the images out for testing, where a data set has training images only.

    A set that brings a validation or test split keeps what it has. Which images are held out depends on the seed and on each
    identifier alone.

    Args:
        images: The images table.
        fraction: Share of the images, 0–1; 0 holds none out.
        seed: Chooses the images.

    Raises:
        SplitError: none would be left on one side.
    """
    if not fraction or (images["split"] != "train").any():
        return images
    return _held_out(images, "test", fraction, seed)


def _held_out(images: pd.DataFrame, split: str, fraction: float, seed: int) -> pd.DataFrame:
    """The table with a share of its training images in another split."""
    training = images.loc[images["split"] == "train", "image_id"]
    count = round(fraction * len(training))
    if not 0 < count < len(training):
        called = {"valid": "validation", "test": "test"}[split]
        raise SplitError(
            f"the data set has no {called} split, and ingestion.{split}_fraction = {fraction} of {len(training)} training images "
            f"holds out {count}. Set a fraction that leaves images on both sides, such as 0.1."
        )
    ranked = sorted(training, key=lambda image_id: hashlib.sha256(f"{seed}:{image_id}".encode()).digest())
    held_out = images["image_id"].isin(ranked[:count])
    order = {name: position for position, name in enumerate(SPLITS)}
    return images.assign(split=images["split"].mask(held_out, split), subset=images["subset"].mask(held_out, split)).sort_values(
        "split", key=lambda splits: splits.map(order), kind="stable", ignore_index=True
    )
