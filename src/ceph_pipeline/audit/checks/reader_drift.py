"""Changes of a reader's convention along the order of the images, or between splits."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams, ReaderParams
from ceph_pipeline.audit.reader_offsets import ChangePoint, OffsetChange, change_at, change_points, grouped_change
from ceph_pipeline.landmarks.tables import SPLITS

_NAMED = 0.05
"""Probability that a reported change lists a landmark without a change."""


def check_reader_drift(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning for each change of the mean difference between two readers, with the landmarks and their shifts.

    The difference does not show whether one of the readers changed, or both. A network trained on the images before a change is
    biased by half of the change on the images after it.
    """
    limits = params.readers
    for (first, second), differences in evidence.reader_differences().items():
        pair = f"{first} − {second}"
        for point, change in _along_the_order(differences, limits, evidence.unit):
            before, after = evidence.image_ids[point.earliest - 1], evidence.image_ids[point.latest]
            places = f"between {before} and {after}, most likely at {evidence.image_ids[point.row]}"
            yield _finding(evidence, pair, places, change, limits)
        splits = evidence.images["split"].to_numpy(str)
        for one, other in combinations([split for split in SPLITS if (splits == split).sum() >= limits.drift_min_images], 2):
            rows = np.isin(splits, (one, other))
            change = grouped_change(differences[rows], splits[rows] == other, limits.drift_permutations)
            if _speaks(change, limits, evidence.unit):
                yield _finding(evidence, pair, f"from {one} to {other}", change, limits)


def _along_the_order(
    differences: NDArray[np.float64], limits: ReaderParams, unit: str
) -> Iterator[tuple[ChangePoint, OffsetChange]]:
    """Each change, with the differences between the preceding and the following segment of images."""
    least, permutations = limits.drift_min_images, limits.drift_permutations
    points = change_points(differences, least, permutations, lambda change: _speaks(change, limits, unit))
    edges = [0, *(point.row for point in points), len(differences)]
    for before, point, after in zip(edges, points, edges[2:], strict=False):
        yield point, change_at(differences[before:after], point.row - before, permutations)


def _moved(change: OffsetChange, limits: ReaderParams, unit: str, level: float) -> NDArray[np.intp]:
    """Landmarks with a relevant and, at this level over all landmarks, significant shift; the largest shift first."""
    from scipy import stats

    distance = np.linalg.norm(change.shift, axis=-1)
    least = limits.drift_mm if unit == "mm" else limits.drift_px
    beyond_chance = stats.chi2.sf(change.statistic, 2) < level / len(distance)
    moved = np.flatnonzero(beyond_chance & (np.nan_to_num(distance) >= least))
    return moved[np.argsort(-distance[moved])]


def _speaks(change: OffsetChange, limits: ReaderParams, unit: str) -> bool:
    """Whether a change is reported: it is significant as a whole and for at least one landmark."""
    return change.p <= limits.significance and len(_moved(change, limits, unit, limits.significance)) > 0


def _finding(evidence: Evidence, pair: str, where: str, change: OffsetChange, limits: ReaderParams) -> Finding:
    moved = _moved(change, limits, evidence.unit, _NAMED)
    distance = np.linalg.norm(change.shift, axis=-1)
    known = int(np.isfinite(change.shift).all(axis=-1).sum())
    listed = ", ".join(f"{evidence.landmark_names[k]} {distance[k]:.2f} {evidence.unit}" for k in moved)
    return Finding(
        "warning",
        f"{pair} changes {where}: {listed}; mean over landmarks {np.nanmean(distance):.2f} {evidence.unit}, "
        f"χ² {np.nansum(change.statistic):.0f} of {2 * known} degrees of freedom.",
        landmark=", ".join(evidence.landmark_names[k] for k in moved),
    )
