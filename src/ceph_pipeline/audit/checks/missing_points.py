"""Landmarks that are missing from an image although its data set has them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams
from ceph_pipeline.errors import first_of
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.landmarks.tables import CONSENSUS

LISTED = 10
"""Number of images that a finding on a reader lists."""


def check_missing_points(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """A warning for each (image, reader) that lacks points; an error for an image without any.

    The images on which a reader placed no point, while others did, are one `info` for the reader: the reader has not read them.
    A landmark that only few images of a data set have (for example because of another protocol) is one `info` for the data set.
    Ruler marks are never expected: a film may show no ruler, and has no point then in a data set of ruler marks.
    """
    datasets = evidence.images["dataset"].to_numpy()
    present = {reader: np.asarray(np.isfinite(points).all(axis=-1)) for reader, points in evidence.points.items()}
    nobody = np.zeros((len(datasets), len(evidence.landmark_names)), bool)
    anyone = np.any([nobody, *present.values()], axis=0)
    ruler = np.isin(evidence.landmark_names, SCHEMAS["ruler"].names)
    is_ruler_alone = ruler.size > 0 and bool(ruler.all())
    for reader, has in present.items():
        unread = np.flatnonzero(anyone.any(axis=1) & ~has.any(axis=1))
        if len(unread) and reader != CONSENSUS and not is_ruler_alone:
            films = first_of([evidence.image_ids[row] for row in unread], LISTED)
            yield Finding("info", f"{reader} did not annotate {len(unread)} of {len(datasets)} images: {films}.")
    for dataset in sorted(set(datasets)):
        rows = np.flatnonzero(datasets == dataset)
        share = anyone[rows].mean(axis=0)
        yield from _rare_landmarks(evidence, dataset, share, len(rows), params.points.expected_share)
        expected = (share >= params.points.expected_share) & ~ruler
        for row in rows.tolist() if not is_ruler_alone else ():
            yield from _missing_from(evidence, row, expected, anyone[row], present)


def _rare_landmarks(
    evidence: Evidence, dataset: str, share: NDArray[np.float64], n_images: int, expected_share: float
) -> Iterator[Finding]:
    for k in np.flatnonzero((share > 0) & (share < expected_share)):
        found = f"{evidence.landmark_names[k]} is on {round(share[k] * n_images)} of {n_images} images"
        yield Finding("info", f"{dataset}: {found}, fewer than {expected_share:.0%}, and is not expected on the others.")


def _missing_from(
    evidence: Evidence,
    row: int,
    expected: NDArray[np.bool_],
    anyone: NDArray[np.bool_],
    present: dict[str, NDArray[np.bool_]],
) -> Iterator[Finding]:
    image_id = evidence.image_ids[row]
    if not anyone.any():
        yield Finding("error", "no reader placed a single point.", image_id)
        return
    for reader, has in present.items():
        lacking = [evidence.landmark_names[k] for k in np.flatnonzero(expected & ~has[row])]
        if lacking and has[row].any():
            names = ", ".join(lacking)
            yield Finding("warning", f"{reader}: {names} missing.", image_id, names)
