"""Size of a face or a ruler in pixels, and the resulting field of view of the crops.

Centroid size depends on the landmarks: 19 and 29 landmarks of the same face give different sizes. Here the face's size always
refers to the same six points. If some of the six are missing or grossly misplaced, the size is estimated from the others.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.crops.params import CropParams
from ceph_pipeline.errors import CephError
from ceph_pipeline.landmarks import find
from ceph_pipeline.landmarks.geometry import centroid_size

REFERENCE_MM = {
    find(symbol).name: point
    for symbol, point in {
        "S": (-54.737, -51.448),
        "N": (15.273, -68.259),
        "ANS": (24.522, -14.765),
        "PNS": (-30.315, -8.987),
        "Me": (12.747, 51.948),
        "Go": (-54.493, 26.359),
    }.items()
}
"""The six reference points of the face's size, in the mean shape of 303 Aariz cephalograms (Khalid et al., CC BY 4.0)."""

LARGEST_MAGNIFICATION = 4.0
"""Crop pixels per image pixel; a larger magnification means that stage 1 has failed."""


class FaceSizeError(CephError, ValueError):
    """The face's size or the field of view cannot be computed."""


def face_size(points: NDArray[np.float64], landmarks: list[str]) -> NDArray[np.float64]:
    """Centroid size of the six reference points in pixels, robust to missing and misplaced points.

    The distance of each pair of points is divided by its distance in the reference shape. The size is the median of these at
    most 15 ratios times the reference's centroid size. One wrong point affects 5 ratios, which does not distort the median.

    Args:
        points: `(N, K, 2)` px, NaN where missing.
        landmarks: The K full names.

    Returns:
        `(N,)` px; NaN where fewer than two of the six points are known.

    Raises:
        FaceSizeError: `landmarks` contains fewer than two of the six.
    """
    known = [name for name in REFERENCE_MM if name in landmarks]
    if len(known) < 2:
        raise FaceSizeError(
            f"the face's size needs two of {', '.join(REFERENCE_MM)}; the landmarks are {', '.join(landmarks)}. "
            "Set crops.field_mm to give the field of view in mm, or crops.field_of_ruler for a set of the ruler's marks."
        )
    reference = np.array([REFERENCE_MM[name] for name in known])
    seen = points[:, [landmarks.index(name) for name in known]]
    first, second = np.triu_indices(len(known), k=1)
    ratios = np.linalg.norm(seen[:, first] - seen[:, second], axis=-1) / np.linalg.norm(
        reference[first] - reference[second], axis=-1
    )
    whole = float(centroid_size(np.array(list(REFERENCE_MM.values()))))
    size = np.full(len(points), np.nan)
    measured = ~np.isnan(ratios).all(axis=1)
    size[measured] = np.nanmedian(ratios[measured], axis=1) * whole
    return size


def field_sizes(
    points: NDArray[np.float64], landmarks: list[str], pixel_size_mm: NDArray[np.float64], params: CropParams
) -> NDArray[np.float64]:
    """Side of each image's field of view.

    Args:
        points: `(N, K, 2)` px.
        landmarks: The K full names.
        pixel_size_mm: `(N,)`, used only where `params.field_mm` is set.
        params: The crops' settings.

    Returns:
        `(N,)` px of the image; NaN where the required input is unknown: the pixel size, two of the six points of the face's
        size, or both of the ruler's marks.

    Raises:
        FaceSizeError: `landmarks` does not contain the required points.
    """
    least = params.crop_px / LARGEST_MAGNIFICATION
    if params.field_of_ruler is not None:
        return np.maximum(params.field_of_ruler * ruler_length(points, landmarks), least)
    if params.field_mm is not None:
        return np.maximum(params.field_mm / np.asarray(pixel_size_mm, dtype=np.float64), least)
    return np.maximum(params.field_of_face * face_size(points, landmarks), least)


def require_fields(field: NDArray[np.float64], points: NDArray[np.float64], image_ids: Sequence[str], params: CropParams) -> None:
    """Reject images with points but without a field of view; with `field_of_ruler` these images show no ruler and have no crops.

    Raises:
        FaceSizeError: at least one image has points but no field of view.
    """
    lacking = np.flatnonzero(np.isnan(field) & np.isfinite(points).any(axis=(1, 2)))
    if params.field_of_ruler is not None or not len(lacking):
        return
    way_out = (
        "show fewer than two of the six points of the face's size: exclude them (ingestion.exclude), or set crops.field_mm."
        if params.field_mm is None
        else "have no pixel size, which crops.field_mm needs: set crops.field_mm to null to use the face's size."
    )
    named = ", ".join(image_ids[place] for place in lacking[:3]) + " …" * (len(lacking) > 3)
    raise FaceSizeError(f"{len(lacking)} of {len(field)} images ({named}) {way_out}")


def ruler_length(points: NDArray[np.float64], landmarks: list[str]) -> NDArray[np.float64]:
    """Distance of the ruler's marks.

    Args:
        points: `(N, K, 2)` px, NaN where missing.
        landmarks: The K full names.

    Returns:
        `(N,)` px; NaN where a mark is missing.

    Raises:
        FaceSizeError: `landmarks` does not contain p1 and p2.
    """
    if not {"p1", "p2"} <= set(landmarks):
        raise FaceSizeError(
            f"crops.field_of_ruler needs p1 and p2; the landmarks are {', '.join(landmarks)}. Set it to null to use the face's "
            "size."
        )
    return np.asarray(np.linalg.norm(points[:, landmarks.index("p1")] - points[:, landmarks.index("p2")], axis=-1))
