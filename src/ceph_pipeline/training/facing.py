"""Which way the faces of a training look: a network that has seen one direction answers nothing in flipped views."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import orthogonal_procrustes

from ceph_pipeline.augmentation.geometric import Flip
from ceph_pipeline.augmentation.kinds import Kind

LEAST_SHARE = 0.05
"""Of faces that look the rarer way, below which a network has not learned them: a flipped film among many is an oversight."""

MIN_POINTS = 3
"""Fewer lie on a line and have no mirror image of their own."""


def learns_flips(points: ArrayLike, augmentation: Mapping[str, Kind]) -> bool:
    """Whether a training sees faces of both directions, by its images or by flips on the fly.

    Args:
        points: `(N, K, 2)` of its images, NaN where one is missing.
        augmentation: Kinds that change samples on the fly, by name.
    """
    on_the_fly = any(isinstance(kind, Flip) and kind.probability > 0 for kind in augmentation.values())
    return on_the_fly or face_both_ways(np.asarray(points, np.float64))


def face_both_ways(points: NDArray[np.float64]) -> bool:
    """Whether configurations `(N, K, 2)` are mirror images of others, at least `LEAST_SHARE` of them, by Procrustes alignment.

    Images of fewer than `MIN_POINTS` in common with the fullest one do not count; where none counts, the answer is yes.

    >>> face = np.array([[0.0, 0.0], [4.0, 1.0], [1.0, 5.0]])
    >>> face_both_ways(np.stack([face, face + 7])), face_both_ways(np.stack([face, face * [-1, 1]]))
    (False, True)
    """
    known = np.isfinite(points).all(axis=-1)
    reference = points[known.sum(axis=1).argmax()]
    mirrored = []
    for shape in points:
        both = np.isfinite(shape + reference).all(axis=-1)
        if both.sum() >= MIN_POINTS:
            face, other = (values[both] - values[both].mean(axis=0) for values in (shape, reference))
            mirrored.append(np.linalg.det(orthogonal_procrustes(face, other)[0]) < 0)
    return bool(LEAST_SHARE <= np.mean(mirrored) <= 1 - LEAST_SHARE) if mirrored else True
