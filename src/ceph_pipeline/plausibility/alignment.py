"""Alignment of landmark configurations: removes position, size, rotation and reflection."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[np.complex128]
"""Points as x + iy: a similarity is one multiplication and one addition."""

_ROUNDS = 10
_TOLERANCE = 3.0
"""A misfit of this many times the shape's median misfit reduces a point's weight in the alignment to about one half."""


class Similarities(NamedTuple):
    """N similarities, `q = factor · p + offset`; points are mirrored first where `mirrored` is true.

    Attributes:
        factor: `(N,)` complex: rotation and scale.
        offset: `(N,)` complex: translation.
        mirrored: `(N,)`, whether x ↦ −x is applied first.
    """

    factor: Complex
    offset: Complex
    mirrored: NDArray[np.bool_]

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map `(N, K, 2)`, each shape by its own similarity; NaN stays NaN."""
        turned = _mirrored_where(self.mirrored, _as_complex(points))
        return _as_points(self.factor[:, None] * turned + self.offset[:, None])

    @property
    def turned_deg(self) -> NDArray[np.float64]:
        """`(N,)`, absolute rotation of each shape, 0 to 180°."""
        return np.abs(np.degrees(np.angle(self.factor)))

    def inverse(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map `(N, K, 2)` back, each shape by its own similarity."""
        turned = (_as_complex(points) - self.offset[:, None]) / self.factor[:, None]
        return _as_points(_mirrored_where(self.mirrored, turned))


def align(shapes: NDArray[np.float64], mean: NDArray[np.float64]) -> Similarities:
    """The similarities, with or without reflection, that align shapes with the mean; outliers have a small weight.

    Args:
        shapes: `(N, K, 2)`; NaN where missing. A shape with fewer than two known points is not moved.
        mean: `(K, 2)`.
    """
    source, goal = _as_complex(shapes), _as_complex(mean)
    n = len(source)
    ways = [_fit(_mirrored_where(np.full(n, mirror), source), goal) for mirror in (False, True)]
    (factor, offset, misfit), (other_factor, other_offset, other_misfit) = ways
    mirrored = other_misfit < misfit
    return Similarities(np.where(mirrored, other_factor, factor), np.where(mirrored, other_offset, offset), mirrored)


def upright(mean: NDArray[np.float64], found: Similarities) -> NDArray[np.float64]:
    """The mean `(K, 2)` rotated by the average rotation of the shapes aligned with it; independent of the initial rotation."""
    usual = np.angle(np.exp(1j * np.angle(found.factor)).sum())
    return _as_points(np.exp(-1j * usual) * _as_complex(mean))


def unit_shape(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """A shape `(K, 2)`, centred and scaled to a root-mean-square radius of 1."""
    centred = shape - np.nanmean(shape, axis=0)
    return np.asarray(centred / np.sqrt(np.nanmean((centred**2).sum(axis=-1))))


def _fit(source: Complex, goal: Complex) -> tuple[Complex, Complex, NDArray[np.float64]]:
    """Least squares with weights that decrease with a point's misfit relative to the shape's; factors, offsets, misfits."""
    known = np.isfinite(source) & np.isfinite(goal)
    enough = known.sum(axis=1) >= 2
    source, goal = np.where(known, source, 0), np.where(known, goal, 0)
    weights = known.astype(np.float64)
    rows, middle = np.arange(len(source)), known.sum(axis=1) // 2
    for _ in range(_ROUNDS):
        share = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
        centre, to = (share * source).sum(axis=1), (share * goal).sum(axis=1)
        offsets = source - centre[:, None]
        spread = np.maximum((share * np.abs(offsets) ** 2).sum(axis=1), 1e-12)
        factor = np.where(enough, (share * offsets.conj() * (goal - to[:, None])).sum(axis=1) / spread, 1)
        offset = np.where(enough, to - factor * centre, 0)
        misfit = np.abs(factor[:, None] * source + offset[:, None] - goal)
        usual = np.sort(np.where(known, misfit, np.inf), axis=1)[rows, middle]
        weights = known / (1 + (misfit / (_TOLERANCE * np.maximum(usual, 1e-9))[:, None]) ** 2)
    return factor, offset, usual


def _mirrored_where(mirrored: NDArray[np.bool_], points: Complex) -> Complex:
    return np.where(mirrored[:, None], -points.conj(), points)


def _as_complex(points: NDArray[np.float64]) -> Complex:
    return np.asarray(points[..., 0] + 1j * points[..., 1])


def _as_points(values: Complex) -> NDArray[np.float64]:
    return np.stack([values.real, values.imag], axis=-1)
