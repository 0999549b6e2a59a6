"""Shapes of the training landmarks, learned once and stored beside the networks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ceph_pipeline.errors import CephError
from ceph_pipeline.plausibility.shapes import MIN_POINTS, Deviations, ShapeDistribution
from ceph_pipeline.plausibility.tails import Tails

MIN_SHAPES = 20
"""Fewer complete shapes say nothing about how landmarks vary together."""

PRIOR_FILE = "shape_prior.json"
"""Beside the networks' folders."""

_FOLDS = 10
_LEAST_VARIANCE = 1e-12
"""Of all coordinates together, in units of the shape's squared radius: what rounding leaves of equal shapes is far below."""
_USUALLY_THERE = 0.5
"""A landmark annotated in a smaller share of the shapes is left out of the prior."""


class PlausibilityError(CephError, ValueError):
    """A prior cannot be learned, or does not fit the points."""


class TooFewShapesError(PlausibilityError):
    """Too few complete shapes to learn from."""


@dataclass(frozen=True)
class ShapePrior:
    """Judges landmark configurations by those of the training images.

    Attributes:
        landmarks: K full names.
        shapes: Distribution of all the shapes learned from.
        tails: How far shapes deviate that a distribution was not fitted on.
        n_shapes: Number of the shapes learned from.
    """

    landmarks: tuple[str, ...]
    shapes: ShapeDistribution
    tails: Tails
    n_shapes: int

    @classmethod
    def learn(cls, shapes: NDArray[np.float64], landmarks: Sequence[str]) -> "ShapePrior":
        """Learn from real shapes.

        Args:
            shapes: `(N, K, 2)` px, of any size and turned either way; NaN where missing. Of the landmarks that at least half of
                the shapes have, incomplete shapes are left out.
            landmarks: K full names.

        Raises:
            TooFewShapesError: fewer than `MIN_SHAPES` are complete, they have fewer than `MIN_POINTS` landmarks, or they are
                all alike.
        """
        there = np.asarray(np.isfinite(shapes).all(axis=-1))
        usual = np.flatnonzero(there.sum(axis=0) >= _USUALLY_THERE * len(shapes))
        complete = shapes[there[:, usual].all(axis=1)][:, usual]
        if len(complete) < MIN_SHAPES:
            raise TooFewShapesError(
                f"{len(complete)} training shapes have all of their {len(usual)} landmarks, expected at least {MIN_SHAPES} "
                "to learn how landmarks lie to each other."
            )
        if len(usual) < MIN_POINTS:
            raise TooFewShapesError(
                f"{len(usual)} landmarks, such as the ruler's two marks, have no shape to be judged by; expected at least "
                f"{MIN_POINTS}."
            )
        names = tuple(landmarks[int(number)] for number in usual)
        return cls(names, _fitted(complete), Tails.fit(_unseen_deviations(complete)), len(complete))

    def distances(self, shapes: NDArray[np.float64]) -> Deviations:
        """Squared Mahalanobis distances of shapes `(N, K, 2)` px."""
        return self.shapes.deviations(shapes)

    def rarity(self, shapes: NDArray[np.float64]) -> Deviations:
        """Share of real shapes, and for each landmark of real points of its kind, that deviate more than these `(N, K, 2)` px."""
        return self.tails.rarity(self.distances(shapes))

    def to_report(self) -> dict[str, Any]:
        """As JSON keeps it; `from_report` reads it."""
        return PriorReport(
            landmarks=list(self.landmarks),
            n_shapes=self.n_shapes,
            whole_scale=self.tails.whole_scale,
            whole_freedom=self.tails.whole_freedom,
            freedom=self.tails.freedom,
            scales=self.tails.scales.tolist(),
            mean=self.shapes.mean.tolist(),
            covariance=self.shapes.covariance.tolist(),
        ).model_dump()

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> "ShapePrior":
        """Read what `to_report` wrote.

        Raises:
            ValidationError: it is something else.
        """
        found = PriorReport.model_validate(report)
        shapes = ShapeDistribution(np.array(found.mean), np.array(found.covariance))
        tails = Tails(found.whole_scale, found.whole_freedom, np.array(found.scales), found.freedom)
        return cls(tuple(found.landmarks), shapes, tails, found.n_shapes)


Positive = Annotated[float, Field(gt=0)]


class PriorReport(BaseModel):
    """A prior as plain numbers, checked when it is read."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    landmarks: list[str]
    n_shapes: int = Field(ge=MIN_SHAPES)
    whole_scale: Positive
    whole_freedom: Positive
    freedom: Positive
    scales: list[Positive]
    mean: list[tuple[float, float]]
    covariance: list[list[float]]

    @model_validator(mode="after")
    def _sizes_agree(self) -> "PriorReport":
        k = len(self.landmarks)
        if not (len(self.scales) == len(self.mean) == k and [len(row) for row in self.covariance] == [2 * k] * (2 * k)):
            raise ValueError(f"{k} landmarks, {len(self.mean)} mean points, {len(self.scales)} scales")
        if np.linalg.eigvalsh(np.array(self.covariance)).min() <= 0:
            raise ValueError("the covariance is not positive definite")
        return self


def read_prior(file: Path) -> ShapePrior | None:
    """The prior that the evaluation left in a file; None where there is no file, or it had too few shapes to learn from.

    Raises:
        PlausibilityError: the file is damaged.
    """
    if not file.is_file():
        return None
    try:
        report = json.loads(file.read_text("utf-8"))
        return ShapePrior.from_report(report) if report else None
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()
        raise PlausibilityError(
            f"{file}: the shape prior is not what the evaluation wrote ({' '.join(reason[:3])}). Run the evaluation pipeline "
            "again, or delete the file."
        ) from None


def _fitted(shapes: NDArray[np.float64]) -> ShapeDistribution:
    distribution = ShapeDistribution.fit(shapes)
    if np.trace(distribution.covariance) < _LEAST_VARIANCE:
        raise TooFewShapesError(
            f"{len(shapes)} training shapes are all alike, as points are that a template has put there and nobody has moved."
        )
    return distribution


def _unseen_deviations(shapes: NDArray[np.float64]) -> Deviations:
    """Deviations of each shape from a distribution fitted on the other folds."""
    fold = np.random.default_rng(0).permutation(len(shapes)) % _FOLDS
    whole, points = np.empty(len(shapes)), np.empty(shapes.shape[:2])
    for number in range(_FOLDS):
        held_out = fold == number
        whole[held_out], points[held_out] = _fitted(shapes[~held_out]).deviations(shapes[held_out])
    return Deviations(whole, points)
