"""Shape prior: distribution of the training landmarks' shapes, fitted once and stored next to the networks."""

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
"""Minimum number of patients with complete shapes for estimating how landmarks vary together."""

PRIOR_FILE = "shape_prior.json"
"""File in the folder that contains the networks' folders."""

_FOLDS = 10
_LEAST_VARIANCE = 1e-12
"""Minimum total variance, in units of the shape's squared radius; rounding errors of equal shapes are far smaller."""
_USUALLY_THERE = 0.5
"""A landmark that is annotated in a smaller share of the shapes is excluded from the prior."""


class PlausibilityError(CephError, ValueError):
    """A prior cannot be fitted or read, or does not match the points."""


class TooFewShapesError(PlausibilityError):
    """Too few complete shapes to fit a prior."""


@dataclass(frozen=True)
class ShapePrior:
    """Compares landmark configurations with the configurations of the training images.

    Attributes:
        landmarks: K full names.
        shapes: Distribution of all training shapes.
        tails: Tails of the deviations of held-out shapes.
        n_shapes: Number of training shapes.
    """

    landmarks: tuple[str, ...]
    shapes: ShapeDistribution
    tails: Tails
    n_shapes: int

    @classmethod
    def learn(
        cls, shapes: NDArray[np.float64], landmarks: Sequence[str], patients: Sequence[str] | NDArray[np.str_] | None = None
    ) -> "ShapePrior":
        """Fit a prior to real shapes.

        Args:
            shapes: `(N, K, 2)` px, of any size, rotation and reflection; NaN where missing. Landmarks that are missing in more
                than half of the shapes are excluded, then all shapes that are still incomplete.
            landmarks: K full names.
            patients: The patient of each shape, since shapes of one patient are alike; None if all are of different patients.

        Raises:
            TooFewShapesError: shapes of fewer than `MIN_SHAPES` patients are complete, they have fewer than `MIN_POINTS`
                landmarks, or they are all equal.
        """
        there = np.asarray(np.isfinite(shapes).all(axis=-1))
        usual = np.flatnonzero(there.sum(axis=0) >= _USUALLY_THERE * len(shapes))
        whole = there[:, usual].all(axis=1)
        complete = shapes[whole][:, usual]
        of = np.arange(len(shapes)) if patients is None else np.asarray(patients)
        different, patient = np.unique(of[whole], return_inverse=True)
        n_patients = len(different)
        if n_patients < MIN_SHAPES:
            raise TooFewShapesError(
                f"training shapes of {n_patients} patients have all of their {len(usual)} landmarks, expected at least "
                f"{MIN_SHAPES} patients to fit a shape prior."
            )
        if len(usual) < MIN_POINTS:
            raise TooFewShapesError(
                f"{len(usual)} landmarks, such as the ruler's two marks, are too few for a shape prior; expected at least "
                f"{MIN_POINTS}."
            )
        names = tuple(landmarks[int(number)] for number in usual)
        return cls(names, _fitted(complete), Tails.fit(_unseen_deviations(complete, patient), n_patients), len(complete))

    def distances(self, shapes: NDArray[np.float64]) -> Deviations:
        """Squared Mahalanobis distances of shapes `(N, K, 2)` px."""
        return self.shapes.deviations(shapes)

    def rarity(self, shapes: NDArray[np.float64]) -> Deviations:
        """Share of real shapes with a larger deviation than these `(N, K, 2)` px, in total and for each landmark."""
        return self.tails.rarity(self.distances(shapes))

    def to_report(self) -> dict[str, Any]:
        """The prior as JSON-compatible values; `from_report` is the inverse."""
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
            ValidationError: the report is not valid.
        """
        found = PriorReport.model_validate(report)
        shapes = ShapeDistribution(np.array(found.mean), np.array(found.covariance))
        tails = Tails(found.whole_scale, found.whole_freedom, np.array(found.scales), found.freedom)
        return cls(tuple(found.landmarks), shapes, tails, found.n_shapes)


Positive = Annotated[float, Field(gt=0)]


class PriorReport(BaseModel):
    """Schema of a stored prior, validated when it is read."""

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
    """Read the prior of the evaluation; None if there is no file, or if there were too few shapes to fit a prior.

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
            f"{file}: not a shape prior of the evaluation ({' '.join(reason[:3])}). Run the evaluation pipeline "
            "again, or delete the file."
        ) from None


def _fitted(shapes: NDArray[np.float64]) -> ShapeDistribution:
    distribution = ShapeDistribution.fit(shapes)
    if np.trace(distribution.covariance) < _LEAST_VARIANCE:
        raise TooFewShapesError(
            f"{len(shapes)} training shapes are all equal, for example points of a template that nobody has corrected."
        )
    return distribution


def _unseen_deviations(shapes: NDArray[np.float64], patient: NDArray[np.int64]) -> Deviations:
    """Deviations of each shape from a distribution fitted on the other folds of patients, whose numbers start at 0."""
    fold = (np.random.default_rng(0).permutation(patient.max() + 1) % _FOLDS)[patient]
    whole, points = np.empty(len(shapes)), np.empty(shapes.shape[:2])
    for number in range(_FOLDS):
        held_out = fold == number
        whole[held_out], points[held_out] = _fitted(shapes[~held_out]).deviations(shapes[held_out])
    return Deviations(whole, points)
