"""Detects whether training faces point in both directions; otherwise a network cannot predict flipped views."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.augmentation.geometric import Flip
from ceph_pipeline.augmentation.kinds import Kind
from ceph_pipeline.crops.index import mirrored

LEAST_SHARE = 0.05
"""Minimum share of faces in the rarer direction; a smaller share is regarded as flipped by mistake, and as not learned."""

MIN_POINTS = 3
"""Minimum number of points; fewer points lie on a line and equal their mirror image."""


def learns_flips(points: ArrayLike, augmentation: Mapping[str, Kind]) -> bool:
    """Whether a training contains faces of both directions, in its images or through flips on the fly.

    Args:
        points: `(N, K, 2)` points of the training images, NaN where missing.
        augmentation: Kinds of augmentation on the fly, by name.
    """
    on_the_fly = any(isinstance(kind, Flip) and kind.probability > 0 for kind in augmentation.values())
    return on_the_fly or face_both_ways(np.asarray(points, np.float64))


def face_both_ways(points: NDArray[np.float64]) -> bool:
    """Whether at least `LEAST_SHARE` of the configurations `(N, K, 2)` face each direction.

    The reference is the image with the most points. Images with fewer than `MIN_POINTS` points in common with the reference are
    ignored. If all images are ignored, the result is True.

    >>> face = np.array([[0.0, 0.0], [4.0, 1.0], [1.0, 5.0]])
    >>> face_both_ways(np.stack([face, face + 7])), face_both_ways(np.stack([face, face * [-1, 1]]))
    (False, True)
    """
    known = np.isfinite(points).all(axis=-1)
    reference = points[known.sum(axis=1).argmax()]
    comparable = (known & np.isfinite(reference).all(axis=-1)).sum(axis=1) >= MIN_POINTS
    flipped = mirrored(points, np.broadcast_to(reference, points.shape))[comparable]
    return bool(LEAST_SHARE <= np.mean(flipped) <= 1 - LEAST_SHARE) if len(flipped) else True
