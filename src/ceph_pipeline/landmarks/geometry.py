"""Affine maps that apply to pixels and points alike.

A point is `(x, y)`, float64, x right, y down, pixel centres at integers: the top-left pixel's centre is (0, 0) and its
outer corner (-0.5, -0.5). `cv2.warpAffine` uses the same convention, so one matrix applies to the pixels and the points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from ceph_pipeline.errors import InvalidValueError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Size = tuple[int, int]
"""(width, height) in pixels."""


@dataclass(frozen=True)
class Affine:
    """An affine map from source to destination pixels, `q = matrix[:, :2] @ p + matrix[:, 2]`.

    Attributes:
        matrix: `(2, 3)` float64.
    """

    matrix: NDArray[np.float64]
    _NDIM: ClassVar[int] = 2

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix, dtype=np.float64)
        if matrix.ndim != self._NDIM or matrix.shape[-2:] != (2, 3):
            raise InvalidValueError(f"an affine map needs a 2 × 3 matrix, got shape {matrix.shape}.")
        object.__setattr__(self, "matrix", matrix)

    def __call__(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map points `(..., 2)`; NaN stays NaN."""
        points = np.asarray(points, dtype=np.float64)
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]

    def then(self, after: Affine) -> Self:
        """The map that applies `self` first and `after` second."""
        matrix = after.matrix[..., :2] @ self.matrix
        matrix[..., 2] += after.matrix[..., 2]
        return type(self)(matrix)

    def inverse(self) -> Self:
        """The inverse map.

        Raises:
            ValueError: the map is singular.
        """
        linear = self.matrix[..., :2]
        if (np.abs(np.linalg.det(linear)) < 1e-12).any():
            raise InvalidValueError(f"the affine map {self.matrix.tolist()} has no inverse.")
        back = np.linalg.inv(linear)
        return type(self)(np.concatenate([back, -back @ self.matrix[..., 2:]], axis=-1))

    @property
    def scale(self) -> float:
        """Destination pixels per source pixel: the square root of the area ratio."""
        return math.sqrt(abs(float(np.linalg.det(self.matrix[:, :2]))))

    @classmethod
    def identity(cls) -> Affine:
        """The identity map."""
        return cls(np.eye(2, 3))

    @classmethod
    def translation(cls, dx: float, dy: float) -> Affine:
        """Shift by (dx, dy) pixels."""
        return cls(np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]]))

    @classmethod
    def resize(cls, source: Size, target: Size) -> Affine:
        """The map of `cv2.resize` from (width, height) to (width, height): `x ↦ (x + 0.5)·s − 0.5` on each axis."""
        sx, sy = target[0] / source[0], target[1] / source[1]
        return cls(np.array([[sx, 0.0, 0.5 * sx - 0.5], [0.0, sy, 0.5 * sy - 0.5]]))

    @classmethod
    def letterbox(cls, source: Size, target: Size) -> Affine:
        """Scale to fit into `target` with the aspect ratio kept, centred; the rest of the frame is padding."""
        s = min(target[0] / source[0], target[1] / source[1])
        dx, dy = (target[0] - s * source[0]) / 2, (target[1] - s * source[1]) / 2
        return cls(np.array([[s, 0.0, 0.5 * s - 0.5 + dx], [0.0, s, 0.5 * s - 0.5 + dy]]))

    @classmethod
    def flip(cls, width: int) -> Affine:
        """Horizontal flip of an image `width` pixels wide: `x ↦ W − 1 − x`."""
        return cls(np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0]]))

    @classmethod
    def similarity(cls, centre: tuple[float, float], *, angle_deg: float = 0.0, scale: float = 1.0) -> Affine:
        """Rotate about `centre` (positive: counter-clockwise on the screen) and scale."""
        c, s = scale * math.cos(math.radians(angle_deg)), scale * math.sin(math.radians(angle_deg))
        linear = np.array([[c, s], [-s, c]])
        return cls(np.column_stack([linear, np.asarray(centre) - linear @ np.asarray(centre)]))


@dataclass(frozen=True)
class Affines(Affine):
    """M affine maps, one for each of M crops.

    Attributes:
        matrix: `(M, 2, 3)` float64.
    """

    _NDIM: ClassVar[int] = 3

    def __len__(self) -> int:
        return len(self.matrix)

    def __call__(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map points `(M, 2)`, each by its own map; NaN stays NaN."""
        points = np.asarray(points, dtype=np.float64)
        mapped: NDArray[np.float64] = np.einsum("mij,mj->mi", self.matrix[..., :2], points) + self.matrix[..., 2]
        return mapped

    @property
    def scales(self) -> NDArray[np.float64]:
        """`(M,)` destination pixels per source pixel of each map."""
        return np.asarray(np.sqrt(np.abs(np.linalg.det(self.matrix[..., :2]))))

    @classmethod
    def crops(
        cls, centres: NDArray[np.float64], field_px: NDArray[np.float64], output_px: int, angle_deg: ArrayLike = 0.0
    ) -> Self:
        """Maps from an image to square crops.

        Args:
            centres: `(M, 2)` points of the image that are mapped to the crops' centres, in pixels.
            field_px: `(M,)` sides of the fields of view, in the image's pixels.
            output_px: Side of the crops, in their own pixels.
            angle_deg: `(M,)` or one for all: rotation of the content about the centre, counter-clockwise on the screen.
        """
        scale, angle = output_px / field_px, np.radians(angle_deg)
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        linear = np.stack([cos, sin, -sin, cos], axis=-1).reshape(-1, 2, 2)
        offset = (output_px - 1) / 2 - linear @ centres[:, :, None]
        return cls(np.concatenate([linear, offset], axis=-1))


def centre_of(size: Size) -> tuple[float, float]:
    """The true centre of a (width, height) image in pixel-centre coordinates."""
    return (size[0] - 1) / 2, (size[1] - 1) / 2


def fitted_size(source: Size, long_side: int) -> Size:
    """(width, height) of an image scaled so that its long side is `long_side`, aspect ratio kept to the nearest pixel."""
    s = long_side / max(source)
    return max(1, round(source[0] * s)), max(1, round(source[1] * s))


def centroid_size(points: ArrayLike) -> NDArray[np.float64]:
    """Root of the summed squared distances of `(..., K, 2)` points to their centroid, over √K; NaN points are ignored.

    This is the root-mean-square radius of the configuration, which does not grow with the number of known points.
    """
    points = np.asarray(points, dtype=np.float64)
    offsets = points - np.nanmean(points, axis=-2, keepdims=True)
    return np.asarray(np.sqrt(np.nanmean((offsets**2).sum(-1), axis=-1)), dtype=np.float64)


def mean_of_known(values: NDArray[np.float64], axis: int = 0) -> NDArray[np.float64]:
    """Mean over an axis without NaN values; NaN where all values are NaN.

    >>> mean_of_known(np.array([[1.0, np.nan], [3.0, np.nan]])).tolist()
    [2.0, nan]
    """
    known = np.isfinite(values)
    counts = known.sum(axis=axis)
    mean: NDArray[np.float64] = np.full(counts.shape, np.nan)
    np.divide(np.where(known, values, 0.0).sum(axis=axis), counts, out=mean, where=counts > 0)
    return mean
