"""The checks. To add a check, write a function `(evidence, params) -> findings` and add it to `CHECKS`."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import pandas as pd

from ceph_pipeline.audit.checks.exposure import check_exposure
from ceph_pipeline.audit.checks.face_direction import check_face_direction
from ceph_pipeline.audit.checks.inverted_films import check_inverted_films
from ceph_pipeline.audit.checks.missing_points import check_missing_points
from ceph_pipeline.audit.checks.near_duplicates import check_near_duplicates
from ceph_pipeline.audit.checks.placeholder_points import check_placeholder_points
from ceph_pipeline.audit.checks.points_outside import check_points_outside
from ceph_pipeline.audit.checks.reader_drift import check_reader_drift
from ceph_pipeline.audit.checks.reader_independence import check_reader_independence
from ceph_pipeline.audit.checks.reader_offset import check_reader_offset
from ceph_pipeline.audit.checks.readers_apart import check_readers_apart
from ceph_pipeline.audit.checks.ruler_scale import check_ruler_scale
from ceph_pipeline.audit.checks.sella_nasion import check_device_scale, check_sella_nasion
from ceph_pipeline.audit.checks.shape_outliers import check_shape_outliers
from ceph_pipeline.audit.checks.split_balance import check_cvm_balance, check_device_splits
from ceph_pipeline.audit.checks.swapped_landmarks import check_swapped_landmarks
from ceph_pipeline.audit.checks.unmatched_files import check_unmatched_files
from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding, findings_table
from ceph_pipeline.audit.params import AuditParams


class Check(NamedTuple):
    """A check, and what a person can do about its findings."""

    find: Callable[[Evidence, AuditParams], Iterable[Finding]]
    suggestion: str


CHECKS = {
    "unmatched_files": Check(check_unmatched_files, "Fix or add the file, or leave the item out with ingestion.exclude."),
    "missing_points": Check(
        check_missing_points, "Have the reader place the points; training and evaluation ignore missing points."
    ),
    "points_outside": Check(
        check_points_outside, "Check the point: correct it, or leave it out with ingestion.exclude: [image/symbol]."
    ),
    "placeholder_points": Check(
        check_placeholder_points, "Delete the placeholder in the annotation, or leave the point out with ingestion.exclude."
    ),
    "swapped_landmarks": Check(check_swapped_landmarks, "Exchange the two points in the annotation."),
    "shape_outliers": Check(
        check_shape_outliers, "Check the points on the image: correct them, or keep them if the anatomy is unusual."
    ),
    "readers_apart": Check(check_readers_apart, "Have a third reader decide, or leave the point out with ingestion.exclude."),
    "reader_independence": Check(check_reader_independence, "Leave the landmark out of statistics on agreement between readers."),
    "reader_offset": Check(
        check_reader_offset,
        "Have the readers agree on a definition, or train on one reader's points with ingestion.consensus_reader.",
    ),
    "reader_drift": Check(
        check_reader_drift,
        "Have the images after the change annotated again; compare test errors with those after removal of offsets.",
    ),
    "device_scale": Check(
        check_device_scale, "Correct it with ingestion.device_scale, or do not pool its millimetres with other devices'."
    ),
    "sella_nasion": Check(check_sella_nasion, "Check Sella, Nasion and the image's pixel size."),
    "ruler_scale": Check(
        check_ruler_scale,
        "Put the ruler first in ingestion.pixel_size.order, or correct the device: ingestion.device_scale.correction.",
    ),
    "near_duplicates": Check(
        check_near_duplicates, "audit.exclusions.cross_split_duplicates determines which of them are left out."
    ),
    "exposure": Check(check_exposure, "Check the image; leave it out with audit.exclude if no anatomy is visible."),
    "inverted_films": Check(check_inverted_films, "Invert the file: the other films show bone bright."),
    "face_direction": Check(
        check_face_direction,
        "Mirror or turn the file and its points, or train mirrored faces with flips; if image and points disagree, change "
        "the wrong one.",
    ),
    "cvm_balance": Check(check_cvm_balance, "Use class weights, and do not interpret the accuracy of a rare class."),
    "device_splits": Check(check_device_splits, "Split the data again by device, and evaluate errors per device."),
}
"""Checks by name, in the order of the findings table."""


def run_checks(evidence: Evidence, params: AuditParams) -> pd.DataFrame:
    """Rows of `FindingTable` from every check, in a fixed order."""
    found = ((name, finding) for name, check in CHECKS.items() for finding in check.find(evidence, params))
    return findings_table(found, {name: check.suggestion for name, check in CHECKS.items()})
