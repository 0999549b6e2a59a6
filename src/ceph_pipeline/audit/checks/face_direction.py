"""Faces that are upside down or on their side, and faces in the opposite direction to the rest of their data set."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams

_UPPER = ("Nasion", "Sella", "Orbitale", "Porion", "A-point")
_LOWER = ("Menton", "Gnathion", "Pogonion", "Gonion", "B-point", "Lower Incisor Tip")
"""Landmarks of which the first that a data set has shows whether its faces are upright."""


def check_face_direction(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """Faces that are not upright, and faces that look in another direction than the others."""
    yield from _not_upright(evidence)
    yield from _turned_round(evidence, params)


def _not_upright(evidence: Evidence) -> Iterator[Finding]:
    """One error if it is half of the data set, as with another axis of the coordinates; otherwise one warning for each image."""
    upper, lower = (next((name for name in names if name in evidence.landmark_names), None) for names in (_UPPER, _LOWER))
    if upper is None or lower is None:
        return
    x, y = evidence.vector_px(upper, lower).T
    known = np.isfinite(x)
    above, beside = known & (y < 0) & (-y >= abs(x)), known & (abs(x) > abs(y))
    for wrong, where, cause in (
        (above, f"{lower} is above {upper}", "y is measured upwards (for sheets: ingestion.reading.table.y_up: true)"),
        (beside, f"{lower} is beside {upper}", "x and y are exchanged (for sheets: x and y of ingestion.reading.table)"),
    ):
        if wrong.sum() >= max(known.sum() / 2, 1):
            count = f"on {wrong.sum()} of {known.sum()} films"
            yield Finding("error", f"{where} {count}: {cause}, or the films themselves are turned.", "", f"{upper}, {lower}")
        else:
            for row in np.flatnonzero(wrong):
                yield Finding(
                    "warning", f"{where}: {cause}, or the film is turned.", evidence.image_ids[row], f"{upper}, {lower}"
                )


def _turned_round(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning for each image of the minority, by its points; an error if pixels and points disagree.

    By the points, the direction is that from Sella to Nasion. By the pixels, it depends on whether the film or its mirror image
    is more like the data set's median film. If both are about equally similar, the pixels contradict nothing.
    """
    direction = np.sign(evidence.vector_px("Sella", "Nasion")[:, 0])
    known = np.isfinite(direction) & (direction != 0)
    limits = params.films
    if known.sum() < limits.min_images:
        return
    usual = 1.0 if (direction[known] > 0).mean() >= 0.5 else -1.0
    if (direction[known] == usual).mean() < limits.usual_direction_share:
        return
    films = evidence.films.set_index("image_id").reindex(evidence.image_ids)
    difference = (films["mirrored_likeness"] - films["likeness"]).to_numpy(np.float64)
    mirrored, upright = difference > limits.mirror_margin, difference < -limits.mirror_margin
    side = {1.0: "right", -1.0: "left"}
    for row in np.flatnonzero(known & ((direction != usual) | mirrored)):
        turned = direction[row] != usual
        if turned and not upright[row]:
            yield Finding(
                "warning",
                f"the face looks to the {side[-usual]}, but {(direction[known] == usual).mean():.0%} of the data set to the "
                f"{side[usual]}.",
                evidence.image_ids[row],
            )
        else:
            by_points, by_pixels = (side[-usual], side[usual]) if turned else (side[usual], side[-usual])
            yield Finding(
                "error",
                f"by its points the face looks to the {by_points}, by its pixels to the {by_pixels}: likeness to the median film "
                f"{films['likeness'].iloc[row]:.2f}, mirrored {films['mirrored_likeness'].iloc[row]:.2f}.",
                evidence.image_ids[row],
            )
