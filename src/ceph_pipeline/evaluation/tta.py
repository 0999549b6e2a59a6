"""Views for test-time augmentation, and the fusion of what a network sees in them.

Everything here is geometry: who warps the pixels and calls the network maps points back with `View.back`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.landmarks.geometry import Affine, Size, centre_of

Fusion = Literal["mean", "median", "confidence"]
"""How the views' answers become one: `confidence` weighs them by their scores."""

ViewSet = Literal["single", "five", "ten", "grid"]
"""Names of `VIEW_SETS`."""


@dataclass(frozen=True)
class View:
    """One way to look at a network's input frame: flipped, then scaled and turned about its true centre.

    Attributes:
        flip: Mirror left and right.
        scale: Size of the content in the view over its size in the frame, > 0.
        rotation_deg: Counter-clockwise on the screen.
    """

    flip: bool = False
    scale: float = 1.0
    rotation_deg: float = 0.0

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"a view's scale must be positive, got {self.scale}.")

    def matrix(self, size: Size) -> Affine:
        """The map from a frame of `(width, height)` pixels to the view, which has the same size."""
        mirrored = Affine.flip(size[0]) if self.flip else Affine.identity()
        return mirrored.then(Affine.similarity(centre_of(size), angle_deg=self.rotation_deg, scale=self.scale))

    def back(self, points: ArrayLike, size: Size) -> NDArray[np.float64]:
        """Map points `(..., 2)` found in the view back to the frame."""
        return self.matrix(size).inverse()(points)

    @property
    def is_identity(self) -> bool:
        """Whether the view shows the frame as it is."""
        return self == View()


_STEPS = (View(), View(scale=0.8), View(scale=1.2), View(rotation_deg=-3.0), View(rotation_deg=3.0))


def _mirrored(views: tuple[View, ...]) -> tuple[View, ...]:
    """The views, and each of them flipped."""
    return views + tuple(View(flip=True, scale=view.scale, rotation_deg=view.rotation_deg) for view in views)


TEN_VIEWS = _mirrored(_STEPS)
"""{no flip, flip} × {identity, scale 0.8, scale 1.2, rotation −3°, rotation +3°}.

Flips help only a network that was trained with flips."""

GRID_VIEWS = _mirrored(tuple(View(scale=s, rotation_deg=r) for s in (1.0, 0.8, 1.2) for r in (0.0, -3.0, 3.0)))
"""The full grid, 2 × 3 × 3 views."""

VIEW_SETS: dict[ViewSet, tuple[View, ...]] = {"single": (View(),), "five": _STEPS, "ten": TEN_VIEWS, "grid": GRID_VIEWS}
"""Views by the name parameters give: only the frame itself, the ten without their flips, the ten, the grid of 18."""


def views_in_words(stage1: ViewSet, fusion: Fusion, stage2: ViewSet | None = None) -> str:
    """What points were made from, such as `ten views fused by mean, then single`; uncertainty is learned for one such way."""
    first = stage1 if stage1 == "single" else f"{stage1} views fused by {fusion}"
    return first if stage2 is None else f"{first}, then {stage2}"


def fuse_views(
    points: ArrayLike, scores: ArrayLike | None = None, how: Fusion = "mean"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One point from each landmark's answers in several views.

    Args:
        points: `(V, N, K, 2)`, mapped back to one frame; an answer that is NaN is left out.
        scores: `(V, N, K)`, ≥ 0, confidence of each answer; only `confidence` needs it.
        how: `mean`, `median` (per axis) or `confidence` (mean weighted by the scores; plain where all are 0).

    Returns:
        Points `(N, K, 2)`, and their spread `(N, K)`: the standard deviation of the answers along one axis, in the
        points' unit; NaN where fewer than two views answered.

    Raises:
        ValueError: the shapes do not belong together, or `confidence` is asked for without scores.
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 4 or points.shape[-1] != 2 or not len(points):
        raise ValueError(f"answers of views must be (V, N, K, 2) with V ≥ 1, got {points.shape}.")
    known = ~np.isnan(points).any(axis=-1)
    fused = _median(points, known) if how == "median" else _weighted_mean(points, _view_weights(known, scores, how))
    squared = np.where(known, ((points - fused) ** 2).sum(axis=-1), 0.0).sum(axis=0)
    n_known = known.sum(axis=0)
    freedom = np.where(n_known > 1, 2.0 * (n_known - 1), np.nan)  # two axes, each with its mean taken from the data
    return fused, np.sqrt(squared / freedom)


def _view_weights(known: NDArray[np.bool_], scores: ArrayLike | None, how: Fusion) -> NDArray[np.float64]:
    """Weight of every answer, `(V, N, K)`."""
    if how == "mean":
        return known.astype(np.float64)
    if scores is None:
        raise ValueError("fusing by confidence needs the views' scores.")
    scores = np.asarray(scores, np.float64)
    if scores.shape != known.shape:
        raise ValueError(f"fusing by confidence needs scores of shape {known.shape}, got {scores.shape}.")
    weights = np.where(known, np.nan_to_num(scores), 0.0)
    return np.where(weights.sum(axis=0) > 0, weights, known)


def _weighted_mean(points: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    total = weights.sum(axis=0)[..., None]
    summed: NDArray[np.float64] = (np.nan_to_num(points) * weights[..., None]).sum(axis=0)
    np.divide(summed, total, out=summed, where=total > 0)
    return np.where(total > 0, summed, np.nan)


def _median(points: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Median per axis over the known answers, NaN where there is none."""
    answered = known.any(axis=0)
    fused = np.full(points.shape[1:], np.nan)
    fused[answered] = np.nanmedian(np.where(known[..., None], points, np.nan)[:, answered], axis=0)
    return fused
