"""What real heads look like, learned from the training landmarks and kept beside the networks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.uncertainty.anatomy.shapes import Deviations, ShapeDistribution
from ceph_pipeline.uncertainty.anatomy.tails import Tails

MIN_HEADS = 20
"""Fewer complete heads say nothing about how landmarks vary together."""

ANATOMY_FILE = "anatomy.json"
"""Beside the networks' folders."""

_FOLDS = 10
_USUALLY_THERE = 0.5
"""A landmark annotated in a smaller share of the heads is left out of the prior."""


class AnatomyError(ValueError):
    """A prior cannot be learned, or does not fit the points."""


class TooFewHeadsError(AnatomyError):
    """Too few complete heads to learn from."""


@dataclass(frozen=True)
class AnatomicalPrior:
    """Judges heads by how real ones are made.

    Attributes:
        landmarks: K full names.
        shapes: Distribution of all the heads learned from.
        tails: How far heads deviate that a distribution was not fitted on.
        n_heads: Number of the heads learned from.
    """

    landmarks: tuple[str, ...]
    shapes: ShapeDistribution
    tails: Tails
    n_heads: int

    @classmethod
    def learn(cls, heads: NDArray[np.float64], landmarks: Sequence[str]) -> "AnatomicalPrior":
        """Learn from real heads.

        Args:
            heads: `(N, K, 2)` px, of any size and turned either way; NaN where missing. Of the landmarks that at least half of
                the heads have, incomplete heads are left out.
            landmarks: K full names.

        Raises:
            TooFewHeadsError: fewer than `MIN_HEADS` are complete.
        """
        there = np.asarray(np.isfinite(heads).all(axis=-1))
        usual = np.flatnonzero(there.sum(axis=0) >= _USUALLY_THERE * len(heads))
        complete = heads[there[:, usual].all(axis=1)][:, usual]
        if len(complete) < MIN_HEADS:
            raise TooFewHeadsError(
                f"{len(complete)} training heads have all of their {len(usual)} landmarks, expected at least {MIN_HEADS} "
                "to learn how landmarks lie to each other."
            )
        names = tuple(landmarks[int(number)] for number in usual)
        return cls(names, ShapeDistribution.fit(complete), Tails.fit(_unseen_deviations(complete)), len(complete))

    def distances(self, heads: NDArray[np.float64]) -> Deviations:
        """Squared Mahalanobis distances of heads `(N, K, 2)` px."""
        return self.shapes.deviations(heads)

    def rarity(self, heads: NDArray[np.float64]) -> Deviations:
        """Share of real heads, and for each landmark of real points of its kind, that deviate more than these `(N, K, 2)` px."""
        return self.tails.rarity(self.distances(heads))

    def expected(
        self, head: NDArray[np.float64], sd_px: NDArray[np.float64], landmarks: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`ShapeDistribution.expected` with the standard deviations that real heads show."""
        place, sd = self.shapes.expected(head, sd_px, landmarks)
        return place, sd * self.tails.sd_factors[landmarks]

    def to_report(self) -> dict[str, Any]:
        """As JSON keeps it."""
        tails = self.tails
        return {
            "landmarks": list(self.landmarks),
            "n_heads": self.n_heads,
            "whole_scale": tails.whole_scale,
            "whole_freedom": tails.whole_freedom,
            "freedom": tails.freedom,
            "scales": tails.scales.tolist(),
            "mean": self.shapes.mean.tolist(),
            "covariance": self.shapes.covariance.tolist(),
        }

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> "AnatomicalPrior":
        """Read what `to_report` wrote.

        Raises:
            AnatomyError: it is something else.
        """
        try:
            shapes = ShapeDistribution(np.array(report["mean"], np.float64), np.array(report["covariance"], np.float64))
            scales = np.array(report["scales"], np.float64)
            whole_scale, whole_freedom, freedom = (float(report[name]) for name in ("whole_scale", "whole_freedom", "freedom"))
            prior = cls(
                tuple(report["landmarks"]), shapes, Tails(whole_scale, whole_freedom, scales, freedom), int(report["n_heads"])
            )
        except (KeyError, TypeError, ValueError) as error:
            raise AnatomyError(f"{_DAMAGED} ({type(error).__name__}: {error}). {_WAY_OUT}") from None
        k = len(prior.landmarks)
        if (shapes.mean.shape, shapes.covariance.shape, scales.shape) != ((k, 2), (2 * k, 2 * k), (k,)):
            raise AnatomyError(f"{_DAMAGED}: {k} landmarks, a mean {shapes.mean.shape}, {scales.shape} scales. {_WAY_OUT}")
        if not np.isfinite(shapes.mean).all() or not _spreads(shapes.covariance, scales, whole_scale, whole_freedom, freedom):
            raise AnatomyError(f"{_DAMAGED}: numbers that no heads give. {_WAY_OUT}")
        return prior


def read_prior(file: Path) -> AnatomicalPrior | None:
    """The prior that the evaluation left in a file; None where there is no file, or it had too few heads to learn from.

    Raises:
        AnatomyError: the file is damaged.
    """
    if not file.is_file():
        return None
    try:
        report = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise AnatomyError(f"{file}: {_DAMAGED} ({error}). {_WAY_OUT}") from None
    try:
        return AnatomicalPrior.from_report(report) if report else None
    except AnatomyError as error:
        raise AnatomyError(f"{file}: {error}") from None


_DAMAGED = "the anatomical prior is not what the evaluation wrote"
_WAY_OUT = "Run the evaluation pipeline again, or delete the file."


def _spreads(covariance: NDArray[np.float64], *positive: ArrayLike) -> bool:
    """Whether a covariance is positive definite and all the rest is finite and above 0."""
    if not np.isfinite(covariance).all() or not all(np.all(np.isfinite(part) & (np.asarray(part) > 0)) for part in positive):
        return False
    return bool(np.linalg.eigvalsh(covariance).min() > 0)


def _unseen_deviations(heads: NDArray[np.float64]) -> Deviations:
    """Deviations of each head from a distribution fitted on the other folds."""
    fold = np.random.default_rng(0).permutation(len(heads)) % _FOLDS
    whole, points = np.empty(len(heads)), np.empty(heads.shape[:2])
    for number in range(_FOLDS):
        held_out = fold == number
        whole[held_out], points[held_out] = ShapeDistribution.fit(heads[~held_out]).deviations(heads[held_out])
    return Deviations(whole, points)
