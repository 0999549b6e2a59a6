"""Nodes of the audit pipeline."""

import logging
from typing import Any

import pandas as pd

from ceph_pipeline.audit import CHECKS, AuditParams, Evidence, decide_exclusions, run_checks, summary_line
from ceph_pipeline.errors import counted
from ceph_pipeline.images import ImageStore
from ceph_pipeline.landmarks.tables import images_in

logger = logging.getLogger(__name__)


def compare_images(
    images: pd.DataFrame, source_cache: ImageStore, source_cache_index: pd.DataFrame, params: AuditParams
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read every cached image once: find near-duplicates, also in other data sets, and compute grey levels."""
    from ceph_pipeline.audit.duplicates import find_duplicates, find_foreign_duplicates
    from ceph_pipeline.audit.films import film_table
    from ceph_pipeline.audit.signatures import sign_images

    cached = images_in(images, source_cache_index)
    signatures = sign_images(cached, source_cache, params.n_jobs)
    pairs = find_duplicates(signatures, params.duplicates, params.n_jobs)
    foreign = find_foreign_duplicates(signatures, params.duplicates, params.n_jobs)
    crossing = int((pairs["split_a"] != pairs["split_b"]).sum())
    logger.info(
        "%s compared: %s, %d across splits", counted(len(cached), "image"), counted(len(pairs), "near-duplicate pair"), crossing
    )
    if params.duplicates.other_data_roots:
        logger.info("%s with other data sets", counted(len(foreign), "near-duplicate pair"))
    return pairs, foreign, film_table(cached["image_id"].tolist(), signatures.tones)


def check_data(
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    cvm: pd.DataFrame,
    quarantine: pd.DataFrame,
    duplicates: pd.DataFrame,
    foreign_duplicates: pd.DataFrame,
    films: pd.DataFrame,
    params: AuditParams,
) -> pd.DataFrame:
    """Run all checks and log a summary of the findings."""
    evidence = Evidence(images, landmarks, quarantine, duplicates, cvm, foreign_duplicates, films)
    findings = run_checks(evidence, params)
    found, checked = counted(len(findings), "finding"), counted(len(images), "cephalogram")
    logger.info("%s on %s: %s", found, checked, summary_line(findings, CHECKS))
    return findings


def exclude_images(
    findings: pd.DataFrame, duplicates: pd.DataFrame, images: pd.DataFrame, params: AuditParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Decide which images are excluded, and return the exclusions and the rows of the other images."""
    exclusions = decide_exclusions(findings, duplicates, images, params)
    excluded = images["image_id"].isin(exclusions["image_id"])
    by_split = images.loc[excluded, "split"].value_counts()
    counts = ", ".join(f"{split} {count}" for split, count in by_split.sort_index().items())
    logger.info("excluded images: %d of %d%s", len(exclusions), len(images), f" ({counts})" if counts else "")
    return exclusions, images[~excluded].reset_index(drop=True)


def present_findings(
    findings: pd.DataFrame,
    exclusions: pd.DataFrame,
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    source_cache: ImageStore,
    params: AuditParams,
) -> tuple[Any, str]:
    """Draw the overview, which contains no image of a patient, and the page with the worst cases, which contains images."""
    from ceph_pipeline.artifacts import data_uri
    from ceph_pipeline.audit.figures import overview
    from ceph_pipeline.audit.report import Films, html_report

    figure = overview(findings, images, landmarks, params)
    films = Films(images, landmarks, source_cache)
    return figure, html_report(findings, exclusions, films, data_uri(figure), params.report_pictures)
