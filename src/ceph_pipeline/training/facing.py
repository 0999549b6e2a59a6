"""Which way the faces of a training look: a network that has seen one direction answers nothing in flipped views."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.augmentation.geometric import Flip
from ceph_pipeline.augmentation.kinds import Kind

LEAST_SHARE = 0.05
"""Of faces that look the rarer way, below which a network has not learned them: a flipped film among many is an oversight."""


def learns_flips(points: ArrayLike, augmentation: Mapping[str, Kind]) -> bool:
    """Whether a training sees faces of both directions, by its images or by flips on the fly.

    Args:
        points: `(N, K, 2)` of its images, NaN where one is missing.
        augmentation: Kinds that change samples on the fly, by name.
    """
    on_the_fly = any(isinstance(kind, Flip) and kind.probability > 0 for kind in augmentation.values())
    return on_the_fly or face_both_ways(np.asarray(points, np.float64))


def face_both_ways(points: NDArray[np.float64]) -> bool:
    """Whether configurations `(N, K, 2)` are mirror images of others, at least `LEAST_SHARE` of them, by the best linear map.

    Images of fewer than three points in common with the fullest one do not count; where none counts, the answer is yes.

    >>> face = np.array([[0.0, 0.0], [4.0, 1.0], [1.0, 5.0]])
    >>> face_both_ways(np.stack([face, face + 7])), face_both_ways(np.stack([face, face * [-1, 1]]))
    (False, True)
    """
    known = np.asarray(np.isfinite(points).all(axis=-1))
    fullest = int(known.sum(axis=1).argmax())
    weight = (known & known[fullest]).astype(np.float64)[..., None]
    count = weight.sum(axis=1, keepdims=True)

    def centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
        filled = np.nan_to_num(values) * weight
        return np.asarray((filled - filled.sum(axis=1, keepdims=True) / np.maximum(count, 1)) * weight)

    products = centred(np.broadcast_to(points[fullest], points.shape)).transpose(0, 2, 1) @ centred(points)
    mirrored = np.linalg.det(products)[count[:, 0, 0] >= 3] < 0
    return bool(LEAST_SHARE <= mirrored.mean() <= 1 - LEAST_SHARE) if mirrored.size else True
