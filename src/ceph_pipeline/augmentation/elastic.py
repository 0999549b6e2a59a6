"""A kind that deforms the image smoothly, by a map that is computed exactly in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from ceph_pipeline.augmentation.kinds import DrawnKind, NonNegativeRange, Source, register
from ceph_pipeline.augmentation.transforms import Interpolation, Transform, resample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.augmentation.transforms import Pixels, Points
    from ceph_pipeline.landmarks.geometry import Size

STEEPEST = 1 / 6
"""Largest displacement of control points as a fraction of their spacing; the field's slope is then below 2/3 and never folds."""


@register("elastic")
class Elastic(DrawnKind):
    """A smooth random displacement of control points on a grid, interpolated by cubic B-splines; the border does not move.

    The deformation changes lengths and angles slightly, so that the copy's measurements are computed from its own points.

    Attributes:
        displacement_mm: Range of the control points' largest displacement along each axis.
        spacing_mm: Distance between control points.
        interpolation: `sharp` or `linear`.
    """

    displacement_mm: NonNegativeRange = (1.0, 3.0)
    spacing_mm: float = Field(30.0, gt=0)
    interpolation: Interpolation = "sharp"

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw the control points' displacements."""
        del copy
        spacing, largest = self.spacing_mm, rng.uniform(*self.displacement_mm)
        bend = Bend.draw(source.size, spacing * source.pixels_per_mm, largest * source.pixels_per_mm, rng)
        return Transform(lambda image: bend.pixels(image, self.interpolation), bend)


@dataclass(frozen=True)
class Bend:
    """A displacement field `d` of an image; the point `q` of the copy shows the point `q + d(q)` of the source.

    Pixels are computed with this map from the copy to the source. Points require the inverse, found by Newton's method.

    Attributes:
        size: (width, height) of the image.
        controls: `(2, ny + 3, nx + 3)` displacements along x and y, in pixels, of the control points of nx × ny cells; the
            outer three of each side are 0, so that the border does not move.
    """

    size: Size
    controls: NDArray[np.float64]

    @classmethod
    def draw(cls, size: Size, spacing_px: float, largest_px: float, rng: np.random.Generator) -> Bend:
        """A random field.

        Args:
            size: (width, height).
            spacing_px: Approximate side of a cell; there are at least four cells along each side.
            largest_px: Largest displacement of a control point, limited to `STEEPEST` of the spacing.
            rng: Source of the random displacements.
        """
        nx, ny = (max(4, round(side / spacing_px)) for side in size)
        controls = np.zeros((2, ny + 3, nx + 3))
        largest = min(largest_px, STEEPEST * min(size[0] / nx, size[1] / ny))
        controls[:, 3:-3, 3:-3] = rng.uniform(-largest, largest, (2, ny - 3, nx - 3))
        return cls(size, controls)

    def pixels(self, image: Pixels, interpolation: Interpolation) -> Pixels:
        """The deformed image."""
        import cv2  # imported here, because reading a recipe does not require it

        width, height = self.size
        across, down = self._weights(np.arange(width), 0), self._weights(np.arange(height), 1)
        dx, dy = (down @ field @ across.T for field in self.controls)
        map_x = (np.arange(width) + dx).astype(np.float32)
        map_y = (np.arange(height)[:, None] + dy).astype(np.float32)
        border = cv2.BORDER_REPLICATE
        return resample(image, lambda pixels: cv2.remap(pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=border), interpolation)

    def __call__(self, points: Points) -> Points:
        """Positions in the copy of points `(..., 2)` of the source, to 1e-9 px; NaN and points outside are unchanged."""
        source = np.asarray(points, np.float64).reshape(-1, 2)
        copy = np.nan_to_num(source)
        for _ in range(8):  # each step doubles the correct digits; slopes below 2/3 ensure convergence
            shift, slope = self._shift(copy)
            residual = np.nan_to_num(source) - copy - shift
            copy = copy + np.linalg.solve(np.eye(2) + slope, residual[:, :, None])[:, :, 0]
        return np.asarray(np.where(np.isnan(source), np.nan, copy).reshape(np.shape(points)))

    def _shift(self, points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Displacement `(N, 2)` at points `(N, 2)`, and its derivative `(N, 2, 2)`, with rows d and columns x and y."""
        (x, slope_x), (y, slope_y) = (
            (self._weights(points[:, axis], axis), self._slopes(points[:, axis], axis)) for axis in (0, 1)
        )
        shift = np.einsum("ni,dij,nj->nd", y, self.controls, x)
        along_x = np.einsum("ni,dij,nj->nd", y, self.controls, slope_x)
        along_y = np.einsum("ni,dij,nj->nd", slope_y, self.controls, x)
        return shift, np.stack([along_x, along_y], axis=2)

    def _distances(self, positions: NDArray[np.generic], axis: int) -> tuple[NDArray[np.float64], float]:
        """Signed distances `(N, controls)` of positions to control points along an axis, in cells, and the cell size in px."""
        n_controls = self.controls.shape[2 - axis]
        cell = max(self.size[axis] - 1, 1) / (n_controls - 3)
        inside = np.clip(positions, 0, self.size[axis] - 1)
        return inside[:, None] / cell + 1 - np.arange(n_controls), cell

    def _weights(self, positions: NDArray[np.generic], axis: int) -> NDArray[np.float64]:
        """Cubic B-spline basis `(N, controls)`."""
        distance, _ = self._distances(positions, axis)
        u = np.abs(distance)
        near, far = 2 / 3 - u**2 + u**3 / 2, (2 - u) ** 3 / 6
        return np.where(u < 1, near, np.where(u < 2, far, 0.0))

    def _slopes(self, positions: NDArray[np.generic], axis: int) -> NDArray[np.float64]:
        """Derivative of the basis by pixels."""
        distance, cell = self._distances(positions, axis)
        u = np.abs(distance)
        near, far = -2 * u + 1.5 * u**2, -((2 - u) ** 2) / 2
        return np.sign(distance) * np.where(u < 1, near, np.where(u < 2, far, 0.0)) / cell
