"""Nodes of the audit pipeline."""

import logging
from typing import Any

import pandas as pd

from ceph_pipeline.audit import CHECKS, AuditParams, Evidence, decide_exclusions, run_checks, summary_line
from ceph_pipeline.images import ImageStore

logger = logging.getLogger(__name__)


def compare_images(
    images: pd.DataFrame, source_cache: ImageStore, source_cache_index: pd.DataFrame, params: AuditParams
) -> pd.DataFrame:
    """Find the pairs of cached images that show the same radiograph."""
    from ceph_pipeline.audit.duplicates import find_duplicates

    cached = images[images["image_id"].isin(source_cache_index["image_id"])]
    pairs = find_duplicates(cached, source_cache, params.duplicates, params.n_jobs)
    crossing = int((pairs["split_a"] != pairs["split_b"]).sum())
    logger.info("%d images compared: %d near-duplicate pairs, %d of them across splits", len(cached), len(pairs), crossing)
    return pairs


def check_data(
    images: pd.DataFrame, landmarks: pd.DataFrame, quarantine: pd.DataFrame, duplicates: pd.DataFrame, params: AuditParams
) -> pd.DataFrame:
    """Run every check and say in one line what they found."""
    findings = run_checks(Evidence(images, landmarks, quarantine, duplicates), params)
    logger.info("%d findings on %d cephalograms: %s", len(findings), len(images), summary_line(findings, CHECKS))
    return findings


def exclude_images(findings: pd.DataFrame, duplicates: pd.DataFrame, images: pd.DataFrame, params: AuditParams) -> pd.DataFrame:
    """Decide which images augmentation and training leave out."""
    exclusions = decide_exclusions(findings, duplicates, images, params.exclusions)
    by_split = images.loc[images["image_id"].isin(exclusions["image_id"]), "split"].value_counts()
    counts = ", ".join(f"{split} {count}" for split, count in by_split.sort_index().items())
    logger.info("%d of %d images are left out%s", len(exclusions), len(images), f": {counts}" if counts else "")
    return exclusions


def draw_overview(findings: pd.DataFrame, images: pd.DataFrame, landmarks: pd.DataFrame, params: AuditParams) -> Any:
    """Draw the findings, the devices' scale and the readers' agreement; no pixel of a patient is shown."""
    from ceph_pipeline.audit.figures import overview

    return overview(findings, images, landmarks, params)
