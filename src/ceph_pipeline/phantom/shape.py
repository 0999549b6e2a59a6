"""The shape model of the phantoms' landmarks, fitted to the Aariz data set, and sampling from it.

The values in `shape_model.json` (mean, twelve principal components, residual) were computed from annotations of the Aariz data
set, Khalid et al., licensed under CC BY 4.0.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.errors import CephError
from ceph_pipeline.phantom.anatomical_order import is_anatomical

_CLIP_SD = 2.2
"""Limit of components in standard deviations; larger values would not represent the population."""

_RESIDUAL_SHARE = 0.5
"""Factor of the residual. The residual is independent for every point, and at full size it would distort contours with several
points."""

_CANDIDATES = 400


class ShapeSamplingError(CephError, RuntimeError):
    """No anatomically possible shape was found."""


@dataclass(frozen=True)
class ShapeModel:
    """Mean and principal components of K points, in millimetres, x anterior, y down.

    Attributes:
        symbols: The K landmarks, in order.
        mean: `(K, 2)`.
        components: `(C, K, 2)`, each of unit length.
        component_sd: `(C,)` in mm.
        residual_sd: Standard deviation per coordinate of the residual, in mm.
        sn_mean: Mean distance from Sella to Nasion, in mm.
        sn_sd: Standard deviation of this distance, in mm.
    """

    symbols: tuple[str, ...]
    mean: NDArray[np.float64]
    components: NDArray[np.float64]
    component_sd: NDArray[np.float64]
    residual_sd: float
    sn_mean: float
    sn_sd: float

    def sample(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Draw one person's landmarks: (x, y) in mm by symbol, origin near the centroid.

        Raises:
            ShapeSamplingError: no candidate is anatomically possible.
        """
        scores = np.clip(rng.standard_normal((_CANDIDATES, len(self.components))), -_CLIP_SD, _CLIP_SD)
        residual = np.clip(rng.standard_normal((_CANDIDATES, *self.mean.shape)), -_CLIP_SD, _CLIP_SD)
        sn = self.sn_mean + self.sn_sd * float(np.clip(rng.standard_normal(), -_CLIP_SD, _CLIP_SD))
        shapes = self.mean + np.tensordot(scores * self.component_sd, self.components, axes=1)
        shapes += _RESIDUAL_SHARE * self.residual_sd * residual
        for shape in shapes:
            points = dict(zip(self.symbols, shape, strict=True))
            if is_anatomical(points):
                factor = sn / float(np.linalg.norm(points["N"] - points["S"]))
                return {symbol: factor * point for symbol, point in points.items()}
        raise ShapeSamplingError(f"none of {_CANDIDATES} sampled shapes is anatomically possible: the shape model is damaged.")


@cache
def shape_model() -> ShapeModel:
    """The model included in the package."""
    content = json.loads(resources.files(__package__).joinpath("shape_model.json").read_text(encoding="utf-8"))
    return ShapeModel(
        symbols=tuple(content["landmarks"]),
        mean=np.array(content["mean_mm"]),
        components=np.array([component["direction"] for component in content["components"]]),
        component_sd=np.array([component["std_mm"] for component in content["components"]]),
        residual_sd=content["residual_std_mm"],
        sn_mean=content["sn_length_mm"]["mean"],
        sn_sd=content["sn_length_mm"]["std"],
    )
